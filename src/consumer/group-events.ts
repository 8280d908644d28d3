import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { Deadline } from '../deadline.ts'
import { GroupError, messageOf } from '../errors.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { Assignment } from './assignment.ts'
import type { ConsumerMetrics, HookName } from './consumer-metrics.ts'
import type { ParsedConsumerOptions, PartitionsHook } from './consumer-options.ts'
import type { MemberOwner, ReportedState } from './group/group-member.ts'
import type { PositionFinder } from './position-finder.ts'
import type { RecordReader } from './record-reader.ts'

export interface GroupEventsParts {
  readonly options: ParsedConsumerOptions
  readonly assignment: Assignment
  readonly reader: RecordReader
  readonly finder: PositionFinder
  readonly metrics: ConsumerMetrics
  topics(): readonly string[]
  topicPattern(): string | null
  /** Commits what is done of these. Never rejects. */
  autoCommit(partitions: readonly AssignedPartition[], deadline: Deadline): Promise<void>
  /** The member is on its way out. */
  isLeaving(): boolean
  onTrouble(error: KafkaError): void
  onLate(): void
  /** Something can be fetched that could not be before, or the other way round. */
  onChange(): void
}

/** What the group wants of the consumer: taking over partitions, and handing them over when their work is done. */
export class GroupEvents implements MemberOwner {
  readonly #parts: GroupEventsParts
  #revoking: Promise<void> = Promise.resolve()
  /** Whose assignment the application was told of. */
  readonly #told = new WeakSet<AssignedPartition>()

  constructor(parts: GroupEventsParts) {
    this.#parts = parts
  }

  topics(): readonly string[] {
    return this.#parts.topics()
  }

  topicPattern(): string | null {
    return this.#parts.topicPattern()
  }

  ownedPartitions(): readonly TopicPartition[] {
    return this.#parts.assignment.list()
  }

  lastPollAt(): number {
    return this.#parts.reader.lastAskAt()
  }

  /**
   * First nothing more is handed out, then the work in hand comes to its end, then it is committed, then the application
   * is told, and only then the partitions are let go. While the application waits for records it has none in hand.
   */
  async onRevoked(partitions: readonly TopicPartition[], deadline: Deadline): Promise<void> {
    const found = this.#parts.assignment.find(partitions)
    const revoked = found.filter((one) => !one.isRevoking)
    // Closing hands over everything, and may meet a revocation that is under way: that one is to end first.
    const before = revoked.length < found.length ? this.#revoking : null
    if (revoked.length > 0) {
      for (const partition of revoked) partition.isRevoking = true
      this.#revoking = this.#revoke(revoked, deadline)
      await this.#revoking
    }
    if (before !== null) await deadline.race(before, 'the revocation under way').catch(() => {})
  }

  async #revoke(revoked: readonly AssignedPartition[], deadline: Deadline): Promise<void> {
    const { assignment, reader, options } = this.#parts
    try {
      await deadline
        .race(reader.whenDone(new Set(revoked)), 'the work in hand')
        .catch((error: KafkaError) => {
          // The membership ended meanwhile: `onLost` follows, and there is nothing that the application could do.
          if (!deadline.signal?.aborted) this.#parts.onTrouble(error)
        })
      if (revoked.every((one) => !one.isAssigned)) return
      await this.#parts.autoCommit(revoked, deadline)
      if (deadline.signal?.aborted) return
      await this.#runHook('onPartitionsRevoked', options.onPartitionsRevoked, revoked, deadline)
    } finally {
      if (!deadline.signal?.aborted) {
        assignment.remove(revoked)
        this.#parts.onChange()
      }
    }
  }

  async onLost(partitions: readonly TopicPartition[], deadline: Deadline): Promise<void> {
    const { assignment, options } = this.#parts
    const lost = assignment.find(partitions)
    if (lost.length === 0) return
    // Before anything is awaited: others may read them already, and not one record more is to be handed out.
    assignment.remove(lost)
    this.#parts.onChange()
    if (options.onPartitionsLost !== undefined) {
      await this.#runHook('onPartitionsLost', options.onPartitionsLost, lost, deadline)
    } else {
      await this.#runHook('onPartitionsRevoked', options.onPartitionsRevoked, lost, deadline)
    }
  }

  async onAssigned(
    whole: readonly TopicPartition[],
    added: readonly TopicPartition[],
    deadline: Deadline,
  ): Promise<void> {
    const { assignment, options, finder } = this.#parts
    // What is handed over on leaving was read off before: what came now nobody would give back.
    if (this.#parts.isLeaving()) return
    assignment.keepOnly(whole)
    const fresh = added
      .filter((one) => assignment.get(one) === undefined)
      .map((one) => assignment.add(one, 'committed', false))
    // The hook may seek, and what was found must not come after that. When nothing can be found now the search goes on in
    // the background; the group does not wait for it.
    await deadline.race(finder.find(fresh), 'finding positions').catch(() => {})
    // Closing may come meanwhile, and hands over what is here already: that is not to be told after its revocation.
    const ours = fresh.filter((one) => one.isAssigned && !one.isRevoking)
    for (const partition of ours) this.#told.add(partition)
    if (ours.length > 0 || fresh.length === 0) {
      await this.#runHook('onPartitionsAssigned', options.onPartitionsAssigned, ours, deadline)
    }
    for (const partition of fresh) partition.isReady = true
    this.#parts.onChange()
  }

  onLate(error: KafkaError): void {
    const { groupId } = this.#parts.options
    const slowest = this.#parts.reader.worker?.slowest() ?? null
    const named = () =>
      new GroupError(error.code, `${error.message}; late is ${slowest}`, { groupId: groupId! })
    this.#parts.onTrouble(slowest === null ? error : named())
    this.#parts.onLate()
  }

  onState(state: ReportedState): void {
    this.#parts.metrics.memberState(state)
  }

  /** What does not pass by itself is for the application to know: with its next ask. */
  onTrouble(error: KafkaError): void {
    if (error.retriable) this.#parts.onTrouble(error)
    else this.#parts.reader.fail(error, () => {})
  }

  onFatal(error: KafkaError): void {
    this.#parts.reader.failForGood(error)
  }

  /** What the hook throws is told, and stops nothing: the group goes on with us or without us. */
  async #runHook(
    name: HookName,
    hook: PartitionsHook | undefined,
    partitions: readonly AssignedPartition[],
    deadline: Deadline,
  ): Promise<void> {
    if (hook === undefined) return
    const list = partitions
      .filter((one) => this.#told.has(one))
      .map(({ topic, partition }) => ({ topic, partition }))
    if (list.length === 0 && partitions.length > 0) return
    const begunAt = performance.now()
    try {
      await deadline.race(
        (async () => {
          await hook(list)
        })(),
        name,
      )
    } catch (cause) {
      const { groupId } = this.#parts.options
      this.#parts.onTrouble(
        new GroupError('HOOK_FAILED', `${name} failed: ${messageOf(cause)}`, {
          cause,
          ...(groupId === undefined ? {} : { groupId }),
        }),
      )
    } finally {
      const now = performance.now()
      this.#parts.metrics.hooks[name].record(now - begunAt, now)
    }
  }
}

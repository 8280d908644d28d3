import type { Cluster } from '../cluster/cluster.ts'
import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { Deadline } from '../deadline.ts'
import { GroupError, IllegalStateError, InvalidArgumentError, InvalidOptionError } from '../errors.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { Assignment } from './assignment.ts'
import { asKafkaError } from './client-fault.ts'
import { deliveredOffset, newsToCommit } from './commit-mode.ts'
import type { ConsumerInterceptors } from './consumer-interceptors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { GroupMember, GroupMembershipOperation, GroupMetadata } from './group/group-member.ts'
import { GroupEvents } from './group-events.ts'
import { newMember } from './new-member.ts'
import { lastOfEach, OffsetCommitter, type OffsetToCommit } from './offset-committer.ts'
import type { PositionFinder } from './position-finder.ts'
import type { RecordReader } from './record-reader.ts'
import { TopicSubscription } from './topic-subscription.ts'

export interface GroupSessionParts {
  readonly cluster: Cluster
  readonly options: ParsedConsumerOptions & { readonly groupId: string }
  readonly assignment: Assignment
  readonly reader: RecordReader
  readonly finder: PositionFinder
  readonly metrics: ConsumerMetrics
  readonly interceptors: ConsumerInterceptors | null
  onTrouble(error: KafkaError): void
  onChange(): void
}

/** All that a consumer does under the name of a group: its membership, if it subscribes, and its commits. */
export class GroupSession {
  readonly groupId: string
  readonly #parts: GroupSessionParts
  readonly #events: GroupEvents
  readonly #committer: OffsetCommitter
  #subscription = new TopicSubscription([])
  #member: GroupMember | null = null
  /** On its way out; until it is, partitions and commits are its own, and the next member does not begin. */
  #departing: GroupMember | null = null
  #isStarted = false
  #isLate = false
  /** Topics that were told of for not being there. */
  readonly #reported = new Set<string>()
  #isClosed = false
  #commitTimer: NodeJS.Timeout | undefined
  #topicsTimer: NodeJS.Timeout | undefined
  #leaving: Promise<void> = Promise.resolve()

  constructor(parts: GroupSessionParts) {
    this.#parts = parts
    this.groupId = parts.options.groupId
    this.#events = new GroupEvents({
      ...parts,
      topics: () => this.#subscription.topics(),
      topicPattern: () => this.#subscription.brokerPattern,
      autoCommit: (partitions, deadline) => this.#autoCommit(partitions, deadline),
      isLeaving: () => this.#departing !== null,
      onTrouble: (error) => parts.onTrouble(error),
      onLate: () => {
        this.#isLate = true
        // It may have asked while the member was on its way out: no other ask follows, and nobody would come back.
        if (parts.reader.isIdle) this.onAsk()
      },
      onChange: () => parts.onChange(),
    })
    this.#committer = new OffsetCommitter(parts.cluster, {
      groupId: this.groupId,
      groupMetadata: () => this.#metadataForCommit(),
      find: (partition) => parts.assignment.get(partition),
      onCommitted: (latencyMs, offsets) => {
        parts.metrics.committed(latencyMs)
        parts.interceptors?.onCommit(offsets)
      },
      onCommitRefused: (errorCode, sentWith) =>
        (this.#departing ?? this.#member)?.onCommitRefused(errorCode, sentWith),
      afterRebalance: (sentWith) => (this.#departing ?? this.#member)?.afterRebalance(sentWith) ?? null,
    })
  }

  get subscription(): TopicSubscription {
    return this.#subscription
  }

  get isSubscribed(): boolean {
    return !this.#subscription.isEmpty
  }

  get metadata(): GroupMetadata {
    return (
      (this.#departing ?? this.#member)?.metadata ?? {
        groupId: this.groupId,
        generationId: -1,
        memberId: '',
        groupInstanceId: this.#parts.options.groupInstanceId ?? null,
      }
    )
  }

  /** Who asks for commits, where the coordinator looks at that: it has no answer for a member that was fenced. */
  get askingMember(): GroupMetadata | null {
    const { metadata } = this
    return this.#parts.options.groupProtocol === 'consumer' && metadata.generationId >= 0 ? metadata : null
  }

  /** A group without members takes a commit of no generation from anybody, also from one that has just been thrown out. */
  #metadataForCommit(): GroupMetadata {
    const { groupId } = this
    const member = this.#departing ?? this.#member
    if (member === null) return this.metadata
    if (member.metadata.generationId >= 0) return member.metadata
    throw new GroupError(
      'REBALANCE_IN_PROGRESS',
      `nothing can be committed: this consumer is in no generation of group ${groupId} at the moment`,
      { groupId },
    )
  }

  /** Names, what patterns of ours have matched, and what was assigned for a pattern of the broker's; sorted. */
  topics(): string[] {
    const topics = this.#subscription.topics()
    if (this.#subscription.brokerPattern === null) return topics
    const assigned = this.#parts.assignment.list().map(({ topic }) => topic)
    return [...new Set([...topics, ...assigned])].sort()
  }

  /**
   * Another set of topics from now on; none: leaves the group.
   *
   * @throws InvalidArgumentError for a pattern that the broker is to evaluate, in the classic protocol.
   */
  subscribe(subscription: TopicSubscription): void {
    if (subscription.brokerPattern !== null && this.#parts.options.groupProtocol === 'classic') {
      throw new InvalidArgumentError(
        "a SubscriptionPattern needs groupProtocol 'consumer'; in the classic protocol a RegExp does the same in the client",
      )
    }
    this.#subscription = subscription
    this.#reported.clear()
    if (subscription.isEmpty) {
      const deadline = new Deadline(this.#parts.options.requestTimeoutMs)
      const member = this.#member
      // At once, not at its turn: a subscription that follows in this very tick needs a member of its own.
      this.#member = null
      // A member that waits for the one before it to be out has nothing in its hands yet.
      this.#leaving =
        this.#departing === null
          ? this.#leave(member, deadline, 'the consumer unsubscribed from all topics')
          : this.#leaving.then(() => member?.leave(deadline))
    } else {
      this.refreshTopics('the subscription has changed')
    }
  }

  /** The application asks for records: the first time the member joins, and after it was late it comes back. */
  onAsk(): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      const { enableAutoCommit, atMostOnce } = this.#parts.options
      if (enableAutoCommit && !atMostOnce) this.#armCommitTimer()
      if (this.isSubscribed) this.refreshTopics()
    }
    // A handler that is late stays so when another one asks for more: the member would be out again at once.
    if (this.#isLate && this.#parts.reader.isIdle) {
      this.#isLate = false
      this.#member?.rejoin('the application asks for records again')
    }
  }

  /** Throws IllegalStateError without a subscription. */
  enforceRebalance(reason: string): void {
    if (!this.isSubscribed) throw new IllegalStateError('enforceRebalance() needs a subscription')
    this.#member?.enforceRebalance(reason)
  }

  /**
   * Looks what the patterns match now, then joins the group, or joins again when that has changed. Never rejects.
   *
   * @param reason why to join again whatever the patterns match.
   */
  refreshTopics(reason: string | null = null): void {
    if (!this.#isStarted || !this.isSubscribed || this.#isClosed) return
    const subscription = this.#subscription
    const { cluster, options } = this.#parts
    // Names need no look before joining: the group's leader finds out which of them exist.
    if (!subscription.hasPatterns) {
      if (this.#member === null) this.#join()
      else if (reason !== null) this.#member.rejoin(reason)
    }
    subscription.refresh(cluster).then(
      (hasChanged) => {
        if (this.#isClosed || subscription !== this.#subscription) return
        this.#tellOfTopics()
        if (this.#member === null) this.#join()
        else if (!subscription.hasPatterns) return
        else if (reason !== null) this.#member.rejoin(reason)
        else if (hasChanged) this.#member.rejoin('other topics match the patterns now')
      },
      (error: unknown) => {
        if (this.#isClosed || subscription !== this.#subscription) return
        const failure = asKafkaError(error, 'finding the topics of the subscription')
        if (!failure.retriable) return this.#parts.reader.fail(failure, () => this.refreshTopics(reason))
        this.#parts.onTrouble(failure)
        if (subscription.hasPatterns && (this.#member === null || reason !== null)) {
          this.#retryTopics(options.retryBackoffMaxMs, reason)
        }
      },
    )
  }

  /** A topic that does not exist, or may not be seen, is no error of the group: it would be waited for in silence. */
  #tellOfTopics(): void {
    const { cluster, reader, onTrouble } = this.#parts
    for (const topic of this.#subscription.topics()) {
      const errorCode = cluster.metadata.errorCode(topic)
      if (errorCode === errorCodes.none || this.#reported.has(topic)) continue
      this.#reported.add(topic)
      const error = new BrokerError(errorCode, { topic, groupId: this.groupId, api: 'Metadata' })
      if (error.retriable) onTrouble(error)
      else reader.fail(error, () => {})
    }
  }

  #retryTopics(afterMs: number, reason: string | null): void {
    clearTimeout(this.#topicsTimer)
    this.#topicsTimer = setTimeout(() => this.refreshTopics(reason), afterMs)
  }

  #join(): void {
    const { cluster, options } = this.#parts
    this.#member = newMember(cluster, options, this.#events)
    const member = this.#member
    // A member that this one takes the place of has to be out first: both would have the same partitions in hand.
    this.#leaving.then(() => {
      if (this.#member === member && !this.#isClosed) member.start()
    })
  }

  /** Commits all that was delivered, in hand or done. */
  commitDelivered(deadline: Deadline): Promise<void> {
    return this.#committer.commit(
      () => [...this.#parts.assignment.values()].flatMap((one) => deliveredOffset(one) ?? []),
      deadline,
    )
  }

  /** Commits what is done, or stored, now and not at its next turn; nothing without `enableAutoCommit`. Never rejects. */
  async commitDone(deadline: Deadline): Promise<void> {
    // All is committed; what was not handed out of it may still be, here.
    if (this.#parts.options.atMostOnce) return
    await this.#autoCommit(this.#parts.assignment.values(), deadline)
  }

  /** @throws GroupError PARTITION_NOT_ASSIGNED for a partition that the group has not given to us. */
  async commit(offsets: readonly OffsetToCommit[], deadline: Deadline): Promise<void> {
    const { assignment, reader } = this.#parts
    const stays = new Map(offsets.map((one) => [one, assignment.get(one)]))
    const checked = () => {
      for (const one of offsets) {
        // Lost, read on by others and ours again, while the application was at work on what it had of the time before:
        // offsets of that would take back what the others have committed.
        // The same goes for what has waited for its turn meanwhile.
        const stay = assignment.get(one)
        const isSame = stay !== undefined && stay === stays.get(one)
        this.#checkOwned(one, isSame && !reader.holdsLost(partitionKey(one)))
      }
      return lastOfEach(offsets)
    }
    checked()
    await this.#committer.commit(checked, deadline)
  }

  /** The same for the end of a batch; `partition` is what it came from, and may have come back since as another. */
  async commitBatch(partition: AssignedPartition, end: OffsetToCommit, deadline: Deadline): Promise<void> {
    await this.#committer.commit(() => {
      this.#checkOwned(partition, partition.isAssigned)
      return [end]
    }, deadline)
  }

  #checkOwned(partition: TopicPartition, isOwned: boolean): void {
    // Without a subscription nobody shares partitions out, and who commits what is the application's business.
    if (isOwned || !this.isSubscribed) return
    throw new GroupError(
      'PARTITION_NOT_ASSIGNED',
      `${partitionKey(partition)} is not assigned to this member of group ${this.groupId}: it cannot be committed`,
      { topic: partition.topic, partition: partition.partition, groupId: this.groupId },
    )
  }

  async #autoCommit(partitions: Iterable<AssignedPartition>, deadline: Deadline): Promise<void> {
    const { enableAutoCommit, atMostOnce } = this.#parts.options
    if (!enableAutoCommit && !atMostOnce) return
    const list = [...partitions]
    if (!list.some((one) => one.hasNewsToCommit)) return
    try {
      await this.#committer.commit(
        () => list.flatMap((one) => (one.isAssigned ? (newsToCommit(one) ?? []) : [])),
        deadline,
      )
    } catch (error) {
      // The membership has ended, and what is uncommitted is somebody else's: that is told as a loss.
      if (deadline.signal?.aborted) return
      // The revocation that comes next commits as well.
      if (error instanceof KafkaError && error.code === 'REBALANCE_IN_PROGRESS') return
      this.#parts.onTrouble(asKafkaError(error, `the automatic commit of group ${this.groupId}`))
    }
  }

  #armCommitTimer(): void {
    this.#commitTimer = setTimeout(async () => {
      await this.#autoCommit(
        this.#parts.assignment.values(),
        new Deadline(this.#parts.options.defaultApiTimeoutMs),
      )
      if (!this.#isClosed) this.#armCommitTimer()
    }, this.#parts.options.autoCommitIntervalMs)
  }

  async #leave(
    member: GroupMember | null,
    deadline: Deadline,
    reason?: string,
    operation?: GroupMembershipOperation,
  ): Promise<void> {
    this.#departing = member
    const held = [...this.#parts.assignment.values()]
    try {
      await this.#events.onRevoked(this.#parts.assignment.list(), deadline)
      await member?.leave(deadline, reason, operation)
      // A revocation of the group's own that was broken off by a loss leaves it to the member to tell of that, and one that
      // leaves in this very moment does not any more.
      const rest = held.filter((one) => one.isAssigned)
      if (rest.length > 0) await this.#events.onLost(rest, deadline)
    } finally {
      this.#departing = null
    }
  }

  /** Commits what is done, hands the partitions over and leaves the group, or remains in it. Never rejects. */
  async close(deadline: Deadline, operation?: GroupMembershipOperation): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#commitTimer)
    clearTimeout(this.#topicsTimer)
    await deadline.race(this.#leaving, 'leaving the group').catch(() => {})
    if (this.isSubscribed) await this.#leave(this.#member, deadline, undefined, operation)
    else await this.#autoCommit(this.#parts.assignment.values(), deadline)
    await deadline.race(this.#committer.ended(), 'the last commits').catch(() => {})
  }
}

/** Throws IllegalStateError where there is no group to speak of. */
export function requireGroup(group: GroupSession | null, what: string): GroupSession {
  if (group !== null) return group
  throw new IllegalStateError(`${what} needs the option groupId`)
}

/** Checks assignors' names before anything is started. */
export function checkAssignors({ partitionAssignmentStrategy }: ParsedConsumerOptions): void {
  const names = partitionAssignmentStrategy.map((one) => (typeof one === 'string' ? one : one.name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice === undefined) return
  throw new InvalidOptionError(`consumer options: partitionAssignmentStrategy has ${twice} twice`)
}

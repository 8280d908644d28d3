import { Backoff } from '../backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { byTopic, partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import type { Deadline } from '../deadline.ts'
import { type OffsetCommitResponse, offsetCommit } from '../protocol/apis/offset-commit.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { GroupMetadata } from './group/group-member.ts'

/** An offset to be committed: that of the next record to read. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  /** Kept beside the offset; default empty. */
  readonly metadata?: string | undefined
  /** Leader epoch of the record before; default -1, not known. */
  readonly leaderEpoch?: number | undefined
}

export interface CommitOwner {
  readonly groupId: string
  groupMetadata(): GroupMetadata
  find(partition: TopicPartition): AssignedPartition | undefined
  /** @param latencyMs milliseconds that it took, its repetitions included. */
  onCommitted?(latencyMs: number, offsets: readonly OffsetToCommit[]): void
  /** The group no longer takes what comes from `sentWith`: the member has to act on it, if it still is that. */
  onCommitRefused(errorCode: number, sentWith: GroupMetadata): void
  /** When it may be tried again in another generation; null: never (`GroupMember.afterRebalance`). */
  afterRebalance(sentWith: GroupMetadata): Promise<void> | null
}

/** Versions from 10 on know topics by id alone. */
const highestWithNames = 9

/** Errors that are the same for all partitions: about the group, its coordinator or our place in it. */
const groupErrors: ReadonlySet<number> = new Set([
  errorCodes.requestTimedOut,
  errorCodes.coordinatorLoadInProgress,
  errorCodes.coordinatorNotAvailable,
  errorCodes.notCoordinator,
  errorCodes.illegalGeneration,
  errorCodes.unknownMemberId,
  errorCodes.rebalanceInProgress,
  errorCodes.groupAuthorizationFailed,
  errorCodes.fencedInstanceId,
  errorCodes.staleMemberEpoch,
])

const generationOver: ReadonlySet<number> = new Set([
  errorCodes.illegalGeneration,
  errorCodes.rebalanceInProgress,
  errorCodes.staleMemberEpoch,
])

const refusals: ReadonlySet<number> = new Set([
  errorCodes.staleMemberEpoch,
  errorCodes.illegalGeneration,
  errorCodes.unknownMemberId,
  errorCodes.rebalanceInProgress,
  errorCodes.fencedInstanceId,
])

/**
 * Commits offsets, one request at a time. Two at once could overtake each other: an automatic commit of 100 is being
 * retried, the application commits 50 to read again from there, and the first would then undo the second.
 */
export class OffsetCommitter {
  readonly #cluster: Cluster
  readonly #owner: CommitOwner
  #last: Promise<void> = Promise.resolve()

  constructor(cluster: Cluster, owner: CommitOwner) {
    this.#cluster = cluster
    this.#owner = owner
  }

  /**
   * Commits what `collect` gives once it is this commit's turn; nothing when that is empty. It is asked again when a
   * rebalance in which partitions are kept comes between: some may have been given up.
   *
   * @throws BrokerError when the group or a partition is refused; the last retriable error at the deadline.
   */
  commit(collect: () => readonly OffsetToCommit[], deadline: Deadline): Promise<void> {
    const what = `committing offsets of group ${this.#owner.groupId}`
    const turn = this.#last.then(() => {
      deadline.throwIfAborted()
      // Its caller was told already that it failed; sending it all the same could undo what was committed since.
      if (deadline.expired) throw deadline.error(what)
      return this.#commitOverRebalances(collect, deadline)
    })
    this.#last = turn.catch(() => {})
    return deadline.race(turn, what)
  }

  /** Waits for the commits that are under way. */
  ended(): Promise<void> {
    return this.#last
  }

  async #commitOverRebalances(collect: () => readonly OffsetToCommit[], deadline: Deadline): Promise<void> {
    for (;;) {
      const offsets = collect()
      if (offsets.length === 0) return
      // Taken once, not for each try: what was done in one generation must be refused in the next.
      const group = this.#owner.groupMetadata()
      try {
        return await this.#commit(offsets, group, deadline)
      } catch (error) {
        const isOver = error instanceof BrokerError && generationOver.has(error.errorCode)
        const rebalanced = isOver ? this.#owner.afterRebalance(group) : null
        if (rebalanced === null) throw error
        await deadline.race(rebalanced, 'the rebalance')
      }
    }
  }

  async #commit(offsets: readonly OffsetToCommit[], group: GroupMetadata, deadline: Deadline): Promise<void> {
    const partitions = offsets.map((one) => {
      const partition = this.#owner.find(one)
      return { partition, done: partition?.done ?? -1, stored: partition?.stored ?? null }
    })
    const begunAt = performance.now()
    const backoff = new Backoff(this.#cluster.options.retryBackoffMs, this.#cluster.options.retryBackoffMaxMs)
    for (;;) {
      const error = this.#errorOf(await this.#send(offsets, group, deadline), offsets)
      if (error === null) break
      if (!error.retriable || error.code === 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      await deadline.sleep(backoff.next())
      if (deadline.expired) throw error
    }
    const now = performance.now()
    for (const [at, { partition, done, stored }] of partitions.entries()) {
      if (partition === undefined) continue
      partition.committedDone = done
      partition.committedStored = stored
      partition.committedOffset = offsets[at]!.offset
      partition.committedAt = now
    }
    this.#owner.onCommitted?.(now - begunAt, offsets)
  }

  async #send(
    offsets: readonly OffsetToCommit[],
    group: GroupMetadata,
    deadline: Deadline,
  ): Promise<OffsetCommitResponse> {
    const { groupId, generationId, memberId, groupInstanceId } = group
    try {
      return await this.#cluster.request(
        offsetCommit,
        (version) => ({
          groupId,
          generationIdOrMemberEpoch: generationId,
          memberId,
          ...(version >= 7 ? { groupInstanceId } : {}),
          topics: [...byTopic(offsets)].map(([name, mine]) => ({
            name,
            partitions: mine.map(({ partition, offset, metadata, leaderEpoch }) => ({
              partitionIndex: partition,
              committedOffset: BigInt(offset),
              committedLeaderEpoch: leaderEpoch ?? -1,
              committedMetadata: metadata ?? '',
            })),
          })),
        }),
        {
          to: { group: groupId },
          deadline,
          groupId,
          maxVersion: highestWithNames,
          errorOf: (response) => firstError(response, (code) => groupErrors.has(code))?.errorCode ?? 0,
        },
      )
    } catch (error) {
      if (error instanceof BrokerError && refusals.has(error.errorCode)) {
        this.#owner.onCommitRefused(error.errorCode, group)
      }
      throw error
    }
  }

  #errorOf(response: OffsetCommitResponse, offsets: readonly OffsetToCommit[]): KafkaError | null {
    const about = { groupId: this.#owner.groupId, api: 'OffsetCommit' }
    const first = firstError(response, (code) => code !== errorCodes.none)
    if (first !== null) {
      const { errorCode, topic, partition } = first
      return new BrokerError(errorCode, { topic, partition, ...about })
    }
    // What nobody has confirmed is not committed.
    const unanswered = new Set(offsets.map(partitionKey))
    for (const { name: topic, partitions } of response.topics) {
      for (const { partitionIndex: partition } of partitions) {
        unanswered.delete(partitionKey({ topic, partition }))
      }
    }
    const [leftOut] = unanswered
    if (leftOut === undefined) return null
    const message = `${leftOut}: the coordinator's answer leaves it out`
    return new KafkaError('INVALID_RESPONSE', message, { ...about, retriable: true })
  }
}

function firstError(response: OffsetCommitResponse, isMeant: (errorCode: number) => boolean) {
  for (const { name: topic, partitions } of response.topics) {
    for (const { partitionIndex: partition, errorCode } of partitions) {
      if (isMeant(errorCode)) return { topic, partition, errorCode }
    }
  }
  return null
}

/** The last of several commits of one partition counts. */
export function lastOfEach(offsets: readonly OffsetToCommit[]): OffsetToCommit[] {
  return [...new Map(offsets.map((one) => [partitionKey(one), one])).values()]
}

import { Backoff } from '../backoff.ts'
import type { Deadline } from '../deadline.ts'
import { type OffsetFetchResponse, offsetFetch } from '../protocol/apis/offset-fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Cluster } from './cluster.ts'
import { byTopic, partitionKey, type TopicPartition } from './partition-leaders.ts'
import { safeNumber } from './safe-number.ts'

export interface CommittedOffset extends TopicPartition {
  /** Offset of the next record to read. */
  readonly offset: number
  /** -1 when it was committed without one. */
  readonly leaderEpoch: number
  /** What the committer wrote beside it; empty when nothing. */
  readonly metadata: string
}

/** A member of a group of KIP-848. */
export interface AskingMember {
  readonly memberId: string
  readonly generationId: number
}

/** The heartbeats of a member may be behind, or ahead, for a moment. */
const memberErrors: ReadonlySet<number> = new Set([errorCodes.staleMemberEpoch, errorCodes.unknownMemberId])

/** Versions from 10 on know topics by id alone; names are what a group was committed with, and outlive the topic. */
const highestWithNames = 9

/**
 * What a group has committed, by `partitionKey`; partitions without a commit are left out.
 *
 * @param partitions null: all that the group has committed.
 * @param member who asks, of a group of KIP-848: whom the coordinator does not know so, or not yet, it does not tell.
 * @throws BrokerError when the broker refuses the group, or one of the partitions; a retriable KafkaError when it does not
 *   know the member, or not with this epoch: a heartbeat will tell what is right; the same when it leaves a partition out.
 */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  {
    requireStable,
    deadline,
    member = () => null,
  }: { requireStable: boolean; deadline: Deadline; member?: () => AskingMember | null },
): Promise<Map<string, CommittedOffset>> {
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  const topics =
    partitions &&
    [...byTopic(partitions)].map(([name, mine]) => ({
      name,
      partitionIndexes: mine.map((one) => one.partition),
    }))
  for (;;) {
    let isMember = false
    const response = await cluster.request(
      offsetFetch,
      (version) => {
        const asking = version >= 9 ? member() : null
        isMember = asking !== null
        const about = asking && { memberId: asking.memberId, memberEpoch: asking.generationId }
        return {
          ...(version >= 8 ? { groups: [{ groupId, ...about, topics }] } : { groupId, topics }),
          // Before version 7 an offset inside of a transaction cannot be told from others (KIP-447).
          ...(version >= 7 ? { requireStable } : {}),
        }
      },
      {
        to: { group: groupId },
        deadline,
        groupId,
        maxVersion: highestWithNames,
        errorOf: (answer) => {
          const errorCode = groupErrorOf(answer)
          return isMember && memberErrors.has(errorCode) ? errorCodes.none : errorCode
        },
      },
    )
    const found = new Map<string, CommittedOffset>()
    let retry: KafkaError | null = null
    const refusal = groupErrorOf(response)
    if (refusal !== errorCodes.none) {
      const cause = new BrokerError(refusal, { groupId, api: 'OffsetFetch' })
      retry = new KafkaError(cause.code, cause.message, { groupId, retriable: true, cause })
    }
    const unanswered = new Set(retry === null ? partitions?.map(partitionKey) : [])
    const topicsFound = retry === null ? (response.groups[0]?.topics ?? response.topics) : []
    for (const { name, partitions: answers } of topicsFound) {
      for (const answer of answers) {
        const about = { topic: name, partition: answer.partitionIndex }
        unanswered.delete(partitionKey(about))
        if (answer.errorCode !== errorCodes.none) {
          const error = new BrokerError(answer.errorCode, { ...about, groupId, api: 'OffsetFetch' })
          if (!brokerErrorInfo(answer.errorCode).retriable) throw error
          retry = error
          continue
        }
        if (answer.committedOffset < 0n) continue
        found.set(partitionKey(about), {
          ...about,
          offset: safeNumber(answer.committedOffset, 'committed offset', about),
          leaderEpoch: answer.committedLeaderEpoch,
          metadata: answer.metadata ?? '',
        })
      }
    }
    // Taken for one without a commit, it would be read from an end of its log: what lies between would be lost.
    const [leftOut] = unanswered
    if (leftOut !== undefined) {
      const message = `${leftOut}: the coordinator's answer leaves it out`
      retry = new KafkaError('INVALID_RESPONSE', message, { groupId, api: 'OffsetFetch', retriable: true })
    }
    if (retry === null) return found
    if (deadline.expired) throw retry
    await cluster.pause(backoff.next(), deadline)
  }
}

function groupErrorOf(answer: OffsetFetchResponse): number {
  return answer.groups[0]?.errorCode ?? answer.errorCode
}

import { Backoff } from '../backoff.ts'
import type { Deadline } from '../deadline.ts'
import { offsetFetch } from '../protocol/apis/offset-fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
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

/** Versions from 10 on know topics by id alone; names are what a group was committed with, and outlive the topic. */
const highestWithNames = 9

/**
 * What a group has committed, by `partitionKey`; partitions without a commit are left out.
 *
 * @param partitions null: all that the group has committed.
 * @throws BrokerError when the broker refuses the group, or one of the partitions.
 */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  { requireStable, deadline }: { requireStable: boolean; deadline: Deadline },
): Promise<Map<string, CommittedOffset>> {
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  const topics =
    partitions &&
    [...byTopic(partitions)].map(([name, mine]) => ({
      name,
      partitionIndexes: mine.map((one) => one.partition),
    }))
  for (;;) {
    const response = await cluster.request(
      offsetFetch,
      (version) => ({
        ...(version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics }),
        // Before version 7 an offset inside of a transaction cannot be told from others (KIP-447).
        ...(version >= 7 ? { requireStable } : {}),
      }),
      {
        to: { group: groupId },
        deadline,
        groupId,
        maxVersion: highestWithNames,
        errorOf: (answer) => answer.groups[0]?.errorCode ?? answer.errorCode,
      },
    )
    const found = new Map<string, CommittedOffset>()
    let retry: BrokerError | null = null
    for (const { name, partitions: answers } of response.groups[0]?.topics ?? response.topics) {
      for (const answer of answers) {
        const about = { topic: name, partition: answer.partitionIndex }
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
    if (retry === null) return found
    if (deadline.expired) throw retry
    await cluster.pause(backoff.next(), deadline)
  }
}

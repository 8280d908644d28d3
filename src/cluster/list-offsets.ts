import type { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { listOffsets as listOffsetsApi } from '../protocol/apis/list-offsets.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import type { Cluster } from './cluster.ts'
import {
  askLeaders,
  byTopic,
  type PartitionOutcome,
  partitionKey,
  type TopicPartition,
} from './partition-leaders.ts'
import { safeNumber } from './safe-number.ts'

/** Special values of a query's `timestamp`. */
export const offsetSpec = { latest: -1, earliest: -2, maxTimestamp: -3 } as const

/** KIP-734. */
const firstWithMaxTimestamp = 7

export interface OffsetQuery extends TopicPartition {
  /** Milliseconds, or one of `offsetSpec`. */
  readonly timestamp: number
}

export interface OffsetAtTime {
  /** Offset of the first record at or after the timestamp; -1 when there is none. */
  readonly offset: number
  /** The timestamp of that record, in milliseconds; -1 when the broker does not tell. */
  readonly timestamp: number
  /** -1 when the broker does not tell. */
  readonly leaderEpoch: number
}

/** Offsets of many partitions, one request a leader (ListOffsets); a result for each by `partitionKey`. */
export function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolationLevel: 'read_uncommitted' | 'read_committed',
  deadline: Deadline,
): Promise<Map<string, PartitionOutcome<OffsetAtTime>>> {
  const wantsMaxTimestamp = queries.some((query) => query.timestamp === offsetSpec.maxTimestamp)
  return askLeaders(cluster, queries, deadline, async (node, items) => {
    const timeoutMs = Math.min(cluster.options.requestTimeoutMs, Math.ceil(deadline.remainingMs))
    const response = await cluster.request(
      listOffsetsApi,
      (version) => {
        // An older broker would take it for a time, and answer something.
        if (wantsMaxTimestamp && version < firstWithMaxTimestamp) {
          throw new UnsupportedVersionError(
            'ListOffsets: the broker knows no maximal timestamp (Kafka 3.0 does)',
          )
        }
        return {
          replicaId: -1,
          // Before version 2 there are no transactions to be careful of.
          ...(version >= 2 ? { isolationLevel: isolationLevel === 'read_committed' ? 1 : 0 } : {}),
          timeoutMs,
          topics: [...byTopic(items)].map(([name, partitions]) => ({
            name,
            partitions: partitions.map(({ topic, partition, timestamp }) => ({
              partitionIndex: partition,
              currentLeaderEpoch: cluster.metadata.partition(topic, partition)?.leaderEpoch ?? -1,
              timestamp: BigInt(timestamp),
            })),
          })),
        }
      },
      // After a failure the leader may be another one, and that is for askLeaders to find.
      { to: { node }, deadline, once: true },
    )
    const outcomes = new Map<string, PartitionOutcome<OffsetAtTime>>()
    for (const { name, partitions } of response.topics) {
      for (const answer of partitions) {
        const about = { topic: name, partition: answer.partitionIndex }
        if (answer.errorCode !== errorCodes.none) {
          const error = new BrokerError(answer.errorCode, { ...about, api: 'ListOffsets' })
          outcomes.set(partitionKey(about), { error })
          continue
        }
        outcomes.set(partitionKey(about), {
          value: {
            // Version 0 answers with a list, the newest first.
            offset: safeNumber(answer.oldStyleOffsets[0] ?? answer.offset, 'offset', about),
            timestamp: safeNumber(answer.timestamp, 'timestamp', about),
            leaderEpoch: answer.leaderEpoch,
          },
        })
      }
    }
    return outcomes
  })
}

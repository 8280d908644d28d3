import type { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { offsetForLeaderEpoch } from '../protocol/apis/offset-for-leader-epoch.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import type { Cluster } from './cluster.ts'
import { byTopic, type PartitionOutcome, partitionKey, type TopicPartition } from './partition-leaders.ts'
import { safeNumber } from './safe-number.ts'

export interface EpochQuery extends TopicPartition {
  /** The epoch whose end is asked for. */
  readonly leaderEpoch: number
  /** Of the leader, as it is known: a leader of another one refuses. */
  readonly currentLeaderEpoch: number
}

/** Where an epoch ends in the log of a leader. */
export interface EpochEnd {
  /** The epoch asked for, or the largest below it that the log has; -1: it knows of none. */
  readonly leaderEpoch: number
  /** Offset behind its last record; -1 when not known. */
  readonly endOffset: number
}

/** Before it a consumer needs a permission that only brokers have (KIP-320; Kafka 2.3 has it). */
const firstForConsumers = 3

/**
 * Asks one leader, once, where epochs end (OffsetForLeaderEpoch); an outcome for each by `partitionKey`, but for those
 * that the answer leaves out. Null: it is too old to be asked.
 */
export async function epochEnds(
  cluster: Cluster,
  node: number,
  queries: readonly EpochQuery[],
  deadline: Deadline,
): Promise<Map<string, PartitionOutcome<EpochEnd>> | null> {
  try {
    const response = await cluster.request(
      offsetForLeaderEpoch,
      (version) => {
        if (version < firstForConsumers) throw new UnsupportedVersionError('OffsetForLeaderEpoch is too old')
        return {
          replicaId: -1,
          topics: [...byTopic(queries)].map(([topic, mine]) => ({
            topic,
            partitions: mine.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
              partition,
              currentLeaderEpoch,
              leaderEpoch,
            })),
          })),
        }
      },
      { to: { node }, deadline, once: true },
    )
    const outcomes = new Map<string, PartitionOutcome<EpochEnd>>()
    for (const { topic, partitions } of response.topics) {
      for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
        const about = { topic, partition }
        outcomes.set(
          partitionKey(about),
          errorCode === errorCodes.none
            ? { value: { leaderEpoch, endOffset: safeNumber(endOffset, 'end offset', about) } }
            : { error: new BrokerError(errorCode, { ...about, api: 'OffsetForLeaderEpoch' }) },
        )
      }
    }
    return outcomes
  } catch (error) {
    if (error instanceof UnsupportedVersionError) return null
    throw error
  }
}

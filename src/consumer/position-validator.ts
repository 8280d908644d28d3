import type { Cluster } from '../cluster/cluster.ts'
import { epochEnds } from '../cluster/epoch-ends.ts'
import { Deadline } from '../deadline.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { FetchOutcomes } from './fetch-outcomes.ts'

/**
 * Asks a leader whether its log has what lies before the fetch positions of these (KIP-320, Java's
 * OffsetsForLeaderEpochClient): the epoch of the record before each must not end below it. A broker that cannot say so
 * (before Kafka 2.3) is believed.
 *
 * @throws KafkaError when there is no answer.
 */
export async function validatePositions(
  cluster: Cluster,
  node: number,
  partitions: readonly AssignedPartition[],
  outcomes: FetchOutcomes,
): Promise<void> {
  const asked = []
  for (const partition of partitions) {
    const { topic, partition: index, key, version, fetchOffset: offset, fetchEpoch: leaderEpoch } = partition
    const known = cluster.metadata.partition(topic, index)
    // What was sought, given up or led by another meanwhile is another question.
    if (known?.leader !== node || leaderEpoch < 0 || partition.position < 0 || !partition.isAssigned) continue
    // The position is of a later leader than the one that we know of: that one cannot judge it.
    if (leaderEpoch > known.leaderEpoch && outcomes.awaitsLeader(partition)) continue
    const currentLeaderEpoch = known.leaderEpoch
    asked.push({
      partition,
      version,
      offset,
      query: { topic, partition: index, leaderEpoch, currentLeaderEpoch },
      key,
    })
  }
  if (asked.length === 0) return
  const deadline = new Deadline(cluster.options.requestTimeoutMs)
  const queries = asked.map(({ query }) => query)
  const ends = await epochEnds(cluster, node, queries, deadline)
  for (const { partition, version, offset, query, key } of asked) {
    if (partition.version !== version || !partition.isAssigned) continue
    const outcome = ends === null ? null : ends.get(key)
    if (outcome === null) {
      partition.leaderEpoch = query.currentLeaderEpoch
    } else if (outcome === undefined) {
      partition.holdOff()
    } else if ('value' in outcome) {
      outcomes.compared(partition, offset, outcome.value, query.currentLeaderEpoch)
    } else if (
      !(outcome.error instanceof BrokerError) ||
      outcome.error.errorCode !== errorCodes.topicAuthorizationFailed
    ) {
      outcomes.refresh(partition)
    } else {
      outcomes.fail(partition, outcome.error)
    }
  }
}

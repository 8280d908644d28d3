import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Partition } from '../cluster/partition.ts'
import { errors } from '../error-codes.ts'
import { AppendError } from '../log/append-error.ts'
import { appendMarker, type TransactionMarker } from './append-marker.ts'
import type { TransactionMetadata } from './transaction-metadata.ts'

/**
 * Writes the markers of a transaction that ends, each by the leader of its partition (Java's
 * `TransactionMarkerChannelManager`). Partitions that have got theirs are taken off; false: some are left, to be tried
 * again.
 */
export function writeMarkers(cluster: KafkaCluster, metadata: TransactionMetadata): boolean {
  const { transactionalId, producerId, producerEpoch, state, transactionVersion, partitions } = metadata
  const coordinator = cluster.coordinators.partition('transaction', transactionalId)
  if (coordinator.leader === -1) return false
  const marker = {
    producerId,
    producerEpoch,
    commit: state === 'PrepareCommit',
    coordinatorEpoch: coordinator.leaderEpoch,
    transactionVersion,
  }
  for (const [name, { topic, partition: index }] of partitions) {
    const partition = cluster.topics.partition(topic, index)
    if (partition === undefined || writeMarker(cluster, partition, marker)) partitions.delete(name)
  }
  return partitions.size === 0
}

function writeMarker(cluster: KafkaCluster, partition: Partition, marker: TransactionMarker): boolean {
  const inSync = partition.topic.config.getNumber('min.insync.replicas')
  if (partition.leader === -1 || partition.isr.length < inSync) return false
  try {
    applyMarker(cluster, partition, marker)
  } catch (error) {
    // Another producer or coordinator has come since: as in Kafka there is nothing left to be marked.
    if (!(error instanceof AppendError)) throw error
    if (error.code !== errors.INVALID_PRODUCER_EPOCH && error.code !== errors.TRANSACTION_COORDINATOR_FENCED)
      throw error
  }
  return true
}

/**
 * Ends a transaction in one partition. The offsets that groups commit in transactions are kept apart from the log of
 * their partition of `__consumer_offsets`.
 *
 * @throws AppendError
 */
export function applyMarker(cluster: KafkaCluster, partition: Partition, marker: TransactionMarker): void {
  if (partition.topic.name === '__consumer_offsets') {
    for (const { groupId, offsets } of cluster.groups) {
      if (cluster.coordinators.partition('group', groupId) === partition) {
        offsets.endTransaction(marker.producerId, marker.commit)
      }
    }
    return
  }
  appendMarker(partition, marker, cluster.clock.now())
}

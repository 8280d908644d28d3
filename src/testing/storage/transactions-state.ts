import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import { appendMarker } from '../transactions/append-marker.ts'
import {
  type TopicPartition,
  TransactionMetadata,
  type TransactionState,
} from '../transactions/transaction-metadata.ts'

/** A transactional id (Java's `TransactionMetadata`). */
export interface SavedTransaction {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
  readonly previousProducerId: string
  readonly nextProducerId: string
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: readonly TopicPartition[]
  readonly startedAtMs: number
  readonly updatedAtMs: number
  readonly transactionVersion: number
}

export function saveTransactions({ transactions }: KafkaCluster): SavedTransaction[] {
  return Array.from(transactions, (metadata) => ({
    transactionalId: metadata.transactionalId,
    producerId: String(metadata.producerId),
    producerEpoch: metadata.producerEpoch,
    previousProducerId: String(metadata.previousProducerId),
    nextProducerId: String(metadata.nextProducerId),
    lastProducerEpoch: metadata.lastProducerEpoch,
    timeoutMs: metadata.timeoutMs,
    state: metadata.state,
    partitions: [...metadata.partitions.values()],
    startedAtMs: metadata.startedAtMs,
    updatedAtMs: metadata.updatedAtMs,
    transactionVersion: metadata.transactionVersion,
  }))
}

export function restoreTransactions(
  { transactions }: KafkaCluster,
  saved: readonly SavedTransaction[],
): void {
  for (const one of saved) {
    const metadata = new TransactionMetadata(
      one.transactionalId,
      BigInt(one.producerId),
      one.timeoutMs,
      one.updatedAtMs,
    )
    metadata.producerEpoch = one.producerEpoch
    metadata.previousProducerId = BigInt(one.previousProducerId)
    metadata.nextProducerId = BigInt(one.nextProducerId)
    metadata.lastProducerEpoch = one.lastProducerEpoch
    metadata.state = one.state
    metadata.startedAtMs = one.startedAtMs
    metadata.transactionVersion = one.transactionVersion
    for (const partition of one.partitions) metadata.add(partition)
    transactions.restore(metadata)
  }
}

/**
 * Aborts what is open in a log without a coordinator that knows of it: after a kill the logs may be some milliseconds ahead
 * of the rest, and such a transaction would hold up its readers for ever. Others go on, as in Kafka, until their producer
 * or their time-out ends them.
 */
export function abortUnknownTransactions(cluster: KafkaCluster): void {
  const known = new Set<string>()
  for (const { producerId, isOpen, isEnding, partitions } of cluster.transactions) {
    if (isOpen || isEnding) for (const name of partitions.keys()) known.add(`${producerId} ${name}`)
  }
  const now = cluster.clock.now()
  for (const { partitions } of cluster.topics) {
    for (const partition of partitions) {
      for (const state of [...partition.log.producers.all()]) {
        const { producerId, epoch: producerEpoch, coordinatorEpoch } = state
        if (state.transactionStart === null || known.has(`${producerId} ${partition.name}`)) continue
        const identity = { producerId, producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) }
        appendMarker(partition, { ...identity, commit: false, transactionVersion: 0 }, now)
      }
    }
  }
}

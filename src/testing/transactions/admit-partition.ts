import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import type { KafkaVersion } from '../versions/kafka-version.ts'
import type { ProducerIdentity, TopicPartition } from './transaction-metadata.ts'

/**
 * What the client that writes understands (Java's `TransactionSupportedOperation`): `add` has its partition made part of
 * the transaction (KIP-890); the others have named it before, and `verify` does not know the error
 * TRANSACTION_ABORTABLE.
 */
export type AdmitMode = 'verify' | 'verify-abortable' | 'add'

/** They write whatever comes, and leave hanging transactions behind: what KIP-890 is about. */
const withoutVerification: ReadonlySet<KafkaVersion> = new Set(['2.1', '2.8'])

/** Whether a partition may be written to within the producer's transaction. */
export function admitPartition(
  cluster: KafkaCluster,
  transactionalId: string,
  identity: ProducerIdentity,
  partition: TopicPartition,
  mode: AdmitMode,
): ErrorName {
  const { transactions, profile, config, coordinators } = cluster
  if (mode !== 'add') {
    if (withoutVerification.has(profile.version)) return 'NONE'
    if (!config.getBoolean('transaction.partition.verification.enable')) return 'NONE'
  }
  if (coordinators.partition('transaction', transactionalId).leader === -1) return 'NOT_ENOUGH_REPLICAS'
  const error =
    mode === 'add'
      ? transactions.add(transactionalId, identity, [partition], 2)
      : transactions.verify(transactionalId, identity, partition)
  if (error === 'PRODUCER_FENCED') return 'INVALID_PRODUCER_EPOCH'
  if (error === 'TRANSACTION_ABORTABLE' && mode === 'verify') return 'INVALID_TXN_STATE'
  // Clients retry it, and need not know why.
  if (error === 'CONCURRENT_TRANSACTIONS' && mode !== 'add') return 'NOT_ENOUGH_REPLICAS'
  return error
}

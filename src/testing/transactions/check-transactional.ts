import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Partition } from '../cluster/partition.ts'
import { AppendError } from '../log/append-error.ts'
import { type AdmitMode, admitPartition } from './admit-partition.ts'

/**
 * Whether the batch of a producer with an id may be appended, apart from its sequence: its partition is part of the
 * producer's open transaction (KIP-890), or, with Produce 12 and later, becomes one. Forgets the producer first if it
 * has expired.
 *
 * @throws AppendError
 */
export function checkTransactional(
  cluster: KafkaCluster,
  transactionalId: string | null,
  partition: Partition,
  batch: RecordBatch,
  produceVersion: number,
): void {
  const { producerId, producerEpoch, baseSequence } = batch
  if (batch.isTransactional && transactionalId === null) {
    throw new AppendError(
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
      `The batch for ${partition.name} is transactional, and the request has no transactional id`,
    )
  }
  if (producerId === -1n) return
  const { producers } = partition.log
  producers.forgetExpired(
    producerId,
    cluster.clock.now() - cluster.config.getNumber('producer.id.expiration.ms'),
  )
  const state = producers.get(producerId)
  if (batch.isTransactional && !(state?.epoch === producerEpoch && state.transactionStart !== null)) {
    const mode: AdmitMode =
      produceVersion >= 12 ? 'add' : produceVersion === 11 ? 'verify-abortable' : 'verify'
    const where = { topic: partition.topic.name, partition: partition.index }
    const error = admitPartition(cluster, transactionalId!, { producerId, producerEpoch }, where, mode)
    if (error !== 'NONE') {
      const message =
        error === 'INVALID_TXN_STATE'
          ? 'Partition was not added to the transaction'
          : `Unable to verify the partition has been added to the transaction. Underlying error: ${error}`
      const isTold = error === 'INVALID_TXN_STATE' || error === 'NOT_ENOUGH_REPLICAS'
      throw AppendError.beforeLog(error, message, isTold)
    }
    // Such a producer has been given a new epoch, and begins anew.
    if (mode === 'add' && baseSequence !== 0 && !state?.batches.length) {
      throw new AppendError(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for producer ${producerId} in partition ${partition.name}: ${baseSequence} (incoming seq. number). Expected sequence 0 for transactions v2 idempotent producer with no existing state.`,
      )
    }
  }
  // Since 2.5 a producer that the log knows nothing of any more may just go on.
  if (state === undefined && baseSequence !== 0 && cluster.profile.version === '2.1') {
    throw new AppendError(
      'UNKNOWN_PRODUCER_ID',
      `Found no record of producerId=${producerId} on the broker. It is possible that the last message with the producerId=${producerId} has been removed due to hitting the retention limit.`,
    )
  }
}

import { controlRecordTypeSchema, endTxnMarker } from '../../protocol/data/control-records.ts'
import type { Message } from '../../protocol/message.ts'
import { encodeRecordBatch } from '../../protocol/records/encode-record-batch.ts'
import type { FieldMap, StructInput } from '../../protocol/schema.ts'
import type { Partition } from '../cluster/partition.ts'
import type { ProducerIdentity } from './transaction-metadata.ts'

/** How a transaction ended, as it is written into each partition that took part (KIP-98). */
export interface TransactionMarker extends ProducerIdentity {
  readonly commit: boolean
  readonly coordinatorEpoch: number
  /** 2: the marker is to have a higher epoch than the records (KIP-1228). */
  readonly transactionVersion: number
}

/**
 * Writes a marker into the log of a partition: whoever reads what is committed goes on.
 *
 * @throws AppendError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED
 */
export function appendMarker(partition: Partition, marker: TransactionMarker, nowMs: number): void {
  const { log, leaderEpoch } = partition
  log.producers.checkMarker(marker)
  const offset = log.logEndOffset
  // Before the append: what is read in the same turn must know that the transaction is over.
  log.producers.appendMarker(marker, offset, nowMs)
  log.append(encodeMarker(marker, nowMs), leaderEpoch)
}

function encodeMarker(marker: TransactionMarker, nowMs: number): Uint8Array {
  const { producerId, producerEpoch, commit, coordinatorEpoch } = marker
  const record = {
    offset: 0n,
    timestamp: BigInt(nowMs),
    key: versioned(controlRecordTypeSchema, { type: commit ? 1 : 0 }),
    value: versioned(endTxnMarker, { coordinatorEpoch }),
  }
  return encodeRecordBatch({ producerId, producerEpoch, isTransactional: true, isControl: true }, [record])
}

/** With its version, 0, before it: so the parts of control records are written. */
function versioned<F extends FieldMap>(codec: Message<F>, value: StructInput<F>): Uint8Array {
  const body = codec.encode(0, value)
  const bytes = new Uint8Array(2 + body.length)
  bytes.set(body, 2)
  return bytes
}

import { encodeRecordBatch } from '../../protocol/records/encode-record-batch.ts'
import { type DecodedRecord, decodeRecords, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { PartitionLog } from './partition-log.ts'

export interface CompactionOptions {
  readonly nowMs: number
  /** `delete.retention.ms`: how long tombstones stay after they were compacted for the first time. */
  readonly deleteRetentionMs: number
}

/**
 * Keeps the last record of each key (Java's `LogCleaner`): what belongs to an open transaction is left alone, aborted
 * records go, tombstones go once their time is over. Offsets stay as they are.
 */
export function compact(log: PartitionLog, { nowMs, deleteRetentionMs }: CompactionOptions): void {
  const end = log.lastStableOffset
  const batches = [...log.batches()].map(({ bytes }) => [...decodeRecords(bytes, { checkCrcs: false })][0]!)
  const lastOfKey = new Map<string, bigint>()
  const isAborted = abortedRecords(log)
  for (const batch of batches) {
    if (batch.isControl || batch.lastOffsetNumber >= end || isAborted(batch)) continue
    for (const { key, offset } of batch) if (key !== null) lastOfKey.set(keyOf(key), offset)
  }
  const lastBatchOf = new Map<bigint, RecordBatch>()
  for (const batch of batches) if (batch.producerId !== -1n) lastBatchOf.set(batch.producerId, batch)

  const kept: Uint8Array[] = []
  for (const batch of batches) {
    if (batch.lastOffsetNumber >= end || batch.isControl) {
      kept.push(encodeRecordBatch(batch, batch))
      continue
    }
    const horizon = batch.deleteHorizonMs
    const isOver = horizon !== null && horizon <= BigInt(nowMs)
    const records = isAborted(batch)
      ? []
      : [...batch].filter((record) => lastOfKey.get(keyOf(record.key!)) === record.offset)
    const rest = records.filter(({ value }) => value !== null || !isOver)
    // The last batch of a producer stays, empty: its sequence numbers would be forgotten with it.
    if (rest.length === 0 && lastBatchOf.get(batch.producerId) !== batch) continue
    kept.push(rewritten(batch, rest, horizon, nowMs + deleteRetentionMs))
  }
  log.replaceAll(kept)
}

function rewritten(
  batch: RecordBatch,
  records: readonly DecodedRecord[],
  horizon: bigint | null,
  newHorizonMs: number,
): Uint8Array {
  const hasTombstones = records.some(({ value }) => value === null)
  return encodeRecordBatch(
    {
      baseOffset: batch.baseOffset,
      lastOffsetDelta: batch.lastOffsetDelta,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      compression: batch.compression === 'zstd' ? 'none' : batch.compression,
      timestampType: batch.timestampType,
      isTransactional: batch.isTransactional,
      baseTimestamp: batch.baseTimestamp,
      maxTimestamp: records.length === 0 ? batch.maxTimestamp : largest(records),
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      deleteHorizonMs: hasTombstones ? (horizon ?? BigInt(newHorizonMs)) : null,
    },
    records,
  )
}

/** Tells whether a batch belongs to a transaction that was aborted. */
function abortedRecords(log: PartitionLog): (batch: RecordBatch) => boolean {
  const { aborted } = log.producers
  return (batch) =>
    batch.isTransactional &&
    aborted.some(
      ({ producerId, firstOffset, lastOffset }) =>
        producerId === batch.producerId &&
        batch.lastOffsetNumber >= firstOffset &&
        batch.baseOffsetNumber <= lastOffset,
    )
}

function largest(records: readonly DecodedRecord[]): bigint {
  return records.reduce((max, { timestamp }) => (timestamp > max ? timestamp : max), -1n)
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

import { encodeRecordBatch } from '../../protocol/records/encode-record-batch.ts'
import { type DecodedRecord, decodeRecords } from '../../protocol/records/record-batch.ts'

/** What a Produce request before version 3 holds, messages of magic 0 or 1, as one batch of magic 2. */
export function toCurrentMagic(bytes: Uint8Array, nowMs: number): Uint8Array {
  const records: DecodedRecord[] = []
  let compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' = 'none'
  for (const batch of decodeRecords(bytes)) {
    if (batch.magic === 2) return bytes
    compression = batch.compression
    for (const record of batch) records.push(record)
  }
  return encodeRecordBatch(
    { compression },
    // Offsets of old messages mean nothing before the broker gives them; messages of magic 0 have no time.
    records.map((record, i) => ({
      ...record,
      offset: BigInt(i),
      timestamp: record.timestamp < 0n ? BigInt(nowMs) : record.timestamp,
    })),
  )
}

/**
 * Batches as a consumer gets them that asks with an old Fetch: magic 1 before version 4, magic 0 before 2. Control batches
 * go, headers too.
 */
export function toOldMagic(bytes: Uint8Array, magic: 0 | 1): Uint8Array {
  const parts: Uint8Array[] = []
  for (const batch of decodeRecords(bytes, { checkCrcs: false })) {
    if (batch.isControl) continue
    const records = [...batch].map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }))
    if (records.length === 0) continue
    const { compression, timestampType } = batch
    parts.push(
      encodeRecordBatch(
        { magic, compression, ...(magic === 1 ? { timestampType } : { timestampType: 'NoTimestampType' }) },
        records,
      ),
    )
  }
  return Buffer.concat(parts)
}

import { decodeRecords } from '../../protocol/records/record-batch.ts'
import type { Topic } from '../cluster/topic.ts'

/** A record in a log. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  /** Milliseconds. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
  /** -1n when its producer was not idempotent. */
  readonly producerId: bigint
  readonly isTransactional: boolean
}

export function storedRecords({ partitions }: Topic): StoredRecord[] {
  const records: StoredRecord[] = []
  for (const { index, log } of partitions) {
    for (const { bytes } of log.batches()) {
      for (const batch of decodeRecords(bytes)) {
        if (batch.isControl) continue
        for (const { offset, timestamp, key, value, headers } of batch) {
          if (offset < log.logStartOffset) continue
          records.push({
            partition: index,
            offset: Number(offset),
            timestamp: Number(timestamp),
            key: bufferOf(key),
            value: bufferOf(value),
            headers: headers.map((header) => ({ key: header.key, value: bufferOf(header.value) })),
            producerId: batch.producerId,
            isTransactional: batch.isTransactional,
          })
        }
      }
    }
  }
  return records
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes)
}

import { expect, it } from 'vitest'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { PartitionFetch } from '../../src/consumer/partition-fetch.ts'
import { encodeRecordBatch, type RecordBatchOptions } from '../../src/protocol/records/encode-record-batch.ts'

const settings = { checkCrcs: true, keyDeserializer: null, valueDeserializer: null }

function messages(offsets: readonly number[], options: RecordBatchOptions): Uint8Array {
  const records = offsets.map((offset) => ({
    offset: BigInt(offset),
    timestamp: BigInt(1000 + offset),
    key: `k${offset}`,
    value: `v${offset}`,
  }))
  return encodeRecordBatch(options, records)
}

it('messages of magic 0 and 1, compressed or not, are read from any position', () => {
  const bytes = Buffer.concat([
    messages([0, 1], { magic: 0 }),
    messages([2, 4, 5], { magic: 0, compression: 'lz4' }),
    messages([6, 7], { magic: 1 }),
    messages([8, 9, 12], { magic: 1, compression: 'snappy' }),
    messages([13], { magic: 2 }),
  ])
  const offsets = [0, 1, 2, 4, 5, 6, 7, 8, 9, 12, 13]
  for (const position of [0, 1, 3, 5, 9, 10, 13]) {
    const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }
    const partition = new AssignedPartition({ topic: 't', partition: 0 }, 'default', true, backoff)
    partition.seek(position)
    const fetch = new PartitionFetch(partition, bytes, null, settings, () => {})
    expect(fetch.endOffset).toBe(14)
    const read: number[] = []
    for (fetch.fill(2); fetch.chunk.length > 0; fetch.fill(2)) {
      for (const record of fetch.chunk) {
        read.push(record.offset)
        expect([String(record.key), String(record.value)]).toEqual([`k${record.offset}`, `v${record.offset}`])
        expect(record.timestamp).toBe(record.offset < 6 ? -1 : 1000 + record.offset)
        expect(record.timestampType).toBe(record.offset < 6 ? 'NoTimestampType' : 'CreateTime')
        expect(record.headers).toEqual([])
      }
    }
    expect(read).toEqual(offsets.filter((offset) => offset >= position))
  }
})

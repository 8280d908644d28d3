import { produce } from '../../../src/protocol/apis/produce.ts'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import { batchField, batchHeaderBytes } from '../../../src/protocol/records/batch-header.ts'
import {
  encodeRecordBatch,
  type RecordBatchOptions,
} from '../../../src/protocol/records/encode-record-batch.ts'
import type { Conversation, CreatedTopic } from './conversation.ts'

const dayMs = 86_400_000

/** No time of the test's, and not so long ago that Kafka deletes what is as old, or begins a segment after it. */
export const someTimeMs = (Math.floor(Date.now() / dayMs) - 2) * dayMs

/** A batch of records with the keys `k0`, `k1`, ..., a second apart. */
export function batchOf(values: readonly string[], options: RecordBatchOptions = {}): Uint8Array {
  return encodeRecordBatch(
    options,
    values.map((value, i) => ({
      offset: BigInt(i),
      timestamp: BigInt(someTimeMs + i * 1000),
      key: `k${i}`,
      value,
    })),
  )
}

/** The body of a Produce for one partition. */
export function produceTo(topic: CreatedTopic, records: Uint8Array | null, index = 0) {
  return {
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic.name, topicId: topic.id, partitionData: [{ index, records }] }],
  }
}

/** Writes a batch for each list of values. */
export async function filled(
  kafka: Conversation,
  topic: CreatedTopic,
  ...batches: readonly (readonly string[])[]
): Promise<void> {
  for (const values of batches) {
    const { responses } = await kafka.prepare(produce, produceTo(topic, batchOf(values)))
    const { errorCode } = responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) throw new Error(`producing to ${topic.name}: ${errorCode}`)
  }
}

/** With a byte of it changed. */
export function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes)
  copy[at]! ^= 0xff
  return copy
}

/** A batch of zstd in one raw block, made by hand as older Nodes cannot compress with it. */
export function zstdBatchOf(values: readonly string[]): Uint8Array {
  const plain = batchOf(values)
  const records = plain.subarray(batchHeaderBytes)
  if (records.length > 255) throw new Error(`${records.length} bytes do not fit the frame header made here`)
  const blockHeader = (records.length << 3) | 1
  // Magic number, "single segment with a size of one byte", the size; then the only block.
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0x20, records.length, blockHeader & 0xff, blockHeader >> 8, 0]
  const bytes = Buffer.concat([plain.subarray(0, batchHeaderBytes), Uint8Array.from(frame), records])
  bytes.writeInt32BE(bytes.length - 12, batchField.length)
  bytes.writeInt16BE(4, batchField.attributes)
  bytes.writeUInt32BE(crc32c(bytes, batchField.attributes), batchField.crc)
  return bytes
}

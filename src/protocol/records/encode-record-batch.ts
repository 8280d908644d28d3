import { createCompressor } from '../compression/compressors.ts'
import { ProtocolError } from '../errors.ts'
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../varint.ts'
import { attributeBit, batchHeaderBytes, writeBatchHeader } from './batch-header.ts'
import { encodeMessages } from './encode-messages.ts'
import type { RecordBatchOptions, RecordInput } from './record-batch-options.ts'
import { headerList, headersSize, payloadLength, writeHeaders, writePayload } from './record-header.ts'

export type { RecordBatchOptions, RecordInput } from './record-batch-options.ts'

/**
 * One whole batch of magic 2, with any offsets, timestamps and header fields. To build batches fast, for a producer,
 * there is `RecordBatchWriter`. With magic 0 or 1: a message for each record, or, compressed, one that holds them all;
 * timestamps are left out with magic 0. Throws ProtocolError UNENCODABLE for what a batch cannot hold, UNSUPPORTED for a
 * compression that is not spoken here.
 */
export function encodeRecordBatch(options: RecordBatchOptions, records: Iterable<RecordInput>): Uint8Array {
  const list = Array.from(records)
  const magic = options.magic ?? 2
  if (magic === 0 || magic === 1) return encodeMessages(magic, options, list)
  if (magic !== 2) throw new ProtocolError('UNENCODABLE', `magic must be 0, 1 or 2, not ${magic}`)
  const first = list[0]
  const baseOffset = options.baseOffset ?? first?.offset ?? 0n
  const baseTimestamp =
    options.deleteHorizonMs ??
    options.baseTimestamp ??
    (first && (first.createTimestamp ?? first.timestamp)) ??
    -1n
  if (options.timestampType === 'NoTimestampType') {
    throw new ProtocolError('UNENCODABLE', 'timestampType must be CreateTime or LogAppendTime for magic 2')
  }

  const measured = list.map((record, i) => measure(record, i, baseOffset, baseTimestamp))
  const size = measured.reduce((sum, { bodySize }) => sum + varintSize(bodySize) + bodySize, batchHeaderBytes)
  let batch: Buffer = Buffer.allocUnsafeSlow(size)
  let p = batchHeaderBytes
  for (const record of measured) p = writeRecord(batch, p, record)

  const compression = options.compression ?? 'none'
  let compressionId = 0
  if (compression !== 'none') {
    const codec = createCompressor(compression)
    compressionId = codec.id
    batch = Buffer.concat([
      batch.subarray(0, batchHeaderBytes),
      codec.compressSync(batch.subarray(batchHeaderBytes)),
    ])
  }
  writeBatchHeader(batch, {
    baseOffset,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
    attributes:
      compressionId |
      (options.timestampType === 'LogAppendTime' ? attributeBit.logAppendTime : 0) |
      (options.isTransactional ? attributeBit.transactional : 0) |
      (options.isControl ? attributeBit.control : 0) |
      (typeof options.deleteHorizonMs === 'bigint' ? attributeBit.deleteHorizon : 0),
    lastOffsetDelta: options.lastOffsetDelta ?? measured.at(-1)?.offsetDelta ?? 0,
    baseTimestamp,
    maxTimestamp: options.maxTimestamp ?? largestTimestamp(list),
    producerId: options.producerId ?? -1n,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    count: list.length,
  })
  return batch
}

function largestTimestamp(records: readonly RecordInput[]): bigint {
  let largest = records[0]?.timestamp ?? -1n
  for (const { timestamp } of records) if (timestamp > largest) largest = timestamp
  return largest
}

interface MeasuredRecord {
  record: RecordInput
  offsetDelta: number
  timestampDelta: bigint
  keyLength: number
  valueLength: number
  headers: ReturnType<typeof headerList>
  bodySize: number
}

function measure(
  record: RecordInput,
  index: number,
  baseOffset: bigint,
  baseTimestamp: bigint,
): MeasuredRecord {
  try {
    const offsetDelta = record.offset - baseOffset
    if (BigInt.asIntN(32, offsetDelta) !== offsetDelta) {
      throw new ProtocolError(
        'UNENCODABLE',
        `offset ${record.offset} is no int32 away from the base offset ${baseOffset}`,
      )
    }
    const timestamp = record.createTimestamp ?? record.timestamp
    const timestampDelta = timestamp - baseTimestamp
    if (BigInt.asIntN(64, timestampDelta) !== timestampDelta) {
      throw new ProtocolError(
        'UNENCODABLE',
        `timestamp ${timestamp} is no int64 away from the base ${baseTimestamp}`,
      )
    }
    const keyLength = payloadLength(record.key)
    const valueLength = payloadLength(record.value)
    const headers = headerList(record.headers ?? [])
    const bodySize =
      1 +
      varlongSize(timestampDelta) +
      varintSize(Number(offsetDelta)) +
      varintSize(keyLength) +
      Math.max(keyLength, 0) +
      varintSize(valueLength) +
      Math.max(valueLength, 0) +
      varintSize(headers.length) +
      headersSize(headers)
    return {
      record,
      offsetDelta: Number(offsetDelta),
      timestampDelta,
      keyLength,
      valueLength,
      headers,
      bodySize,
    }
  } catch (error) {
    throw error instanceof ProtocolError ? error.within(`records[${index}]`) : error
  }
}

function writeRecord(bytes: Uint8Array, position: number, measured: MeasuredRecord): number {
  let p = writeVarint(bytes, position, measured.bodySize)
  bytes[p++] = 0
  p = writeVarlong(bytes, p, measured.timestampDelta)
  p = writeVarint(bytes, p, measured.offsetDelta)
  p = writePayload(bytes, p, measured.record.key, measured.keyLength)
  p = writePayload(bytes, p, measured.record.value, measured.valueLength)
  p = writeVarint(bytes, p, measured.headers.length)
  return writeHeaders(bytes, p, measured.headers)
}

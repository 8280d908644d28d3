import type { CompressionType } from '../compression/codec.ts'
import { createCompressor } from '../compression/compressors.ts'
import { breakLz4HeaderChecksum } from '../compression/lz4-compressor.ts'
import { crc32 } from '../crc32.ts'
import { ProtocolError } from '../errors.ts'
import { attributeBit } from './batch-header.ts'
import { keyLengthField, messageField, messageOverheadBytes, smallestMessage } from './legacy-message.ts'
import type { RecordBatchOptions, RecordInput } from './record-batch-options.ts'
import { payloadLength } from './record-header.ts'
import { writeUtf8 } from './utf8.ts'

interface Message {
  offset: bigint
  timestamp: bigint
  attributes: number
  key: string | Uint8Array | null
  value: string | Uint8Array | null
}

/** Records as messages of magic 0 or 1; for `encodeRecordBatch`. */
export function encodeMessages(
  magic: 0 | 1,
  options: RecordBatchOptions,
  records: readonly RecordInput[],
): Uint8Array {
  checkOptions(magic, options, records)
  const compression = options.compression ?? 'none'
  const timestampBit = options.timestampType === 'LogAppendTime' ? attributeBit.logAppendTime : 0
  const first = records[0]
  const last = records.at(-1)
  if (compression === 'none') {
    return Buffer.concat(
      records.map((record, i) => encode(magic, { ...record, attributes: timestampBit }, i)),
    )
  }
  if (first === undefined || last === undefined) {
    throw new ProtocolError('UNENCODABLE', `compressed with magic ${magic} there must be at least one record`)
  }
  // Offsets inside are relative since magic 1, so that a broker can give new ones without compressing again.
  const base = magic === 0 ? 0n : (options.baseOffset ?? first.offset)
  const inner = records.map((record, i) =>
    encode(
      magic,
      {
        ...record,
        offset: record.offset - base,
        timestamp: record.createTimestamp ?? record.timestamp,
        attributes: timestampBit,
      },
      i,
    ),
  )
  const { id, bytes } = compress(magic, compression, Buffer.concat(inner))
  const latest = records.reduce(
    (most, { timestamp }) => (timestamp > most ? timestamp : most),
    first.timestamp,
  )
  return encode(magic, {
    offset: last.offset,
    timestamp: options.maxTimestamp ?? latest,
    attributes: id | timestampBit,
    key: null,
    value: bytes,
  })
}

function compress(
  magic: number,
  compression: Exclude<CompressionType, 'none'>,
  messages: Uint8Array,
): { id: number; bytes: Uint8Array } {
  if (compression === 'zstd')
    throw new ProtocolError('UNENCODABLE', `magic ${magic} has no zstd, only magic 2 has`)
  const compressor = createCompressor(compression)
  const compressed = compressor.compressSync(messages)
  const isOldLz4 = magic === 0 && compression === 'lz4'
  return { id: compressor.id, bytes: isOldLz4 ? breakLz4HeaderChecksum(compressed) : compressed }
}

/** What only magic 2 can tell must not get lost in silence. */
function checkOptions(magic: number, options: RecordBatchOptions, records: readonly RecordInput[]): void {
  const { timestampType, producerId = -1n, producerEpoch = -1, baseSequence = -1 } = options
  const refuse = (what: string): never => {
    throw new ProtocolError('UNENCODABLE', `${what} with magic ${magic}`)
  }
  if (magic === 0 && timestampType !== undefined && timestampType !== 'NoTimestampType') {
    refuse(`timestampType must be NoTimestampType, not ${timestampType},`)
  }
  if (magic === 1 && timestampType === 'NoTimestampType')
    refuse('timestampType must be CreateTime or LogAppendTime')
  if (producerId !== -1n || producerEpoch !== -1 || baseSequence !== -1)
    refuse('there is no producer to be told')
  if (options.isTransactional || options.isControl) refuse('there are no transactions')
  if (typeof options.deleteHorizonMs === 'bigint') refuse('there is no delete horizon')
  records.forEach(({ headers }, i) => {
    if (headers !== undefined && (Array.isArray(headers) ? headers : Object.keys(headers)).length > 0) {
      refuse(`records[${i}] has headers, and there are none`)
    }
  })
}

function encode(magic: number, message: Message, index = 0): Uint8Array {
  const { offset, timestamp, attributes, key, value } = message
  if (BigInt.asIntN(64, offset) !== offset || BigInt.asIntN(64, timestamp) !== timestamp) {
    throw new ProtocolError('UNENCODABLE', `records[${index}]: offset and timestamp must be int64`)
  }
  const keyLength = payloadLength(key)
  const valueLength = payloadLength(value)
  const bytes = Buffer.alloc(smallestMessage(magic) + Math.max(keyLength, 0) + Math.max(valueLength, 0))
  bytes.writeBigInt64BE(offset, messageField.offset)
  bytes.writeInt32BE(bytes.length - messageOverheadBytes, messageField.size)
  bytes.writeInt8(magic, messageField.magic)
  bytes.writeInt8(attributes, messageField.attributes)
  if (magic > 0) bytes.writeBigInt64BE(timestamp, messageField.timestamp)
  const p = write(bytes, keyLengthField(magic), key, keyLength)
  write(bytes, p, value, valueLength)
  bytes.writeUInt32BE(crc32(bytes, messageField.magic), messageField.crc)
  return bytes
}

function write(bytes: Buffer, at: number, payload: string | Uint8Array | null, length: number): number {
  const p = bytes.writeInt32BE(length, at)
  if (typeof payload === 'string') writeUtf8(bytes, p, payload, length)
  else if (payload !== null) bytes.set(payload, p)
  return p + Math.max(length, 0)
}

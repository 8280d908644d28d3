import { crc32c } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'

/** Bytes before the first record of a magic 2 batch. */
export const batchHeaderBytes = 61

/** Bytes of base offset and length, which the length field itself does not count. */
export const logOverheadBytes = 12

/** Places of the fields of a magic 2 batch (Java's `DefaultRecordBatch`), bytes from its start. */
export const batchField = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const

/** Bits of the attributes; the low three are the compression id. */
export const attributeBit = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** Fields of the header that are not derived from the bytes themselves. */
export interface BatchHeader {
  baseOffset: bigint
  partitionLeaderEpoch: number
  attributes: number
  lastOffsetDelta: number
  baseTimestamp: bigint
  maxTimestamp: bigint
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  count: number
}

/** A DataView would write the low bits of what does not fit, and nothing would ever tell. */
function int(name: keyof BatchHeader, value: number, bits: 16 | 32): number {
  const limit = 2 ** (bits - 1)
  if (Number.isInteger(value) && value >= -limit && value < limit) return value
  throw new ProtocolError('UNENCODABLE', `${name} must be an int${bits}, not ${value}`)
}

function int64(name: keyof BatchHeader, value: bigint): bigint {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
  throw new ProtocolError('UNENCODABLE', `${name} must be an int64 as a bigint, not ${value}`)
}

/** Fills the first 61 bytes of `batch`, which is one whole batch, its length and checksum included. */
export function writeBatchHeader(batch: Uint8Array, header: BatchHeader): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  view.setBigInt64(batchField.baseOffset, int64('baseOffset', header.baseOffset))
  view.setInt32(batchField.length, batch.length - logOverheadBytes)
  view.setInt32(batchField.partitionLeaderEpoch, int('partitionLeaderEpoch', header.partitionLeaderEpoch, 32))
  view.setInt8(batchField.magic, 2)
  view.setInt16(batchField.attributes, header.attributes)
  view.setInt32(batchField.lastOffsetDelta, int('lastOffsetDelta', header.lastOffsetDelta, 32))
  view.setBigInt64(batchField.baseTimestamp, int64('baseTimestamp', header.baseTimestamp))
  view.setBigInt64(batchField.maxTimestamp, int64('maxTimestamp', header.maxTimestamp))
  view.setBigInt64(batchField.producerId, int64('producerId', header.producerId))
  view.setInt16(batchField.producerEpoch, int('producerEpoch', header.producerEpoch, 16))
  view.setInt32(batchField.baseSequence, int('baseSequence', header.baseSequence, 32))
  view.setInt32(batchField.count, header.count)
  view.setUint32(batchField.crc, crc32c(batch, batchField.attributes))
}

/** What a producer that got a new epoch writes over a batch that it has not got an answer for. */
export interface ProducerStamp {
  producerId: bigint
  producerEpoch: number
  baseSequence: number
}

/**
 * Puts another producer id, epoch and sequence into a finished batch, in place, and refreshes its checksum. The records
 * stay as they are, compressed or not. Throws ProtocolError UNENCODABLE when `batch` is not one whole magic 2 batch.
 */
export function restampBatch(batch: Uint8Array, stamp: ProducerStamp): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  if (batch.length < batchHeaderBytes || view.getInt8(batchField.magic) !== 2) {
    throw new ProtocolError('UNENCODABLE', 'only a finished batch of magic 2 can be stamped again')
  }
  if (view.getInt32(batchField.length) !== batch.length - logOverheadBytes) {
    throw new ProtocolError(
      'UNENCODABLE',
      `${batch.length} bytes are not the one batch that their length field tells`,
    )
  }
  view.setBigInt64(batchField.producerId, int64('producerId', stamp.producerId))
  view.setInt16(batchField.producerEpoch, int('producerEpoch', stamp.producerEpoch, 16))
  view.setInt32(batchField.baseSequence, int('baseSequence', stamp.baseSequence, 32))
  view.setUint32(batchField.crc, crc32c(batch, batchField.attributes))
}

/** Sequence after `increment` more records: 2147483647 is followed by 0 (Java's `DefaultRecordBatch`). */
export function incrementSequence(sequence: number, increment: number): number {
  return sequence > 0x7fffffff - increment ? increment - (0x7fffffff - sequence) - 1 : sequence + increment
}

import { crc32c } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'
import { attributeBit, batchField, batchHeaderBytes, logOverheadBytes } from '../records/batch-header.ts'
import { decompress } from './decompress.ts'
import type { EntryList } from './entry-list.ts'
import { explainLegacyMessage } from './explain-legacy-message.ts'
import { readVarint, readVarintBytes, readVarlong } from './record-varint.ts'

/** Smallest length field of any version (Java's `LegacyRecord.RECORD_OVERHEAD_V0`). */
const minimumLength = 14

/** Bits of a batch's attributes that have a meaning. */
const knownAttributes =
  attributeBit.compressionMask |
  attributeBit.logAppendTime |
  attributeBit.transactional |
  attributeBit.control |
  attributeBit.deleteHorizon

/**
 * Explains the next `length` bytes as record batches, of all versions. A batch that is broken is explained as far as it
 * goes; the next one begins where its length says.
 */
export function explainRecordBatches(entries: EntryList, path: string, length: number): void {
  const { reader } = entries
  const end = reader.offset + length
  const outerEnd = reader.end
  reader.end = end
  for (let i = 0; reader.offset < end; i++) {
    const size = sizeOfBatch(entries, path, end)
    if (size === null) break
    const start = reader.offset
    reader.end = start + size
    const name = `${path === '' ? '' : `${path}.`}batches[${i}]`
    const magic = reader.bytes[start + batchField.magic]!
    const error = entries.attempt(() => {
      if (magic < 2) explainLegacyMessage(entries, name, size, explainRecordBatches)
      else explainBatch(entries, name, start, size)
    })
    if (error !== null) {
      entries.recordError(error.offset, error.path === '' ? name : error.path, error.message)
    }
    rest(entries, `${name}`, start + size)
    reader.end = end
  }
  // What is left is a batch cut short, as brokers send it, or no batch.
  rest(entries, path, end)
  reader.end = outerEnd
}

/** Puts down what has not been explained up to `end`, and goes there. */
function rest(entries: EntryList, path: string, end: number): void {
  const { reader } = entries
  const from = entries.end
  if (from < end) entries.add(from, end - from, path, 'rest', reader.bytes.subarray(from, end))
  reader.offset = end
}

/** Null for a batch that is not all there, or whose beginning is that of no batch; the latter is an error. */
function sizeOfBatch(entries: EntryList, path: string, end: number): number | null {
  const { bytes, offset: start } = entries.reader
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const left = end - start
  if (left < logOverheadBytes) return partial(entries, path, left)
  const length = view.getInt32(start + batchField.length)
  if (length < minimumLength) {
    const message = `the length of a batch is ${length}, at least ${minimumLength} is needed`
    entries.recordError(start + batchField.length, path, message)
    return null
  }
  if (left <= batchField.magic) return partial(entries, path, left)
  const magic = view.getInt8(start + batchField.magic)
  if (magic < 0 || magic > 2) {
    entries.recordError(start + batchField.magic, path, `magic ${magic} is unknown, known are 0 to 2`)
    return null
  }
  const size = logOverheadBytes + length
  if (size > left) return partial(entries, path, left)
  return size
}

function partial(entries: EntryList, path: string, left: number): null {
  entries.warn(entries.reader.offset, path, `a batch of which only ${left} bytes are there`)
  return null
}

/** A batch of magic 2 (Java's `DefaultRecordBatch`). */
function explainBatch(entries: EntryList, path: string, start: number, size: number): void {
  const { reader } = entries
  entries.read(`${path}.baseOffset`, 'int64', () => reader.int64())
  entries.read(`${path}.length`, 'int32', () => reader.int32())
  entries.read(`${path}.partitionLeaderEpoch`, 'int32', () => reader.int32())
  entries.read(`${path}.magic`, 'int8', () => reader.int8())
  const crc = entries.read(`${path}.crc`, 'uint32', () => reader.uint32())
  if (size >= batchHeaderBytes) {
    const computed = crc32c(reader.bytes, start + batchField.attributes, start + size)
    if (computed !== crc) {
      const message = `the checksum is ${crc}, computed is ${computed}`
      entries.recordError(start + batchField.crc, `${path}.crc`, message)
    }
  }
  const attributes = entries.read(`${path}.attributes`, 'int16', () => reader.int16())
  if (attributes & ~knownAttributes) {
    const message = `attributes 0x${(attributes & 0xffff).toString(16)} have bits without a meaning`
    entries.warn(start + batchField.attributes, `${path}.attributes`, message)
  }
  entries.read(`${path}.lastOffsetDelta`, 'int32', () => reader.int32())
  entries.read(`${path}.baseTimestamp`, 'int64', () => reader.int64())
  entries.read(`${path}.maxTimestamp`, 'int64', () => reader.int64())
  entries.read(`${path}.producerId`, 'int64', () => reader.int64())
  entries.read(`${path}.producerEpoch`, 'int16', () => reader.int16())
  entries.read(`${path}.baseSequence`, 'int32', () => reader.int32())
  const count = entries.read(`${path}.count`, 'int32', () => reader.int32())
  if (count < 0) {
    throw new ProtocolError('MALFORMED', `the record count of a batch is ${count}`, start + batchField.count)
  }
  const compression = attributes & attributeBit.compressionMask
  // Compaction leaves empty batches behind; there is then nothing that could be decompressed.
  if (compression === 0 || (count === 0 && reader.remaining === 0)) {
    return explainRecordList(entries, path, count)
  }
  const inner = decompress(entries, path, compression, 2)
  const error = inner.attempt(() => explainRecordList(inner, path, count))
  if (error !== null) inner.recordError(error.offset, error.path, error.message)
  const { reader: over } = inner
  if (inner.end < over.bytes.length) {
    inner.add(inner.end, over.bytes.length - inner.end, path, 'rest', over.bytes.subarray(inner.end))
  }
}

function explainRecordList(entries: EntryList, path: string, count: number): void {
  const { reader } = entries
  for (let i = 0; i < count; i++) explainRecord(entries, `${path}.records[${i}]`)
  if (reader.remaining > 0) {
    entries.place(path, () =>
      reader.malformed(`${reader.remaining} bytes are left after the ${count} records of the batch`),
    )
  }
}

/** Java's `DefaultRecord`: deltas and lengths are zigzag varints. */
function explainRecord(entries: EntryList, path: string): void {
  const { reader } = entries
  const length = readVarint(entries, `${path}#length`, 'record length')
  entries.place(path, () => {
    if (length >= 0 && length <= reader.remaining) return
    reader.malformed(`a record has length ${length} with ${reader.remaining} bytes left`)
  })
  const outerEnd = reader.end
  const end = reader.offset + length
  reader.end = end
  const attributes = entries.read(`${path}.attributes`, 'int8', () => reader.int8())
  if (attributes !== 0) {
    entries.warn(
      entries.end - 1,
      `${path}.attributes`,
      `attributes of a record of ${attributes}, which have no meaning`,
    )
  }
  readVarlong(entries, `${path}.timestampDelta`, 'varlong')
  readVarint(entries, `${path}.offsetDelta`, 'varint')
  readVarintBytes(entries, `${path}.key`, 'bytes')
  readVarintBytes(entries, `${path}.value`, 'bytes')
  const count = readVarint(entries, `${path}.headers#count`, 'varint count')
  entries.place(`${path}.headers`, () => {
    // A header takes two bytes at the least.
    if (count >= 0 && count * 2 <= reader.remaining) return
    reader.malformed(`a record has ${count} headers with ${reader.remaining} bytes left for them`)
  })
  for (let i = 0; i < count; i++) {
    readVarintBytes(entries, `${path}.headers[${i}].key`, 'string')
    readVarintBytes(entries, `${path}.headers[${i}].value`, 'bytes')
  }
  if (reader.offset !== end) {
    entries.place(path, () => reader.malformed(`${end - reader.offset} bytes are left after the last header`))
  }
  reader.end = outerEnd
}

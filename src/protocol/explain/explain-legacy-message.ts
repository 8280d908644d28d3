import { crc32 } from '../crc32.ts'
import { messageField } from '../records/legacy-message.ts'
import { decompress } from './decompress.ts'
import type { EntryList } from './entry-list.ts'

/** Explains a run of messages. */
type ExplainMessages = (entries: EntryList, path: string, length: number) => void

/**
 * A message of magic 0 or 1, from before Kafka 0.11 (Java's `LegacyRecord`). A compressed one holds others in its value,
 * which `explainMessages` is for.
 */
export function explainLegacyMessage(
  entries: EntryList,
  path: string,
  size: number,
  explainMessages: ExplainMessages,
): void {
  const { reader } = entries
  const start = reader.offset
  entries.read(`${path}.offset`, 'int64', () => reader.int64())
  entries.read(`${path}.messageSize`, 'int32', () => reader.int32())
  const crc = entries.read(`${path}.crc`, 'uint32', () => reader.uint32())
  const computed = crc32(reader.bytes, start + messageField.magic, start + size)
  if (computed !== crc) {
    const message = `the checksum is ${crc}, computed is ${computed}`
    entries.recordError(start + messageField.crc, `${path}.crc`, message)
  }
  const magic = entries.read(`${path}.magic`, 'int8', () => reader.int8())
  const attributes = entries.read(`${path}.attributes`, 'int8', () => reader.int8())
  // Three bits of compression, and since magic 1 one for the type of the timestamp.
  if (attributes & ~(magic === 0 ? 0x07 : 0x0f)) {
    const message = `attributes 0x${(attributes & 0xff).toString(16)} have bits without a meaning`
    entries.warn(start + messageField.attributes, `${path}.attributes`, message)
  }
  if (magic === 1) entries.read(`${path}.timestamp`, 'int64', () => reader.int64())
  readBytes(entries, `${path}.key`)
  const compression = attributes & 0x07
  if (compression === 0) readBytes(entries, `${path}.value`)
  else readWrapped(entries, path, compression, magic, explainMessages)
  const left = start + size - reader.offset
  if (left > 0) entries.place(path, () => reader.malformed(`${left} bytes are left after the value`))
}

function readWrapped(
  entries: EntryList,
  path: string,
  compression: number,
  magic: number,
  explainMessages: ExplainMessages,
): void {
  const { reader } = entries
  const length = readLength(entries, `${path}.value`)
  entries.place(`${path}.value`, () => {
    if (length !== reader.remaining) {
      reader.malformed(`compressed messages of ${length} bytes with ${reader.remaining} bytes left`)
    }
    // Java refuses it too; and each level could multiply what the one before had expanded to.
    if (entries.isInside) reader.malformed('compressed messages inside of compressed messages')
  })
  const inner = decompress(entries, path, compression, magic)
  explainMessages(inner, path, inner.reader.remaining)
}

function readBytes(entries: EntryList, path: string): void {
  const { reader } = entries
  const length = readLength(entries, path)
  if (length === -1) return entries.add(reader.offset, 0, path, 'bytes', null)
  entries.read(path, 'bytes', () => reader.take(length))
}

function readLength(entries: EntryList, path: string): number {
  const { reader } = entries
  const at = reader.offset
  const length = entries.place(path, () => reader.int32())
  entries.add(at, 4, `${path}#length`, 'int32 length', length === -1 ? null : length)
  if (length < -1) entries.place(path, () => reader.malformed(`length ${length}`, at))
  return length
}

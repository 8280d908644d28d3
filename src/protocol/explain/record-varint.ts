import { VarintReader, varlongSize } from '../varint.ts'
import type { EntryList } from './entry-list.ts'

/** An int32 as a zigzag varint, as records have them. A length of -1 is put down as null. */
export function readVarint(entries: EntryList, path: string, type: string): number {
  const { reader } = entries
  const at = reader.offset
  const value = entries.place(path.replace(/#.*$/, ''), () => {
    const varints = new VarintReader(reader.bytes, at, reader.end)
    const read = varints.readVarint()
    reader.offset = varints.position
    return read
  })
  const isNull = value === -1 && path.endsWith('#length')
  entries.add(at, reader.offset - at, path, type, isNull ? null : value)
  checkLength(entries, at, path, BigInt(value))
  return value
}

/** An int64 as a zigzag varint. */
export function readVarlong(entries: EntryList, path: string, type: string): void {
  const { reader } = entries
  const at = reader.offset
  const value = entries.read(path, type, () => {
    const varints = new VarintReader(reader.bytes, at, reader.end)
    const read = varints.readVarlong()
    reader.offset = varints.position
    return read
  })
  checkLength(entries, at, path, value)
}

/** Bytes after their varint length, where -1 is null; a `string` is not. */
export function readVarintBytes(entries: EntryList, path: string, type: 'bytes' | 'string'): void {
  const { reader } = entries
  const length = readVarint(entries, `${path}#length`, 'varint length')
  entries.place(path, () => {
    const least = type === 'bytes' ? -1 : 0
    if (length >= least && length <= reader.remaining) return
    reader.malformed(`length ${length} with ${reader.remaining} bytes left`)
  })
  if (length === -1) return entries.add(reader.offset, 0, path, type, null)
  if (type === 'string') entries.read(path, type, () => reader.utf8(length))
  else entries.read(path, type, () => reader.take(length))
}

function checkLength(entries: EntryList, at: number, path: string, value: bigint): void {
  if (!entries.strict) return
  const taken = entries.reader.offset - at
  const needed = varlongSize(value)
  if (taken > needed) entries.warn(at, path, `a varint of ${taken} bytes for ${value}, which takes ${needed}`)
}

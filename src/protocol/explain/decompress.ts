import { ByteReader } from '../byte-reader.ts'
import { compressionTypeOf, decompressPart } from '../compression/codec.ts'
import { decompressor } from '../compression/decompressors.ts'
import { lz4DecompressLegacy } from '../compression/lz4-decompress.ts'
import { ProtocolError } from '../errors.ts'
import type { EntryList } from './entry-list.ts'

/** The bytes up to the end as one entry, and a list for what they expand to. */
export function decompress(entries: EntryList, path: string, compression: number, magic: number): EntryList {
  const { reader } = entries
  const at = reader.offset
  const name = `${path}.compressed`
  const type = entries.place(name, () => compressionTypeOf(compression, at))
  entries.read(name, `${type} data`, () => reader.take(reader.remaining))
  if (type === 'none') throw new ProtocolError('MALFORMED', 'compressed data without a compression', at)
  const expand = type === 'lz4' && magic === 0 ? lz4DecompressLegacy : decompressor(type)
  const limit = Math.max(1, entries.decompressible)
  const unpacked = entries.place(name, () => decompressPart(expand, reader.bytes, at, reader.offset, limit))
  return entries.within(new ByteReader(unpacked), name)
}

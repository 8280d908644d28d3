import { broken } from '../codec.ts'
import { decodeHuffmanStream, type HuffmanTable, readHuffmanTable } from './huffman.ts'

export interface Literals {
  bytes: Uint8Array
  start: number
  end: number
  /** Behind the section. */
  next: number
  /** For a later block that uses it again. */
  table: HuffmanTable | null
}

const maxBlockBytes = 131_072

/**
 * Reads the literals section of a block (RFC 8878, 3.1.1.3.1). `scratch` has room for the literals of one block;
 * `table` is that of the block before.
 */
export function readLiterals(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scratch: Uint8Array,
  table: HuffmanTable | null,
): Literals {
  if (start >= end) throw broken('zstd', 'a block has no literals section', start)
  const kind = bytes[start]! & 3
  const format = (bytes[start]! >>> 2) & 3
  // Words beyond the block are zeros or bytes of what follows; the sizes are checked before they are used.
  const word = view.getUint32(start, true)
  if (kind < 2) {
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
    const size =
      format === 1 ? (word >>> 4) & 0xfff : format === 3 ? (word >>> 4) & 0xfffff : (word & 255) >>> 3
    if (size > maxBlockBytes)
      throw broken('zstd', `a block has ${size} literals, at most ${maxBlockBytes} are allowed`, start)
    const p = start + headerBytes
    const next = p + (kind === 0 ? size : 1)
    if (next > end) throw broken('zstd', 'it ends within literals', start)
    if (kind === 0) return { bytes, start: p, end: next, next, table }
    scratch.fill(bytes[p]!, 0, size)
    return { bytes: scratch, start: 0, end: size, next, table }
  }

  const headerBytes = format < 2 ? 3 : format + 2
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18
  const p = start + headerBytes
  if (p > end) throw broken('zstd', 'it ends within literals', start)
  const fields = (word >>> 4) + bytes[start + 4]! * 2 ** 28
  const size = fields % 2 ** sizeBits
  const packed = Math.floor(fields / 2 ** sizeBits) % 2 ** sizeBits
  const next = p + packed
  if (size > maxBlockBytes)
    throw broken('zstd', `a block has ${size} literals, at most ${maxBlockBytes} are allowed`, start)
  if (next > end) throw broken('zstd', 'it ends within literals', start)
  let streams = p
  let huffman = table
  if (kind === 2) {
    const read = readHuffmanTable(bytes, p, next)
    huffman = read.table
    streams = read.next
  }
  if (huffman === null)
    throw broken('zstd', 'a block uses the Huffman tree of the one before, and there is none', start)
  if (format === 0) {
    decodeHuffmanStream(huffman, bytes, view, streams, next, scratch, 0, size)
  } else {
    decodeFourStreams(huffman, bytes, view, streams, next, scratch, size)
  }
  return { bytes: scratch, start: 0, end: size, next, table: huffman }
}

function decodeFourStreams(
  table: HuffmanTable,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  size: number,
): void {
  const each = (size + 3) >>> 2
  if (end - start < 6 || size < 6)
    throw broken('zstd', 'there are too few bytes for four streams of literals', start)
  let p = start + 6
  for (let i = 0; i < 4; i++) {
    const streamEnd = i === 3 ? end : p + view.getUint16(start + 2 * i, true)
    if (streamEnd > end)
      throw broken('zstd', 'a stream of literals is longer than its section', start + 2 * i)
    decodeHuffmanStream(table, bytes, view, p, streamEnd, output, each * i, i === 3 ? size : each * (i + 1))
    p = streamEnd
  }
}

import { broken } from '../codec.ts'
import { readTable } from './fse-table.ts'

/** A Huffman decoding table: for each `bits` bits the symbol in the high byte, the length of its code in the low one. */
export interface HuffmanTable {
  bits: number
  entries: Uint16Array
}

const mostBits = 11
const mostWeights = 255

/** Reads the description of a Huffman tree (RFC 8878, 4.2.1). `next` is the byte behind it. */
export function readHuffmanTable(
  bytes: Uint8Array,
  start: number,
  end: number,
): { table: HuffmanTable; next: number } {
  if (start >= end) throw broken('zstd', 'it ends before a Huffman tree', start)
  const header = bytes[start]!
  if (header < 128) {
    const next = start + 1 + header
    if (next > end) throw broken('zstd', 'it ends within a Huffman tree', start)
    return { table: buildHuffmanTable(readCompressedWeights(bytes, start + 1, next), start), next }
  }
  const count = header - 127
  const next = start + 1 + ((count + 1) >>> 1)
  if (next > end) throw broken('zstd', 'it ends within a Huffman tree', start)
  const weights: number[] = []
  for (let i = 0; i < count; i++) {
    const byte = bytes[start + 1 + (i >>> 1)]!
    weights.push(i % 2 === 0 ? byte >>> 4 : byte & 15)
  }
  return { table: buildHuffmanTable(weights, start), next }
}

/** Two states take turns over one stream of bits, until it is used up. */
function readCompressedWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, next } = readTable(bytes, start, end, 6, 12)
  const { log, symbols, bits, bases } = table
  const stream = bitsOf(bytes, next, end)
  let bit = stream.bit
  const read = (count: number): number => {
    let value = 0
    for (let i = 0; i < count; i++) {
      bit--
      // Before the start there are zeros.
      value = (value << 1) | (bit < stream.startBit ? 0 : (bytes[bit >>> 3]! >>> (bit & 7)) & 1)
    }
    return value
  }
  const states = [read(log), read(log)]
  if (bit < stream.startBit) throw broken('zstd', 'the weights of a Huffman tree are cut', start)
  const weights: number[] = []
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn]!
    weights.push(symbols[state]!)
    states[turn] = bases[state]! + read(bits[state]!)
    if (bit < stream.startBit) {
      weights.push(symbols[states[turn ^ 1]!]!)
      break
    }
    if (weights.length > mostWeights) break
  }
  if (weights.length > mostWeights) throw broken('zstd', 'a Huffman tree has too many weights', start)
  return weights
}

/** Where a stream that is read backwards begins: below the highest bit set of its last byte (RFC 8878, 4.1). */
export function bitsOf(bytes: Uint8Array, start: number, end: number): { bit: number; startBit: number } {
  if (start >= end) throw broken('zstd', 'a stream of bits is empty', start)
  const last = bytes[end - 1]!
  if (last === 0) throw broken('zstd', 'a stream of bits has no end mark', end - 1)
  return { bit: (end - 1) * 8 + 31 - Math.clz32(last), startBit: start * 8 }
}

/** Weights of all symbols but the last, whose weight makes the sum a power of two. `at`: where they were read. */
function buildHuffmanTable(weights: number[], at: number): HuffmanTable {
  let sum = 0
  for (const weight of weights) if (weight > 0) sum += 1 << (weight - 1)
  if (sum === 0) throw broken('zstd', 'a Huffman tree has no weights', at)
  const bits = 32 - Math.clz32(sum)
  const left = (1 << bits) - sum
  if (bits > mostBits || (left & (left - 1)) !== 0) {
    throw broken('zstd', 'the weights of a Huffman tree do not add up', at)
  }
  const all = [...weights, 32 - Math.clz32(left)]
  const entries = new Uint16Array(1 << bits)
  let position = 0
  for (let weight = 1; weight <= bits; weight++) {
    for (let symbol = 0; symbol < all.length; symbol++) {
      if (all[symbol] !== weight) continue
      const next = position + (1 << (weight - 1))
      entries.fill((symbol << 8) | (bits + 1 - weight), position, next)
      position = next
    }
  }
  return { bits, entries }
}

/**
 * Decodes the stream from `start` to `end` into exactly `output` from `from` to `to`. `view` is over the same bytes as
 * `bytes`, and has some bytes before `start` and behind `end` that may be looked at.
 */
export function decodeHuffmanStream(
  table: HuffmanTable,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  from: number,
  to: number,
): void {
  const { bits, entries } = table
  const stream = bitsOf(bytes, start, end)
  const { startBit } = stream
  let bit = stream.bit
  let q = from
  const mask = (1 << bits) - 1
  // One word has 25 bits at least, and so two codes of at most 11 bits.
  const pairs = to - 1
  const shift = 2 * bits
  while (q < pairs && bit >= startBit) {
    const at = bit - shift
    const word = view.getUint32(at >> 3, true) >>> (at & 7)
    const first = entries[(word >>> bits) & mask]!
    const used = first & 255
    const second = entries[(word >>> (bits - used)) & mask]!
    output[q] = first >>> 8
    output[q + 1] = second >>> 8
    q += 2
    bit -= used + (second & 255)
  }
  while (q < to && bit >= startBit) {
    const at = bit - bits
    const entry = entries[(view.getUint32(at >> 3, true) >>> (at & 7)) & mask]!
    output[q++] = entry >>> 8
    bit -= entry & 255
  }
  if (q !== to || bit !== startBit)
    throw broken('zstd', 'a stream of literals does not end with its last literal', start)
}

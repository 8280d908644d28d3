import type { CompressionOptions, Compressor } from './codec.ts'
import { hashBits, hashShift, matchTable } from './match-table.ts'
import { nativePackage } from './native.ts'
import { type CompressBlock, wasmBlockCompressor } from './wasm/block-compressor.ts'

/** The part of the package `snappy` that is used. It makes bare blocks. */
interface NativeSnappy {
  compress(bytes: Uint8Array): Promise<Uint8Array>
  compressSync(bytes: Uint8Array): Uint8Array
}

/** Header of xerial's framing: magic, version 1, oldest version that reads it 1. */
const xerialHeader = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]

/** Bytes of a block before compression: an offset within it fits into 16 bits. */
const blockBytes = 65_536

/** Less than this is not worth the copies into WebAssembly's memory and out of it. */
const wasmThreshold = 64

/** Matches are not looked for so near to the end: it could not pay. */
const tailBytes = 15

/**
 * Snappy in xerial's framing, which is what Java clients write and everybody reads. By the package `snappy` where it is
 * installed, off the main thread; else in TypeScript.
 */
export function snappyCompressor(_options: CompressionOptions = {}): Compressor {
  const native = nativePackage<NativeSnappy>('snappy', ['compress', 'compressSync'])
  return {
    name: 'snappy',
    id: 2,
    async compress(bytes) {
      return native === null ? snappyCompress(bytes) : framed([await native.compress(bytes)])
    },
    compressSync(bytes) {
      return native === null ? snappyCompress(bytes) : framed([native.compressSync(bytes)])
    },
  }
}

function framed(blocks: readonly Uint8Array[]): Uint8Array {
  const size = blocks.reduce((sum, block) => sum + 4 + block.length, xerialHeader.length)
  const stream = Buffer.allocUnsafeSlow(size)
  stream.set(xerialHeader)
  let p = xerialHeader.length
  for (const block of blocks) {
    p = stream.writeInt32BE(block.length, p)
    stream.set(block, p)
    p += block.length
  }
  return stream
}

/** The same without the package, apart so that both are tested and measured: in WebAssembly where that may be compiled. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const byWasm = bytes.length < wasmThreshold ? null : wasmBlockCompressor('snappy')
  return compressBlocks(bytes, byWasm ?? compressBlock)
}

/** The same in JavaScript alone, which writes the same bytes. */
export function snappyCompressWithoutWasm(bytes: Uint8Array): Uint8Array {
  return compressBlocks(bytes, compressBlock)
}

function compressBlocks(bytes: Uint8Array, compress: CompressBlock): Uint8Array {
  const blockCount = Math.ceil(bytes.length / blockBytes)
  // Worst case of a block: its size as a varint, and literals with their tags.
  const most = bytes.length + Math.ceil(bytes.length / 6) + 16 * (blockCount + 1)
  const output = Buffer.allocUnsafeSlow(most)
  output.set(xerialHeader)
  let p = xerialHeader.length
  for (let start = 0; start < bytes.length; start += blockBytes) {
    const end = Math.min(start + blockBytes, bytes.length)
    const blockEnd = compress(bytes, start, end, output, p + 4)
    output.writeInt32BE(blockEnd - p - 4, p)
    p = blockEnd
  }
  // What was allocated for the worst case is not to be held for long.
  return p * 2 < most ? Uint8Array.prototype.slice.call(output, 0, p) : output.subarray(0, p)
}

function compressBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  let q = at
  let size = end - start
  for (; size > 127; size >>>= 7) output[q++] = size | 0x80
  output[q++] = size
  if (end - start <= tailBytes) return writeLiteral(input, start, end, output, q)

  const bits = hashBits(end - start)
  const table = matchTable(bits)
  const mask = (1 << bits) - 1
  const last = end - tailBytes
  let literalStart = start
  let p = start + 1
  for (;;) {
    // Where nothing is found the steps grow: what does not compress is left alone soon.
    let misses = 32
    let candidate: number
    let word: number
    for (;;) {
      word = view.getInt32(p, true)
      const hash = (Math.imul(word, 0x1e35a7bd) >>> hashShift) & mask
      candidate = start + table[hash]!
      table[hash] = p - start
      if (view.getInt32(candidate, true) === word && candidate < p) break
      p += misses++ >>> 5
      if (p > last) return writeLiteral(input, literalStart, end, output, q)
    }
    if (p > literalStart) q = writeLiteral(input, literalStart, p, output, q)
    // More matches right behind this one need no literal between them.
    for (;;) {
      const offset = p - candidate
      let length = 4
      while (
        p + length + 4 <= end &&
        view.getInt32(p + length, true) === view.getInt32(candidate + length, true)
      ) {
        length += 4
      }
      while (p + length < end && input[p + length] === input[candidate + length]) length++
      q = writeCopy(output, q, offset, length)
      p += length
      literalStart = p
      if (p > last) return writeLiteral(input, literalStart, end, output, q)
      table[(Math.imul(view.getInt32(p - 1, true), 0x1e35a7bd) >>> hashShift) & mask] = p - 1 - start
      word = view.getInt32(p, true)
      const hash = (Math.imul(word, 0x1e35a7bd) >>> hashShift) & mask
      candidate = start + table[hash]!
      table[hash] = p - start
      if (view.getInt32(candidate, true) !== word || candidate >= p) break
    }
    p++
    if (p > last) return writeLiteral(input, literalStart, end, output, q)
  }
}

function writeLiteral(input: Uint8Array, start: number, end: number, output: Uint8Array, at: number): number {
  const length = end - start
  if (length === 0) return at
  let q = at
  if (length <= 60) output[q++] = (length - 1) << 2
  else if (length <= 256) {
    output[q++] = 60 << 2
    output[q++] = length - 1
  } else {
    output[q++] = 61 << 2
    output[q++] = length - 1
    output[q++] = (length - 1) >>> 8
  }
  if (length <= 32) for (let i = 0; i < length; i++) output[q + i] = input[start + i]!
  else output.set(input.subarray(start, end), q)
  return q + length
}

function writeCopy(output: Uint8Array, at: number, offset: number, matchLength: number): number {
  let q = at
  let length = matchLength
  // 64 is the longest copy; what is left after those must be no shorter than 4 for the short form.
  while (length >= 68) {
    output[q++] = (63 << 2) | 2
    output[q++] = offset
    output[q++] = offset >>> 8
    length -= 64
  }
  if (length > 64) {
    output[q++] = (59 << 2) | 2
    output[q++] = offset
    output[q++] = offset >>> 8
    length -= 60
  }
  if (length < 12 && offset < 2048) {
    output[q++] = ((offset >>> 8) << 5) | ((length - 4) << 2) | 1
    output[q++] = offset
  } else {
    output[q++] = ((length - 1) << 2) | 2
    output[q++] = offset
    output[q++] = offset >>> 8
  }
  return q
}

import { describe, expect, it } from 'vitest'
import { compressLz4Block, lz4BlockBound } from '../../src/protocol/compression/lz4-block.ts'
import { lz4DecompressWithoutWasm, lz4HeaderChecksum } from '../../src/protocol/compression/lz4-decompress.ts'
import { hashBits } from '../../src/protocol/compression/match-table.ts'
import { snappyDecompressWithoutWasm } from '../../src/protocol/compression/snappy-decompress.ts'
import { compressModule } from '../../src/protocol/compression/wasm/compress-module.ts'
import { expandModule } from '../../src/protocol/compression/wasm/expand-module.ts'
import { instantiateWasm } from '../../src/protocol/compression/wasm/instantiate.ts'
import { mutate, SeededRandom } from '../support/mutate.ts'

// The functions of the modules by themselves, in a memory where all that is not theirs is marked: none of it may change,
// and what they say must not depend on it. The JavaScript is what they are measured by.

type Expand = (p: number, end: number, q: number, to: number, window: number) => number
type Compress = (start: number, end: number, q: number, bits: number) => number

interface Memory {
  buffer: ArrayBuffer
}

const expanding = instantiateWasm<{ memory: Memory; snappy: Expand; lz4: Expand }>(expandModule)!
const compressing = instantiateWasm<{ memory: Memory; snappy: Compress; lz4: Compress }>(compressModule)!

const gap = 64
const cases = 50_000

/** How much a block is said to expand to: mostly that, else a little more or less, or any part of it. */
function claimed(size: number, random: SeededRandom): number {
  const choice = random.below(8)
  return choice === 0 ? Math.max(0, size + random.below(3) - 1) : choice === 1 ? random.below(size + 1) : size
}

/** Elements of Snappy, most of them right, and how much they expand to. */
function snappyBlock(random: SeededRandom): { bytes: Uint8Array; size: number } {
  const bytes: number[] = []
  let size = 0
  for (let left = random.below(12); left > 0; left--) {
    const kind = size === 0 ? 0 : random.below(4)
    if (kind === 0) {
      const length = random.pick([1, 4, 15, 16, 17, 59, 60, 61, 100, 256, 257, 300])
      const extra = length > 60 ? random.pick([length > 256 ? 2 : 1, 2, 3, 4]) : 0
      bytes.push((extra > 0 ? 59 + extra : length - 1) << 2)
      for (let i = 0; i < extra; i++) bytes.push(((length - 1) >>> (8 * i)) & 255)
      for (let i = 0; i < length; i++) bytes.push(random.below(256))
      size += length
      continue
    }
    const offset =
      random.below(10) === 0
        ? random.below(70_000)
        : random.pick([1, 2, 3, 7, 8, 15, 16, 17, size, random.below(size + 1)])
    const length = kind === 1 ? 4 + random.below(8) : 1 + random.below(64)
    if (kind === 1) bytes.push(((offset >>> 3) & 0xe0) | ((length - 4) << 2) | 1, offset & 255)
    else if (kind === 2) bytes.push(((length - 1) << 2) | 2, offset & 255, (offset >>> 8) & 255)
    else bytes.push(((length - 1) << 2) | 3, offset & 255, (offset >>> 8) & 255, offset >>> 16, 0)
    size += length
  }
  return { bytes: Uint8Array.from(bytes), size: claimed(size, random) }
}

/** Sequences of LZ4, most of them right, and how much they expand to. */
function lz4Block(random: SeededRandom): { bytes: Uint8Array; size: number } {
  const bytes: number[] = []
  let size = 0
  const more = (length: number) => {
    for (let left = length - 15; left >= 0; left -= 255) bytes.push(Math.min(left, 255))
  }
  for (let left = random.below(10); left >= 0; left--) {
    const literals = random.pick([0, 1, 5, 14, 15, 16, 40, 255, 270, 285, 600])
    const length = random.pick([0, 1, 12, 14, 15, 16, 28, 270, 600])
    bytes.push((Math.min(literals, 15) << 4) | (left === 0 ? 0 : Math.min(length, 15)))
    more(literals)
    for (let i = 0; i < literals; i++) bytes.push(random.below(256))
    size += literals
    if (left === 0) break
    const offset =
      random.below(20) === 0
        ? random.below(65_536)
        : random.pick([1, 2, 3, 7, 8, 15, 16, 17, size, 1 + random.below(size + 1)])
    bytes.push(offset & 255, (offset >>> 8) & 255)
    more(length)
    size += length + 4
  }
  return { bytes: Uint8Array.from(bytes), size: claimed(size, random) }
}

const marked = new Map([0, 0x5a, 0xff].map((mark) => [mark, Buffer.alloc(1 << 18, mark)]))

function isMarked(bytes: Uint8Array, mark: number): boolean {
  return marked.get(mark)!.compare(bytes, 0, bytes.length, 0, bytes.length) === 0
}

/** What the module makes of a block in a memory otherwise full of `mark`; null where it says that the block is wrong. */
function expandMarked(name: 'snappy' | 'lz4', block: Uint8Array, size: number, mark: number): Buffer | null {
  const memory = new Uint8Array(expanding.memory.buffer).fill(mark)
  const inputAt = 512
  const from = inputAt + block.length + gap
  const to = from + size
  memory.set(block, inputAt)
  const said = expanding[name](inputAt, inputAt + block.length, from, to, from)
  if (Buffer.compare(memory.subarray(inputAt, inputAt + block.length), block) !== 0)
    throw new Error('the input has changed')
  if (!isMarked(memory.subarray(0, inputAt), mark)) throw new Error('stored before the input')
  if (!isMarked(memory.subarray(inputAt + block.length, from), mark))
    throw new Error('stored before the output')
  if (!isMarked(memory.subarray(to + gap), mark)) throw new Error('stored behind the gap')
  if (name === 'snappy') return said === 1 ? Buffer.from(memory.subarray(from, to)) : null
  return said < 0 ? null : Buffer.from(memory.subarray(from, said))
}

/** What the JavaScript makes of a block of Snappy that says it expands to `size`. */
function snappyByJavaScript(block: Uint8Array, size: number): Buffer | null {
  const head = Buffer.of((size & 127) | 128, ((size >>> 7) & 127) | 128, size >>> 14)
  return orNull(() => snappyDecompressWithoutWasm(Buffer.concat([head, block]), size))
}

/** What the JavaScript makes of a block of LZ4 that may expand to `size`. */
function lz4ByJavaScript(block: Uint8Array, size: number): Buffer | null {
  const header = Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0)
  header[6] = lz4HeaderChecksum(header, 4, 6)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(block.length)
  return orNull(() => lz4DecompressWithoutWasm(Buffer.concat([header, length, block, Buffer.alloc(4)]), size))
}

function orNull(run: () => Uint8Array): Buffer | null {
  try {
    return Buffer.from(run())
  } catch {
    return null
  }
}

describe.each([
  { name: 'snappy', make: snappyBlock, byJavaScript: snappyByJavaScript },
  { name: 'lz4', make: lz4Block, byJavaScript: lz4ByJavaScript },
] as const)('expanding blocks of $name in WebAssembly', ({ name, make, byJavaScript }) => {
  it('says what the JavaScript says, stores nothing elsewhere, and does not look at what is elsewhere', () => {
    const random = new SeededRandom(20_261_121)
    let right = 0
    let wrong = 0
    for (let i = 0; i < cases; i++) {
      const made = make(random)
      const { size } = made
      const block = random.below(3) > 0 ? made.bytes : mutate(made.bytes, make(random).bytes, random)
      // Of no bytes LZ4 makes no block: it would be the end of the frame.
      if (block.length === 0 || block.length > 20_000) continue
      const expected = byJavaScript(block, size)
      for (const mark of marked.keys()) {
        const found = expandMarked(name, block, size, mark)
        const isSame = expected === null ? found === null : found !== null && expected.equals(found)
        if (!isSame)
          expect.fail(`case ${i}: ${Buffer.from(block).toString('hex')} to ${size} bytes, mark ${mark}`)
      }
      if (expected === null) wrong++
      else right++
    }
    expect(right).toBeGreaterThan(cases / 5)
    expect(wrong).toBeGreaterThan(cases / 5)
  })
})

describe('compressing blocks in WebAssembly', () => {
  it('stores nothing behind the worst case, and does not look behind the input', () => {
    const random = new SeededRandom(7)
    const inputAt = 32_768
    const outputAt = inputAt + 65_536 + gap
    const memory = new Uint8Array(compressing.memory.buffer)
    for (let i = 0; i < 300; i++) {
      const length = 1 + random.below(i % 10 === 0 ? 65_536 : 3000)
      const spread = random.pick([2, 5, 20, 256])
      const input = Uint8Array.from({ length }, () => random.below(spread))
      for (const name of ['snappy', 'lz4'] as const) {
        const outcomes = [0, 0xff].map((mark) => {
          memory.fill(mark)
          memory.set(input, inputAt)
          const to = compressing[name](inputAt, inputAt + length, outputAt, hashBits(length))
          const most = name === 'lz4' ? lz4BlockBound(length) : length + Math.ceil(length / 6) + 32
          expect(to - outputAt).toBeLessThanOrEqual(most)
          expect(isMarked(memory.subarray(outputAt + most + gap), mark)).toBe(true)
          expect(isMarked(memory.subarray(inputAt + length, outputAt), mark)).toBe(true)
          return Buffer.from(memory.subarray(outputAt, to))
        })
        expect(outcomes[0]!.equals(outcomes[1]!)).toBe(true)
        if (name === 'lz4') {
          const output = new Uint8Array(lz4BlockBound(length))
          const end = compressLz4Block(input, 0, length, output, 0)
          expect(outcomes[0]!.equals(output.subarray(0, end))).toBe(true)
        }
      }
    }
  })
})

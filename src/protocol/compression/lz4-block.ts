import { hashBits, hashShift, matchTable } from './match-table.ts'

/** A match is not begun in the last 12 bytes of a block, and does not reach into its last 5. */
const tailBytes = 12
const lastLiterals = 5

/** Bytes that a block of `length` bytes may take, at most. */
export function lz4BlockBound(length: number): number {
  return length + Math.ceil(length / 255) + 16
}

/**
 * Compresses `input` from `start` to `end` (at most 64 KiB) into `output` at `at`, fast: the first match is taken.
 * Returns the position behind it.
 */
export function compressLz4Block(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  let q = at
  let literalStart = start
  const lastStart = end - tailBytes
  if (start <= lastStart) {
    const bits = hashBits(end - start)
    const table = matchTable(bits)
    const mask = (1 << bits) - 1
    const matchEnd = end - lastLiterals
    let p = start + 1
    // Where nothing is found the steps grow: what does not compress is left alone soon.
    let misses = 64
    while (p <= lastStart) {
      const word = view.getInt32(p, true)
      const hash = (Math.imul(word, 0x9e3779b1) >>> hashShift) & mask
      let candidate = start + table[hash]!
      table[hash] = p - start
      if (candidate >= p || view.getInt32(candidate, true) !== word) {
        p += misses++ >>> 6
        continue
      }
      misses = 64
      while (p > literalStart && candidate > start && input[p - 1] === input[candidate - 1]) {
        p--
        candidate--
      }
      let length = 4
      while (
        p + length + 4 <= matchEnd &&
        view.getInt32(p + length, true) === view.getInt32(candidate + length, true)
      ) {
        length += 4
      }
      while (p + length < matchEnd && input[p + length] === input[candidate + length]) length++
      q = writeLz4Sequence(input, literalStart, p, p - candidate, length, output, q)
      p += length
      literalStart = p
      if (p <= lastStart)
        table[(Math.imul(view.getInt32(p - 2, true), 0x9e3779b1) >>> hashShift) & mask] = p - 2 - start
    }
  }
  return writeLz4Literals(input, literalStart, end, output, q)
}

/** Literals from `literalStart` to `literalEnd`, then a copy of `length` bytes from `offset` before. */
export function writeLz4Sequence(
  input: Uint8Array,
  literalStart: number,
  literalEnd: number,
  offset: number,
  length: number,
  output: Uint8Array,
  at: number,
): number {
  const literals = literalEnd - literalStart
  const rest = length - 4
  let q = at
  output[q++] = (Math.min(literals, 15) << 4) | Math.min(rest, 15)
  if (literals >= 15) q = writeLength(output, q, literals - 15)
  q = copyLiterals(input, literalStart, literalEnd, output, q)
  output[q++] = offset
  output[q++] = offset >>> 8
  return rest >= 15 ? writeLength(output, q, rest - 15) : q
}

/** The last sequence of a block: no copy. */
export function writeLz4Literals(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
): number {
  const literals = end - start
  let q = at
  output[q++] = Math.min(literals, 15) << 4
  if (literals >= 15) q = writeLength(output, q, literals - 15)
  return copyLiterals(input, start, end, output, q)
}

function writeLength(output: Uint8Array, at: number, length: number): number {
  let q = at
  let left = length
  for (; left >= 255; left -= 255) output[q++] = 255
  output[q++] = left
  return q
}

function copyLiterals(input: Uint8Array, start: number, end: number, output: Uint8Array, at: number): number {
  const length = end - start
  if (length <= 32) for (let i = 0; i < length; i++) output[at + i] = input[start + i]!
  else output.set(input.subarray(start, end), at)
  return at + length
}

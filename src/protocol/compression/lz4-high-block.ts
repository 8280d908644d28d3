import { writeLz4Literals, writeLz4Sequence } from './lz4-block.ts'

const tailBytes = 12
const lastLiterals = 5
const hashBits = 15
const blockBytes = 65_536

/** Place of the last position with the same hash, and for each position of the one before; -1 for none. */
let heads: Int32Array | null = null
let chain: Int32Array | null = null

/**
 * The same as `compressLz4Block`, but smaller and slower: looks at up to `attempts` places for each match, and
 * takes a match only when the next byte does not begin a longer one.
 */
export function compressLz4BlockHigh(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
  attempts: number,
): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  heads ??= new Int32Array(1 << hashBits)
  chain ??= new Int32Array(blockBytes)
  const last = heads.fill(-1)
  const before = chain
  const shift = 32 - hashBits
  const lastStart = end - tailBytes
  const matchEnd = end - lastLiterals
  let inserted = start
  let matchAt = 0

  /** Length of the longest match at `p`, 0 for none; its place is then in `matchAt`. */
  const longest = (p: number): number => {
    for (; inserted < p; inserted++) {
      const hash = Math.imul(view.getInt32(inserted, true), 0x9e3779b1) >>> shift
      before[inserted - start] = last[hash]!
      last[hash] = inserted
    }
    const word = view.getInt32(p, true)
    let best = 0
    let candidate = last[Math.imul(word, 0x9e3779b1) >>> shift]!
    for (let left = attempts; left > 0 && candidate >= 0; left--, candidate = before[candidate - start]!) {
      if (view.getInt32(candidate, true) !== word || input[candidate + best] !== input[p + best]) continue
      let length = 4
      while (p + length < matchEnd && input[p + length] === input[candidate + length]) length++
      if (length > best) {
        best = length
        matchAt = candidate
        if (p + length === matchEnd) break
      }
    }
    return best
  }

  let q = at
  let literalStart = start
  let p = start + 1
  while (p <= lastStart) {
    let length = longest(p)
    if (length === 0) {
      p++
      continue
    }
    let from = matchAt
    while (p < lastStart) {
      const next = longest(p + 1)
      if (next <= length) break
      p++
      length = next
      from = matchAt
    }
    q = writeLz4Sequence(input, literalStart, p, p - from, length, output, q)
    p += length
    literalStart = p
  }
  return writeLz4Literals(input, literalStart, end, output, q)
}

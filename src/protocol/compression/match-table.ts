const leastBits = 8
const mostBits = 14

/** Brings the best bits of a product down; fewer than 14 of them are taken by a mask, which is as fast for all sizes. */
export const hashShift = 32 - mostBits

let positions: Uint16Array | null = null

/** Bits of the hashes by which a block of `length` bytes is searched: emptying a large table costs more than a short block. */
export function hashBits(length: number): number {
  return Math.max(leastBits, Math.min(mostBits, 32 - Math.clz32(length - 1)))
}

/** Positions by hash of that many bits, all 0. There is but one, for who needs it next. */
export function matchTable(bits: number): Uint16Array {
  positions ??= new Uint16Array(1 << mostBits)
  return positions.fill(0, 0, 1 << bits)
}

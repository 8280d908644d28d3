/** Murmur2 as Java's client computes it (`Utils.murmur2`, seed 0x9747b28c): a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  let p = 0
  for (const last = length - 4; p <= last; p += 4) {
    let k = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const left = length - p
  if (left > 2) h ^= bytes[p + 2]! << 16
  if (left > 1) h ^= bytes[p + 1]! << 8
  if (left > 0) h = Math.imul(h ^ bytes[p]!, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/**
 * Clears the sign bit, as Java's `Utils.toPositive` does: not the absolute value. Java's partition of a key is
 * `toPositive(murmur2(key)) % numPartitions`.
 */
export function toPositive(value: number): number {
  return value & 0x7fffffff
}

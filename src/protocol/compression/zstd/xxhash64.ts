const prime1 = 0x9e3779b185ebca87n
const prime2 = 0xc2b2ae3d27d4eb4fn
const prime3 = 0x165667b19e3779f9n
const prime4 = 0x85ebca77c2b2ae63n
const prime5 = 0x27d4eb2f165667c5n

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, bits: bigint): bigint =>
  BigInt.asUintN(64, value << bits) | (value >> (64n - bits))
const round = (sum: bigint, word: bigint): bigint =>
  wrap(rotate(wrap(sum + wrap(word * prime2)), 31n) * prime1)
const merge = (hash: bigint, sum: bigint): bigint => wrap((hash ^ round(0n, sum)) * prime1 + prime4)

/** xxHash64 with seed 0, of `bytes` from `start` up to `end`: the low half of it is the checksum of a zstd frame. */
export function xxhash64(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let p = start
  let hash: bigint
  if (end - start >= 32) {
    let a = wrap(prime1 + prime2)
    let b = prime2
    let c = 0n
    let d = wrap(-prime1)
    for (const last = end - 32; p <= last; p += 32) {
      a = round(a, view.getBigUint64(p, true))
      b = round(b, view.getBigUint64(p + 8, true))
      c = round(c, view.getBigUint64(p + 16, true))
      d = round(d, view.getBigUint64(p + 24, true))
    }
    hash = wrap(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n))
    hash = merge(merge(merge(merge(hash, a), b), c), d)
  } else {
    hash = prime5
  }
  hash = wrap(hash + BigInt(end - start))
  for (; p + 8 <= end; p += 8) {
    hash = wrap(rotate(hash ^ round(0n, view.getBigUint64(p, true)), 27n) * prime1 + prime4)
  }
  if (p + 4 <= end) {
    hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint32(p, true)) * prime1), 23n) * prime2 + prime3)
    p += 4
  }
  for (; p < end; p++) hash = wrap(rotate(hash ^ wrap(BigInt(bytes[p]!) * prime5), 11n) * prime1)
  hash = wrap((hash ^ (hash >> 33n)) * prime2)
  hash = wrap((hash ^ (hash >> 29n)) * prime3)
  return hash ^ (hash >> 32n)
}

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** xxHash32 with seed 0, the checksum of LZ4 frames: unsigned, of `bytes` from `start` up to `end`. */
export function xxhash32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let p = start
  let hash: number
  if (end - start >= 16) {
    let a = (prime1 + prime2) | 0
    let b = prime2 | 0
    let c = 0
    let d = -prime1 | 0
    for (const last = end - 16; p <= last; p += 16) {
      a = round(a, view.getInt32(p, true))
      b = round(b, view.getInt32(p + 4, true))
      c = round(c, view.getInt32(p + 8, true))
      d = round(d, view.getInt32(p + 12, true))
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  } else {
    hash = prime5
  }
  hash = (hash + end - start) | 0
  for (; p + 4 <= end; p += 4) {
    hash = Math.imul(rotate((hash + Math.imul(view.getInt32(p, true), prime3)) | 0, 17), prime4)
  }
  for (; p < end; p++) hash = Math.imul(rotate((hash + Math.imul(bytes[p]!, prime5)) | 0, 11), prime1)
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function round(sum: number, word: number): number {
  return Math.imul(rotate((sum + Math.imul(word, prime2)) | 0, 13), prime1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

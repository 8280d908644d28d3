let table: Int32Array | null = null

/**
 * CRC-32 (IEEE 802.3), the checksum of messages of magic 0 and 1: unsigned, of `bytes` from `start` up to `end`.
 * A byte a step: only topics written before Kafka 0.11 need it. The table is made on first use.
 */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  table ??= makeTable()
  const t = table
  let c = -1
  for (let p = start; p < end; p++) c = t[(c ^ bytes[p]!) & 255]! ^ (c >>> 8)
  return ~c >>> 0
}

function makeTable(): Int32Array {
  const t = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let c = byte
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    t[byte] = c
  }
  return t
}

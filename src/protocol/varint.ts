import { ProtocolError } from './errors.ts'

const twoTo32 = 0x1_0000_0000

/** Bytes of a zigzag varint (record fields): 1 to 8 for any safe integer. */
export function varintSize(value: number): number {
  return value === (value | 0) ? int32VarintSize(value) : wideVarintSize(value)
}

/** The same for an int32. So short that the engine puts it into a loop over records, where `varintSize` is a call. */
export function int32VarintSize(value: number): number {
  // 7 payload bits a byte; `| 1` because zero too takes a byte.
  return ((38 - Math.clz32(((value << 1) ^ (value >> 31)) | 1)) / 7) | 0
}

function wideVarintSize(value: number): number {
  // Zigzag doubles the magnitude, and -1 - value mirrors the negatives without leaving the safe integers.
  let magnitude = value < 0 ? -1 - value : value
  let size = 1
  for (; magnitude >= 64; magnitude = Math.floor(magnitude / 128)) size++
  return size
}

/** Writes any safe integer as a zigzag varint (32 or 64 bits: the bytes are the same). Returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  return value === (value | 0)
    ? writeInt32Varint(bytes, position, value)
    : writeWideVarint(bytes, position, value)
}

/** The same for an int32, short for the reason that `int32VarintSize` is. */
export function writeInt32Varint(bytes: Uint8Array, position: number, value: number): number {
  let p = position
  let zigzag = (value << 1) ^ (value >> 31)
  for (; zigzag & ~0x7f; zigzag >>>= 7) bytes[p++] = (zigzag & 0x7f) | 0x80
  bytes[p++] = zigzag
  return p
}

function writeWideVarint(bytes: Uint8Array, position: number, value: number): number {
  const high = Math.floor(value / twoTo32)
  const low = value | 0
  const sign = high >> 31
  // An odd zigzag value above 2^53 is not a number any more: the halves are kept apart.
  return writeHalves(bytes, position, ((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign)
}

function writeHalves(bytes: Uint8Array, position: number, high: number, low: number): number {
  let p = position
  let h = high
  let l = low
  while (h !== 0 || l & ~0x7f) {
    bytes[p++] = (l & 0x7f) | 0x80
    l = (l >>> 7) | (h << 25)
    h >>>= 7
  }
  bytes[p++] = l
  return p
}

/** Bytes of any int64 as a zigzag varlong: 1 to 10. */
export function varlongSize(value: bigint): number {
  let magnitude = value < 0n ? -1n - value : value
  let size = 1
  for (; magnitude >= 64n; magnitude >>= 7n) size++
  return size
}

/** Writes any int64 as a zigzag varlong. Returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: bigint): number {
  const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  return writeHalves(bytes, position, Number(zigzag >> 32n), Number(zigzag & 0xffff_ffffn))
}

/** Reads zigzag varints from `bytes` at `position`, never at or beyond `end`. */
export class VarintReader {
  readonly bytes: Uint8Array
  position: number
  end: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** An int32. Throws ProtocolError: TRUNCATED when it is cut, MALFORMED when it is longer than five bytes. */
  readVarint(): number {
    const p = this.position
    if (p < this.end) {
      const byte = this.bytes[p]!
      if (byte < 0x80) {
        this.position = p + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    return this.#readLongVarint()
  }

  #readLongVarint(): number {
    const bytes = this.bytes
    const p = this.position
    // Where five bytes are left the ends need no checks in between.
    if (p + 5 <= this.end) {
      let zigzag = bytes[p]! & 0x7f
      let byte = bytes[p + 1]!
      zigzag |= (byte & 0x7f) << 7
      if (byte < 0x80) {
        this.position = p + 2
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      byte = bytes[p + 2]!
      zigzag |= (byte & 0x7f) << 14
      if (byte < 0x80) {
        this.position = p + 3
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      byte = bytes[p + 3]!
      zigzag |= (byte & 0x7f) << 21
      if (byte < 0x80) {
        this.position = p + 4
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      byte = bytes[p + 4]!
      zigzag |= (byte & 0x7f) << 28
      if (byte < 0x80) {
        this.position = p + 5
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
    }
    let zigzag = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#readByte()
      zigzag |= (byte & 0x7f) << shift
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1)
    }
    throw new ProtocolError('MALFORMED', 'a varint longer than 5 bytes', this.position)
  }

  /**
   * An int64 as a number: exact when it is a safe integer, else the nearest number; {@link readVarlong} is exact for
   * all. Throws ProtocolError: TRUNCATED when it is cut, MALFORMED when it is longer than ten bytes.
   */
  readVarlongAsNumber(): number {
    const bytes = this.bytes
    const p = this.position
    // Most timestamp deltas take one to three bytes.
    if (p + 3 <= this.end) {
      const first = bytes[p]!
      if (first < 0x80) {
        this.position = p + 1
        return (first >>> 1) ^ -(first & 1)
      }
      const second = bytes[p + 1]!
      if (second < 0x80) {
        this.position = p + 2
        const zigzag = (first & 0x7f) | (second << 7)
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      const third = bytes[p + 2]!
      if (third < 0x80) {
        this.position = p + 3
        const zigzag = (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14)
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
    }
    return this.#readLongVarlongAsNumber()
  }

  #readLongVarlongAsNumber(): number {
    const start = this.position
    let zigzag = 0
    // Seven bytes hold 49 bits: so far doubles are exact, and much faster than bigint.
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#readByte()
      zigzag += (byte & 0x7f) * scale
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
    this.position = start
    return Number(this.readVarlong())
  }

  /** An int64. Throws ProtocolError: TRUNCATED when it is cut, MALFORMED when it is longer than ten bytes. */
  readVarlong(): bigint {
    let zigzag = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#readByte()
      zigzag |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        zigzag = BigInt.asUintN(64, zigzag)
        return (zigzag >> 1n) ^ -(zigzag & 1n)
      }
    }
    throw new ProtocolError('MALFORMED', 'a varlong longer than 10 bytes', this.position)
  }

  #readByte(): number {
    if (this.position >= this.end)
      throw new ProtocolError('TRUNCATED', 'the bytes end within a varint', this.position)
    return this.bytes[this.position++]!
  }
}

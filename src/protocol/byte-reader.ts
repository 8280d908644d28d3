import { ProtocolError } from './errors.ts'
import { uuidToString } from './uuid.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads Kafka's primitive types from one message. The peer is not trusted: each read is checked against what is
 * left, and no length is used before it is.
 */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  /** Where the next read starts. */
  offset: number
  /** First byte that may not be read. Narrowed while a tagged field is read. */
  end: number

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = offset
    this.end = bytes.byteLength
  }

  get remaining(): number {
    return this.end - this.offset
  }

  bool(): boolean {
    // Any other byte than 0 is true, as in Java's BoolAccessor: older brokers are known to send more than 1.
    return this.int8() !== 0
  }

  int8(): number {
    const at = this.#take(1)
    return (this.bytes[at]! << 24) >> 24
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  /** `count` int32s in a row; all are checked for before any is read. */
  int32s(count: number): number[] {
    if (count * 4 > this.remaining) {
      throw new ProtocolError('TRUNCATED', `${count} elements in ${this.remaining} bytes`, this.offset)
    }
    // By its length at once: pushing onto an empty array reserves 17 elements, and lists of replicas have three.
    const values = new Array<number>(count)
    const view = this.#view
    let at = this.offset
    for (let i = 0; i < count; i++, at += 4) values[i] = view.getInt32(at)
    this.offset = at
    return values
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  uuid(): string {
    return uuidToString(this.bytes, this.#take(16))
  }

  /** Unsigned varint of at most 32 bits, five bytes. */
  uvarint(): number {
    // Nearly all are of one byte: counts, lengths of names, and the empty tagged fields after each structure.
    if (this.offset < this.end) {
      const byte = this.bytes[this.offset]!
      if (byte < 0x80) {
        this.offset++
        return byte
      }
    }
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#take(1)]!
      if (shift === 28 && byte > 15) this.malformed('unsigned varint of more than 32 bits', this.offset - 5)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return this.malformed('unsigned varint of more than five bytes', this.offset - 5)
  }

  /** `length` bytes as a view, not a copy. */
  take(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  utf8(length: number): string {
    const at = this.#take(length)
    const end = at + length
    if (length > 32) return decoder.decode(this.bytes.subarray(at, end))
    // Short ASCII, which is nearly every string of the protocol, costs less here than a call of the decoder.
    let text = ''
    for (let i = at; i < end; i++) {
      const byte = this.bytes[i]!
      if (byte > 0x7f) return decoder.decode(this.bytes.subarray(at, end))
      text += String.fromCharCode(byte)
    }
    return text
  }

  malformed(reason: string, at = this.offset): never {
    throw new ProtocolError('MALFORMED', reason, at)
  }

  #take(length: number): number {
    const at = this.offset
    if (length > this.end - at) {
      throw new ProtocolError('TRUNCATED', `${length} bytes needed, ${this.end - at} left`, at)
    }
    this.offset = at + length
    return at
  }
}

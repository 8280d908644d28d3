import { ProtocolError } from './errors.ts'
import { uuidFromString } from './uuid.ts'

const encoder = new TextEncoder()

/** From this size on a byte field is handed to the socket as it is, not copied into the message. */
const referencedFrom = 4096

/**
 * Writes Kafka's primitive types into one growing buffer. Values out of a type's range are errors, never wrapped.
 *
 * Large byte fields (record batches) are kept by reference between pieces of the buffer, see `chunks`: the caller
 * must leave them as they are until the chunks are on the wire.
 */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #at = 0
  /** Start of the piece of `#bytes` that is not yet in `#chunks`. */
  #pieceStart = 0
  #chunks: Uint8Array[] = []
  #referenced = 0

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes written so far, referenced ones included. */
  get length(): number {
    return this.#at + this.#referenced
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') outOfRange('bool', value)
    const at = this.#reserve(1)
    this.#bytes[at] = value ? 1 : 0
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) outOfRange('int8', value)
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) outOfRange('int16', value)
    const at = this.#reserve(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) outOfRange('uint16', value)
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) outOfRange('int32', value)
    const at = this.#reserve(4)
    this.#view.setInt32(at, value)
  }

  /** All of `values` in a row, without their count. */
  int32s(values: readonly number[]): void {
    let at = this.#reserve(values.length * 4)
    const view = this.#view
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if ((value | 0) !== value) outOfRange('int32', value, `[${i}]`)
      view.setInt32(at, value)
      at += 4
    }
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) outOfRange('uint32', value)
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
  }

  int64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) outOfRange('int64 (a bigint)', value)
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, value)
  }

  float64(value: number): void {
    if (typeof value !== 'number') outOfRange('float64', value)
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value)
  }

  uuid(value: string): void {
    const at = this.#reserve(16)
    if (typeof value !== 'string' || !uuidFromString(value, this.#bytes, at)) {
      outOfRange('uuid (22 characters of URL-safe base64)', value)
    }
  }

  /** Unsigned varint of at most 32 bits, five bytes. */
  uvarint(value: number): void {
    let rest = value >>> 0
    if (rest !== value) outOfRange('uint32 (a varint)', value)
    let at = this.#reserve(5)
    while (rest > 0x7f) {
      this.#bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[at++] = rest
    this.#at = at
  }

  /** The bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    if (bytes.length >= referencedFrom) {
      this.#closePiece()
      this.#chunks.push(bytes)
      this.#referenced += bytes.length
      return
    }
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Length of `text` in UTF-8 bytes comes first, by `writeLength`, then the text. */
  utf8(text: string, writeLength: (length: number) => void): void {
    if (typeof text !== 'string') outOfRange('string', text)
    // ASCII is tried in place: one pass, no intermediate array.
    const length = text.length
    if (length < 64) {
      const start = this.#at
      writeLength(length)
      let at = this.#reserve(length)
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        this.#bytes[at++] = code
      }
      if (i === length) return
      this.#at = start
    }
    const bytes = encoder.encode(text)
    writeLength(bytes.length)
    this.raw(bytes)
  }

  /** What was written, in order. The buffer's own pieces are views: the writer is done with. */
  chunks(): Uint8Array[] {
    this.#closePiece()
    return this.#chunks
  }

  /** What was written, as one array. Copies only when a field was kept by reference. */
  toBytes(): Uint8Array {
    const chunks = this.chunks()
    if (chunks.length === 1) return chunks[0]!
    const whole = new Uint8Array(this.length)
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  #closePiece(): void {
    if (this.#at > this.#pieceStart) this.#chunks.push(this.#bytes.subarray(this.#pieceStart, this.#at))
    this.#pieceStart = this.#at
  }

  /** Room for `size` more bytes. `#bytes` and `#view` may be other ones afterwards: read them after this call. */
  #reserve(size: number): number {
    const at = this.#at
    const needed = at + size
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#at = needed
    return at
  }
}

function outOfRange(type: string, value: unknown, path = ''): never {
  const shown =
    typeof value === 'bigint'
      ? `${value}n`
      : typeof value === 'string'
        ? JSON.stringify(value)
        : String(value)
  const error = new ProtocolError('UNENCODABLE', `${type} expected, got ${shown}`)
  throw path === '' ? error : error.within(path)
}

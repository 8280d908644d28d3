import { ProtocolError } from '../errors.ts'
import { VarintReader } from '../varint.ts'
import { badLength } from './record-header.ts'

/**
 * Walks the records of one batch without making an object for any of them: after each `next()` that was true the fields
 * describe that record, as places in `bytes` (the fetched bytes, or what they were decompressed to).
 */
export interface RecordCursor {
  readonly bytes: Uint8Array
  /** To be added to the batch's base offset. */
  readonly offsetDelta: number
  /**
   * Milliseconds to be added to the batch's base timestamp; the nearest number where it is no safe integer
   * (then {@link exactTimestampDelta} tells it).
   */
  readonly timestampDelta: number
  readonly keyStart: number
  /** -1 for a null key. */
  readonly keyLength: number
  readonly valueStart: number
  /** -1 for a null value, a tombstone. */
  readonly valueLength: number
  /** 0 before magic 2, which has no headers. */
  readonly headerCount: number
  /** Where `readHeaders(bytes, headersStart, headerCount, headersEnd)` finds them. They are not checked before that. */
  readonly headersStart: number
  /** End of the headers, which is the end of the record. */
  readonly headersEnd: number
  /**
   * Moves to the next record; false after the last. Throws ProtocolError when a record is malformed, or when the bytes
   * hold fewer or more records than the header said; its offset is a place in `bytes`.
   */
  next(): boolean
  /** The timestamp delta of the current record, exact for any int64. */
  exactTimestampDelta(): bigint
  /** A view of the current key; null where there is none. */
  key(): Uint8Array | null
  /** A view of the current value; null for a tombstone. */
  value(): Uint8Array | null
}

/** Over the records of a batch of magic 2. */
export class DefaultRecordCursor implements RecordCursor {
  readonly bytes: Uint8Array
  offsetDelta = 0
  timestampDelta = 0
  keyStart = 0
  keyLength = -1
  valueStart = 0
  valueLength = -1
  headerCount = 0
  headersStart = 0
  headersEnd = 0

  readonly #reader: VarintReader
  readonly #end: number
  readonly #count: number
  #index = 0
  #timestampDeltaStart = 0

  /** Over `count` records that fill `bytes` from `start` to `end`. */
  constructor(bytes: Uint8Array, start: number, end: number, count: number) {
    this.bytes = bytes
    this.#reader = new VarintReader(bytes, start, end)
    this.#end = end
    this.#count = count
  }

  next(): boolean {
    const reader = this.#reader
    const batchEnd = this.#end
    if (this.#index === this.#count) {
      if (reader.position !== batchEnd) {
        throw new ProtocolError(
          'MALFORMED',
          `${batchEnd - reader.position} bytes are left after the ${this.#count} records of the batch`,
          reader.position,
        )
      }
      return false
    }
    reader.end = batchEnd
    const length = reader.readVarint()
    const start = reader.position
    if (length < 0 || length > batchEnd - start) throw badLength('a record', length, start, batchEnd)
    const end = start + length
    reader.end = end

    // One byte of attributes, which no version has used. A record without it has no timestamp delta to read either.
    reader.position = this.#timestampDeltaStart = start + 1
    this.timestampDelta = reader.readVarlongAsNumber()
    this.offsetDelta = reader.readVarint()

    const keyLength = reader.readVarint()
    const keyStart = reader.position
    if (keyLength < -1 || keyLength > end - keyStart) throw badLength('the key', keyLength, keyStart, end)
    this.keyStart = keyStart
    this.keyLength = keyLength
    if (keyLength > 0) reader.position = keyStart + keyLength

    const valueLength = reader.readVarint()
    const valueStart = reader.position
    if (valueLength < -1 || valueLength > end - valueStart)
      throw badLength('the value', valueLength, valueStart, end)
    this.valueStart = valueStart
    this.valueLength = valueLength
    if (valueLength > 0) reader.position = valueStart + valueLength

    const headerCount = reader.readVarint()
    const headersStart = reader.position
    // A header takes two bytes at least. This bounds what `readHeaders` makes; and without headers nothing may be left.
    if (
      headerCount < 0 ||
      headerCount * 2 > end - headersStart ||
      (headerCount === 0 && headersStart !== end)
    ) {
      throw new ProtocolError(
        'MALFORMED',
        `a record has ${headerCount} headers with ${end - headersStart} bytes left for them`,
        headersStart,
      )
    }
    this.headerCount = headerCount
    this.headersStart = headersStart
    this.headersEnd = end
    reader.position = end
    this.#index++
    return true
  }

  exactTimestampDelta(): bigint {
    if (Number.isSafeInteger(this.timestampDelta)) return BigInt(this.timestampDelta)
    return new VarintReader(this.bytes, this.#timestampDeltaStart, this.headersEnd).readVarlong()
  }

  key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength)
  }

  value(): Uint8Array | null {
    return this.valueLength < 0
      ? null
      : this.bytes.subarray(this.valueStart, this.valueStart + this.valueLength)
  }
}

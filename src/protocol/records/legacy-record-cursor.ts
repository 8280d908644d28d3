import { ProtocolError } from '../errors.ts'
import { attributeBit } from './batch-header.ts'
import {
  checkMessageCrc,
  endOfMessage,
  type MessagePlaces,
  messageField,
  readPlaces,
} from './legacy-message.ts'
import type { RecordCursor } from './record-cursor.ts'

/**
 * Over messages of magic 0 and 1, one behind the other: a single one, or what a compressed one holds. Timestamp deltas
 * are to -1 for magic 0 and to 0 for magic 1, which has whole timestamps.
 */
export class LegacyRecordCursor implements RecordCursor, MessagePlaces {
  readonly bytes: Uint8Array
  offsetDelta = 0
  timestampDelta = 0
  keyStart = 0
  keyLength = -1
  valueStart = 0
  valueLength = -1
  readonly headerCount = 0
  headersStart = 0
  headersEnd = 0
  readonly #view: DataView
  readonly #end: number
  readonly #magic: number
  readonly #firstOffset: bigint
  readonly #checkCrcs: boolean
  #position: number
  #timestampAt = -1

  /**
   * @param firstOffset offset field of the first message.
   * @param magic of the batch; messages inside of one of magic 1 may be of magic 0.
   * @param checkCrcs whether the checksum of each message is compared when it is reached.
   */
  constructor(
    bytes: Uint8Array,
    start: number,
    end: number,
    firstOffset: bigint,
    magic: number,
    checkCrcs: boolean,
  ) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#position = start
    this.#end = end
    this.#magic = magic
    this.#firstOffset = firstOffset
    this.#checkCrcs = checkCrcs
  }

  next(): boolean {
    const start = this.#position
    if (start === this.#end) return false
    const view = this.#view
    const end = endOfMessage(view, start, this.#end)
    if (this.#checkCrcs) checkMessageCrc(this.bytes, view, start, end)
    const magic = view.getInt8(start + messageField.magic)
    if (view.getInt8(start + messageField.attributes) & attributeBit.compressionMask) {
      throw new ProtocolError('MALFORMED', 'a message inside of a compressed one is compressed too', start)
    }
    this.offsetDelta = Number(view.getBigInt64(start + messageField.offset) - this.#firstOffset)
    this.#timestampAt = magic === 0 ? -1 : start + messageField.timestamp
    this.timestampDelta = Number(this.exactTimestampDelta())
    readPlaces(view, start, end, magic, this)
    this.headersStart = this.headersEnd = end
    this.#position = end
    return true
  }

  exactTimestampDelta(): bigint {
    if (this.#timestampAt >= 0) return this.#view.getBigInt64(this.#timestampAt)
    // No timestamp is -1; the base of magic 0 is just that.
    return this.#magic === 0 ? 0n : -1n
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

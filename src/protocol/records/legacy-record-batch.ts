import { type CompressionType, compressionTypeOf, decompressPart } from '../compression/codec.ts'
import { decompressor } from '../compression/decompressors.ts'
import { lz4DecompressLegacy } from '../compression/lz4-decompress.ts'
import { ProtocolError } from '../errors.ts'
import { attributeBit } from './batch-header.ts'
import {
  type DecodedRecord,
  inBatch,
  notSafe,
  type RecordBatch,
  safeInt64,
  type TimestampType,
} from './decoded-batch.ts'
import {
  checkMessageCrc,
  endOfMessage,
  messageField,
  messageOverheadBytes,
  readPlaces,
} from './legacy-message.ts'
import { LegacyRecordCursor } from './legacy-record-cursor.ts'
import type { RecordCursor } from './record-cursor.ts'

const noTimestamp = -1n

/** One message of magic 0 or 1, with what it holds if it is compressed (Java's `AbstractLegacyRecordBatch`). */
export class LegacyRecordBatch implements RecordBatch {
  readonly magic: number
  readonly sizeInBytes: number
  readonly crc: number
  readonly attributes: number
  readonly partitionLeaderEpoch = -1
  readonly producerId = -1n
  readonly producerEpoch = -1
  readonly baseSequence = -1
  readonly lastSequence = -1
  readonly isTransactional = false
  readonly isControl = false
  readonly deleteHorizonMs = null
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #start: number
  readonly #end: number
  readonly #maxDecompressedBytes: number
  readonly #index: number
  /** Whether the checksums of what a compressed message holds are compared. */
  #checksInner = false
  /** Found when the content is first looked at: what it expands to is not kept, and this is small. */
  #baseOffset: bigint | null = null

  /** Over a message that stands at `start`; `decodeRecords` has checked that it is all there. `index`: for the path of errors. */
  constructor(bytes: Uint8Array, view: DataView, start: number, maxDecompressedBytes: number, index: number) {
    this.#bytes = bytes
    this.#view = view
    this.#start = start
    this.#maxDecompressedBytes = maxDecompressedBytes
    this.#index = index
    this.magic = view.getInt8(start + messageField.magic)
    this.sizeInBytes = messageOverheadBytes + view.getInt32(start + messageField.size)
    this.#end = start + this.sizeInBytes
    this.crc = view.getUint32(start + messageField.crc)
    this.attributes = view.getInt8(start + messageField.attributes)
  }

  get compression(): CompressionType {
    const at = this.#start + messageField.attributes
    try {
      return compressionTypeOf(this.attributes & attributeBit.compressionMask, at)
    } catch (error) {
      throw inBatch(error, this.#index)
    }
  }

  get count(): number {
    return this.attributes & attributeBit.compressionMask ? -1 : 1
  }

  get timestampType(): TimestampType {
    if (this.magic === 0) return 'NoTimestampType'
    return this.attributes & attributeBit.logAppendTime ? 'LogAppendTime' : 'CreateTime'
  }

  get baseOffset(): bigint {
    if (this.count === 1) return this.lastOffset
    if (this.#baseOffset === null) this.cursor()
    return this.#baseOffset!
  }

  get baseOffsetNumber(): number {
    const { baseOffset } = this
    if (!Number.isSafeInteger(Number(baseOffset))) throw notSafe('baseOffset', baseOffset)
    return Number(baseOffset)
  }

  get lastOffset(): bigint {
    return this.#view.getBigInt64(this.#start + messageField.offset)
  }

  get lastOffsetNumber(): number {
    return safeInt64('lastOffset', this.#view, this.#start + messageField.offset)
  }

  get lastOffsetDelta(): number {
    return Number(this.lastOffset - this.baseOffset)
  }

  /** There is no such field: timestamps are whole, or there are none. */
  get baseTimestamp(): bigint {
    return this.magic === 0 ? noTimestamp : 0n
  }

  get baseTimestampNumber(): number {
    return Number(this.baseTimestamp)
  }

  get maxTimestamp(): bigint {
    return this.magic === 0 ? noTimestamp : this.#view.getBigInt64(this.#start + messageField.timestamp)
  }

  get maxTimestampNumber(): number {
    return this.magic === 0 ? -1 : safeInt64('maxTimestamp', this.#view, this.#start + messageField.timestamp)
  }

  checkCrc(): void {
    try {
      checkMessageCrc(this.#bytes, this.#view, this.#start, this.#end)
    } catch (error) {
      throw inBatch(error, this.#index)
    }
    this.#checksInner = true
  }

  cursor(): RecordCursor {
    try {
      return this.#cursor()
    } catch (error) {
      throw inBatch(error, this.#index)
    }
  }

  #cursor(): RecordCursor {
    const { compression, magic } = this
    if (compression === 'none') {
      return new LegacyRecordCursor(this.#bytes, this.#start, this.#end, this.lastOffset, magic, false)
    }
    const messages = this.#decompress(compression)
    const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength)
    let lastStart = 0
    for (let p = 0; p < messages.length; ) {
      lastStart = p
      p = endOfMessage(view, p, messages.length)
    }
    if (messages.length === 0) throw this.#malformed('a compressed message holds no messages')
    const firstInner = view.getBigInt64(messageField.offset)
    const lastInner = view.getBigInt64(lastStart + messageField.offset)
    this.#baseOffset = firstInner + this.#offsetOfInner(lastInner)
    return new LegacyRecordCursor(messages, 0, messages.length, firstInner, magic, this.#checksInner)
  }

  *[Symbol.iterator](): Generator<DecodedRecord, void, undefined> {
    let index = -1
    try {
      const cursor = this.cursor()
      const { baseOffset, baseTimestamp } = this
      const logAppendTime = this.timestampType === 'LogAppendTime' ? this.maxTimestamp : null
      for (index = 0; cursor.next(); index++) {
        yield {
          offset: baseOffset + BigInt(cursor.offsetDelta),
          timestamp: logAppendTime ?? baseTimestamp + cursor.exactTimestampDelta(),
          key: cursor.key(),
          value: cursor.value(),
          headers: [],
          sequence: -1,
        }
      }
    } catch (error) {
      throw inBatch(error, this.#index, index)
    }
  }

  /** What is to be added to the offsets inside: those of magic 1 are relative, and the last is the one outside. */
  #offsetOfInner(lastInner: bigint): bigint {
    const { lastOffset } = this
    // An offset of 0 comes from librdkafka, which does not set it when it produces.
    if (this.magic === 0 || lastOffset === 0n) return 0n
    if (lastOffset < lastInner) {
      throw this.#malformed(
        `a compressed message has offset ${lastOffset}, the last that it holds has ${lastInner}`,
      )
    }
    return lastOffset - lastInner
  }

  #decompress(compression: Exclude<CompressionType, 'none'>): Uint8Array {
    if (compression === 'zstd')
      throw this.#malformed(`zstd came with magic 2, and a message of magic ${this.magic} has it`)
    const places = { keyStart: 0, keyLength: -1, valueStart: 0, valueLength: -1 }
    readPlaces(this.#view, this.#start, this.#end, this.magic, places)
    const { valueStart, valueLength } = places
    if (valueLength < 0) throw this.#malformed('a compressed message has no value')
    const decompress =
      compression === 'lz4' && this.magic === 0 ? lz4DecompressLegacy : decompressor(compression)
    const valueEnd = valueStart + valueLength
    return decompressPart(decompress, this.#bytes, valueStart, valueEnd, this.#maxDecompressedBytes)
  }

  #malformed(reason: string): ProtocolError {
    return new ProtocolError('MALFORMED', reason, this.#start)
  }
}

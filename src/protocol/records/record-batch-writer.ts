import type { Compressor } from '../compression/codec.ts'
import { ProtocolError } from '../errors.ts'
import { int32VarintSize, varintSize, writeInt32Varint, writeVarint } from '../varint.ts'
import { attributeBit, type BatchHeader, batchHeaderBytes, writeBatchHeader } from './batch-header.ts'
import { DefaultRecordCursor, type RecordCursor } from './record-cursor.ts'
import {
  type HeadersInput,
  headerList,
  headersSize,
  payloadLength,
  writeHeaders,
  writePayload,
} from './record-header.ts'

/** Header fields of a batch that the records do not tell. */
export interface BatchOptions {
  /** Default -1n: not idempotent. */
  producerId?: bigint
  /** Default -1. */
  producerEpoch?: number
  /** Sequence of the first record; default -1. */
  baseSequence?: number
  /** Default false. */
  isTransactional?: boolean
  /** Default 0n; the broker assigns the real one. */
  baseOffset?: bigint
  /** Default -1; the broker assigns the real one. */
  partitionLeaderEpoch?: number
}

type Payload = string | Uint8Array | null

const int32Max = 0x7fffffff

const noHeaders: ReturnType<typeof headerList> = []

function bodySize(
  timestampDeltaSize: number,
  index: number,
  keyLength: number,
  valueLength: number,
  headers: ReturnType<typeof headerList>,
): number {
  return (
    1 +
    timestampDeltaSize +
    int32VarintSize(index) +
    int32VarintSize(keyLength) +
    Math.max(keyLength, 0) +
    int32VarintSize(valueLength) +
    Math.max(valueLength, 0) +
    (headers.length === 0 ? 1 : int32VarintSize(headers.length) + headersSize(headers))
  )
}

function withHeader(header: BatchHeader, records: Uint8Array): Uint8Array {
  const batch = Buffer.allocUnsafeSlow(batchHeaderBytes + records.length)
  batch.set(records, batchHeaderBytes)
  writeBatchHeader(batch, header)
  return batch
}

/**
 * Builds one batch of magic 2 in a growing buffer: each record is written where it will be sent from, and no object is
 * kept for it. The offset deltas are the indices, the timestamps are CreateTime.
 */
export class RecordBatchWriter {
  #bytes: Buffer
  #size = batchHeaderBytes
  #count = 0
  #baseTimestamp = -1
  #maxTimestamp = -1
  #compressing = 0

  // What `sizeOf` measured last, for the `append` that follows. Equal text has equal length, so these never go stale.
  #sizedKey = ''
  #sizedKeyLength = 0
  #sizedValue = ''
  #sizedValueLength = 0

  /** `capacity`: first size of the buffer, bytes. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(capacity, batchHeaderBytes))
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of its buffer. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Bytes so far, those of the header included; before compression. */
  get size(): number {
    return this.#size
  }

  /** Of the first record, milliseconds; -1 without records. */
  get baseTimestamp(): number {
    return this.#baseTimestamp
  }

  /** Milliseconds; -1 without records. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Bytes that `append` of the same would add now. Throws what `append` would. */
  sizeOf(timestamp: number, key: Payload, value: Payload, headers?: HeadersInput): number {
    const delta = this.#count === 0 ? 0 : timestamp - this.#baseTimestamp
    const smallDelta = delta | 0
    if (this.#count === 0 || delta !== smallDelta) this.#checkTimestamp(timestamp, delta)
    const keyLength = payloadLength(key)
    const valueLength = payloadLength(value)
    if (typeof key === 'string') {
      this.#sizedKey = key
      this.#sizedKeyLength = keyLength
    }
    if (typeof value === 'string') {
      this.#sizedValue = value
      this.#sizedValueLength = valueLength
    }
    const list = headers === undefined ? noHeaders : headerList(headers)
    const deltaSize = delta === smallDelta ? int32VarintSize(smallDelta) : varintSize(delta)
    const body = bodySize(deltaSize, this.#count, keyLength, valueLength, list)
    return int32VarintSize(body) + body
  }

  /**
   * Adds a record and returns its index. `timestamp`: milliseconds, a safe integer. A null value is a tombstone.
   * Throws ProtocolError UNENCODABLE for what is no such value; the batch is then as before.
   */
  append(timestamp: number, key: Payload, value: Payload, headers?: HeadersInput): number {
    const index = this.#count
    const start = this.#size
    const delta = index === 0 ? 0 : timestamp - this.#baseTimestamp
    // What is an int32 away from the first is an integer too. Anything else, NaN included, is looked at in full.
    const smallDelta = delta | 0
    if (index === 0 || delta !== smallDelta) this.#checkTimestamp(timestamp, delta)
    const keyLength = key === null ? -1 : key === this.#sizedKey ? this.#sizedKeyLength : payloadLength(key)
    const valueLength = value === this.#sizedValue ? this.#sizedValueLength : payloadLength(value)
    const list = headers === undefined ? noHeaders : headerList(headers)
    // Small ones go their own way, here and below, so that they need not become objects in order to be passed.
    const deltaSize = delta === smallDelta ? int32VarintSize(smallDelta) : varintSize(delta)
    const body = bodySize(deltaSize, index, keyLength, valueLength, list)

    // 5: the longest length prefix.
    const room = start + body + 5
    if (room > this.#bytes.length) this.#grow(room)
    const bytes = this.#bytes
    let p = writeInt32Varint(bytes, start, body)
    bytes[p++] = 0
    p = delta === smallDelta ? writeInt32Varint(bytes, p, smallDelta) : writeVarint(bytes, p, delta)
    p = writeInt32Varint(bytes, p, index)
    if (key === null) bytes[p++] = 1
    else p = writePayload(bytes, p, key, keyLength)
    p = writePayload(bytes, p, value, valueLength)
    if (list.length === 0) bytes[p++] = 0
    else p = writeHeaders(bytes, writeInt32Varint(bytes, p, list.length), list)

    if (index === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
    }
    this.#size = p
    this.#count = index + 1
    // The writer outlives the record by far, and would keep its text.
    if (this.#sizedKey !== '' || this.#sizedValue !== '') this.#forgetSized()
    return index
  }

  /**
   * The batch, not compressed: a view into the writer's buffer, good until something is appended after `reset`.
   * May be called again with other options, which rewrites the same bytes.
   */
  finish(options: BatchOptions = {}): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#size)
    writeBatchHeader(batch, this.#header(options, 0))
    return batch
  }

  /**
   * The batch, compressed, in memory of its own. The writer may be reset and used again before this has settled.
   * To change the producer's fields afterwards use `restampBatch`: it keeps what was compressed.
   */
  async finishCompressed(options: BatchOptions, codec: Compressor): Promise<Uint8Array> {
    // Made before the wait: a `reset` meanwhile would take the count and the timestamps away.
    const header = this.#header(options, codec.id)
    const bytes = this.#bytes
    this.#compressing++
    try {
      return withHeader(header, await codec.compress(bytes.subarray(batchHeaderBytes, this.#size)))
    } finally {
      if (bytes === this.#bytes) this.#compressing--
    }
  }

  /** The same at once, on this thread: for so little that handing it over would cost more. */
  finishCompressedSync(options: BatchOptions, codec: Compressor): Uint8Array {
    const records = this.#bytes.subarray(batchHeaderBytes, this.#size)
    return withHeader(this.#header(options, codec.id), codec.compressSync(records))
  }

  /** The records so far, where they stand: good until the next `append`. */
  cursor(): RecordCursor {
    return new DefaultRecordCursor(this.#bytes, batchHeaderBytes, this.#size, this.#count)
  }

  /** Empties the writer for another batch. The buffer stays, unless a compression still reads it. */
  reset(): void {
    if (this.#compressing > 0) {
      this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length)
      this.#compressing = 0
    }
    this.#size = batchHeaderBytes
    this.#count = 0
    this.#baseTimestamp = -1
    this.#maxTimestamp = -1
    this.#forgetSized()
  }

  #forgetSized(): void {
    this.#sizedKey = ''
    this.#sizedKeyLength = 0
    this.#sizedValue = ''
    this.#sizedValueLength = 0
  }

  #checkTimestamp(timestamp: number, delta: number): void {
    if (!Number.isSafeInteger(timestamp)) {
      throw new ProtocolError(
        'UNENCODABLE',
        `a timestamp must be an integer of milliseconds, not ${timestamp}`,
      )
    }
    if (!Number.isSafeInteger(delta)) {
      throw new ProtocolError(
        'UNENCODABLE',
        `timestamp ${timestamp} is too far from the first of the batch, ${this.#baseTimestamp}`,
      )
    }
  }

  #grow(needed: number): void {
    if (needed > int32Max) {
      throw new ProtocolError(
        'UNENCODABLE',
        `a batch of ${needed} bytes is more than its length field can tell`,
      )
    }
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#bytes.length * 2, int32Max)))
    bytes.set(this.#bytes.subarray(batchHeaderBytes, this.#size), batchHeaderBytes)
    this.#bytes = bytes
    this.#compressing = 0
  }

  #header(options: BatchOptions, compressionId: number): BatchHeader {
    return {
      baseOffset: options.baseOffset ?? 0n,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
      attributes: compressionId | (options.isTransactional ? attributeBit.transactional : 0),
      lastOffsetDelta: Math.max(this.#count - 1, 0),
      baseTimestamp: BigInt(this.#baseTimestamp),
      maxTimestamp: BigInt(this.#maxTimestamp),
      producerId: options.producerId ?? -1n,
      producerEpoch: options.producerEpoch ?? -1,
      baseSequence: options.baseSequence ?? -1,
      count: this.#count,
    }
  }
}

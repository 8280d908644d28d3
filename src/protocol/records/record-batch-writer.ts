import type { CompressionCodec } from '../compression/codec.ts'
import { ProtocolError } from '../errors.ts'
import { varintSize, writeVarint } from '../varint.ts'
import { attributeBit, batchHeaderBytes, writeBatchHeader } from './batch-header.ts'
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

  // Sizes of the record that `sizeOf` or `append` looked at last. `#measuredAt` is the index that they hold for.
  #measuredAt = -1
  #timestamp = 0
  #key: Payload = null
  #value: Payload = null
  #keyLength = 0
  #valueLength = 0
  #bodySize = 0

  /** `capacity`: first size of the buffer, bytes. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(capacity, batchHeaderBytes))
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes so far, those of the header included; before compression. */
  get size(): number {
    return this.#size
  }

  /** Milliseconds; -1 without records. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Bytes that `append` of the same would add now. Throws what `append` would. */
  sizeOf(timestamp: number, key: Payload, value: Payload, headers?: HeadersInput): number {
    const list = headers === undefined ? undefined : headerList(headers)
    this.#measure(timestamp, key, value, list)
    // Headers may change until they are appended; they are measured again.
    if (list === undefined) {
      this.#measuredAt = this.#count
      this.#timestamp = timestamp
      this.#key = key
      this.#value = value
    }
    return varintSize(this.#bodySize) + this.#bodySize
  }

  /**
   * Adds a record and returns its index. `timestamp`: milliseconds, a safe integer. A null value is a tombstone.
   * Throws ProtocolError UNENCODABLE for what is no such value; the batch is then as before.
   */
  append(timestamp: number, key: Payload, value: Payload, headers?: HeadersInput): number {
    const index = this.#count
    const list = headers === undefined ? undefined : headerList(headers)
    if (
      this.#measuredAt !== index ||
      list !== undefined ||
      this.#value !== value ||
      this.#key !== key ||
      this.#timestamp !== timestamp
    ) {
      this.#measure(timestamp, key, value, list)
    }
    const start = this.#size
    const bodySize = this.#bodySize
    // 5: the longest length prefix.
    if (start + bodySize + 5 > this.#bytes.length) this.#grow(start + bodySize + 5)
    const bytes = this.#bytes

    let p = writeVarint(bytes, start, bodySize)
    bytes[p++] = 0
    p = writeVarint(bytes, p, index === 0 ? 0 : timestamp - this.#baseTimestamp)
    p = writeVarint(bytes, p, index)
    p = writePayload(bytes, p, key, this.#keyLength)
    p = writePayload(bytes, p, value, this.#valueLength)
    if (list === undefined) bytes[p++] = 0
    else p = writeHeaders(bytes, writeVarint(bytes, p, list.length), list)

    if (index === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
    }
    if (this.#measuredAt !== -1) this.#forgetMeasured()
    this.#size = p
    this.#count = index + 1
    return index
  }

  /**
   * The batch, not compressed: a view into the writer's buffer, good until something is appended after `reset`.
   * May be called again with other options, which rewrites the same bytes.
   */
  finish(options: BatchOptions = {}): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#size)
    this.#writeHeader(batch, options, 0)
    return batch
  }

  /**
   * The batch, compressed, in memory of its own. The writer may be reset and used again before this has settled.
   * To change the producer's fields afterwards use `restampBatch`: it keeps what was compressed.
   */
  async finishCompressed(options: BatchOptions, codec: CompressionCodec): Promise<Uint8Array> {
    // The header is made before the wait: a `reset` meanwhile would take the count and timestamps away.
    const header = Buffer.allocUnsafe(batchHeaderBytes)
    this.#writeHeader(header, options, codec.id)
    this.#compressing++
    const records = this.#bytes.subarray(batchHeaderBytes, this.#size)
    const bytes = this.#bytes
    try {
      const compressed = await codec.compress(records)
      const batch = Buffer.allocUnsafeSlow(batchHeaderBytes + compressed.length)
      batch.set(header)
      batch.set(compressed, batchHeaderBytes)
      refreshLengthAndChecksum(batch)
      return batch
    } finally {
      if (bytes === this.#bytes) this.#compressing--
    }
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
    this.#forgetMeasured()
  }

  #measure(timestamp: number, key: Payload, value: Payload, headers: ReturnType<typeof headerList> | undefined): void {
    if (!Number.isSafeInteger(timestamp)) {
      throw new ProtocolError('UNENCODABLE', `a timestamp must be an integer of milliseconds, not ${timestamp}`)
    }
    const index = this.#count
    const delta = index === 0 ? 0 : timestamp - this.#baseTimestamp
    if (!Number.isSafeInteger(delta)) {
      throw new ProtocolError(
        'UNENCODABLE',
        `timestamp ${timestamp} is too far from the first of the batch, ${this.#baseTimestamp}`,
      )
    }
    const keyLength = payloadLength(key)
    const valueLength = payloadLength(value)
    this.#measuredAt = -1
    this.#keyLength = keyLength
    this.#valueLength = valueLength
    this.#bodySize =
      1 +
      varintSize(delta) +
      varintSize(index) +
      varintSize(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintSize(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      (headers === undefined ? 1 : varintSize(headers.length) + headersSize(headers))
  }

  #forgetMeasured(): void {
    this.#measuredAt = -1
    // The writer outlives the record by far.
    this.#key = null
    this.#value = null
  }

  #grow(needed: number): void {
    if (needed > int32Max) {
      throw new ProtocolError('UNENCODABLE', `a batch of ${needed} bytes is more than its length field can tell`)
    }
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#bytes.length * 2, int32Max)))
    bytes.set(this.#bytes.subarray(batchHeaderBytes, this.#size), batchHeaderBytes)
    this.#bytes = bytes
    this.#compressing = 0
  }

  #writeHeader(batch: Uint8Array, options: BatchOptions, compressionId: number): void {
    writeBatchHeader(batch, {
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
    })
  }
}

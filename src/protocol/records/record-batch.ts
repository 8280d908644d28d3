import { type CompressionType, compressionTypeOf } from '../compression/codec.ts'
import { codecFor } from '../compression/codecs.ts'
import { crc32c } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'
import {
  attributeBit,
  batchField,
  batchHeaderBytes,
  incrementSequence,
  logOverheadBytes,
} from './batch-header.ts'
import { type ControlType, controlTypeOf, coordinatorEpochOf } from './control-record.ts'
import { RecordCursor } from './record-cursor.ts'
import { type RecordHeader, readHeaders } from './record-header.ts'

export interface DecodeRecordsOptions {
  /** Whether checksums are compared when a batch is reached; default true. */
  checkCrcs?: boolean
  /** Bytes that one batch may expand to, at most; default 128 MiB. */
  maxDecompressedBytes?: number
}

/** `NoTimestampType`: magic 0, which has no timestamps. */
export type TimestampType = 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'

export interface DecodedRecord {
  offset: bigint
  /** Milliseconds; with LogAppendTime the batch's, for all records. */
  timestamp: bigint
  /** Only with LogAppendTime: what the record itself holds. */
  createTimestamp?: bigint
  /** A view into the batch. */
  key: Uint8Array | null
  /** A view into the batch; null for a tombstone. */
  value: Uint8Array | null
  headers: RecordHeader[]
  /** -1 where the producer was not idempotent. */
  sequence: number
  /** Only in control batches. */
  controlType?: ControlType
  /** Only for COMMIT and ABORT. */
  coordinatorEpoch?: number
}

/** Long enough to hold the place of the magic byte, in every version. */
const bytesUpToMagic = 17

/** Smallest length field of any version (Java's `LegacyRecord.RECORD_OVERHEAD_V0`). */
const minimumLength = 14

/**
 * Splits what stands in a `records` field into its batches. Headers are parsed and checksums compared when a batch is
 * reached, its records when it is iterated over. A last batch that is not all there, as brokers send it, is left out.
 * Iterating throws ProtocolError: MALFORMED, CORRUPT_CHECKSUM, or UNSUPPORTED for a magic or compression not spoken here.
 */
export function decodeRecords(bytes: Uint8Array, options: DecodeRecordsOptions = {}): RecordBatches {
  return new RecordBatches(bytes, options)
}

/** The batches of a `records` field; may be iterated over more than once. */
export class RecordBatches implements Iterable<RecordBatch> {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #checkCrcs: boolean
  readonly #maxDecompressedBytes: number

  constructor(
    bytes: Uint8Array,
    { checkCrcs = true, maxDecompressedBytes = 128 * 1024 * 1024 }: DecodeRecordsOptions,
  ) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#checkCrcs = checkCrcs
    this.#maxDecompressedBytes = maxDecompressedBytes
  }

  /** Bytes of a last batch that is not all there. Throws ProtocolError MALFORMED when the batches before are. */
  get trailingBytes(): number {
    let position = 0
    for (;;) {
      const size = this.#sizeOfBatchAt(position)
      if (size === 0) return this.#bytes.length - position
      position += size
    }
  }

  *[Symbol.iterator](): Generator<RecordBatch, void, undefined> {
    let start = 0
    for (;;) {
      const size = this.#sizeOfBatchAt(start)
      if (size === 0) return
      const magic = this.#view.getInt8(start + batchField.magic)
      if (magic < 2) {
        throw new ProtocolError(
          'UNSUPPORTED',
          `magic ${magic} is not supported, only 2 is`,
          start + batchField.magic,
        )
      }
      if (size < batchHeaderBytes) {
        throw new ProtocolError(
          'MALFORMED',
          `a batch of ${size} bytes is less than its header of ${batchHeaderBytes}`,
          start + batchField.length,
        )
      }
      const batch = new RecordBatch(this.#bytes, this.#view, start, this.#maxDecompressedBytes)
      if (this.#checkCrcs) batch.checkCrc()
      yield batch
      start += size
    }
  }

  /** 0 when it is not all there. The length is compared with what is left before anything relies on it. */
  #sizeOfBatchAt(start: number): number {
    const left = this.#bytes.length - start
    if (left < logOverheadBytes) return 0
    const length = this.#view.getInt32(start + batchField.length)
    if (length < minimumLength) {
      throw new ProtocolError(
        'MALFORMED',
        `the length of a batch is ${length}, at least ${minimumLength} is needed`,
        start + batchField.length,
      )
    }
    if (left < bytesUpToMagic) return 0
    const magic = this.#view.getInt8(start + batchField.magic)
    if (magic < 0 || magic > 2) {
      throw new ProtocolError(
        'MALFORMED',
        `magic ${magic} is unknown, known are 0 to 2`,
        start + batchField.magic,
      )
    }
    const size = logOverheadBytes + length
    return left < size ? 0 : size
  }
}

/**
 * One batch of magic 2. Iterating decodes its records one by one; `cursor()` does it without making objects.
 * int64 fields are bigint; the `...Number` forms are for code that counts in safe integers.
 */
export class RecordBatch implements Iterable<DecodedRecord> {
  readonly magic: number
  /** Bytes of the whole batch, those of offset and length included. */
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  /** CRC-32C of everything after it, as stored; unsigned. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Records, as the header tells. Not compared with the content before that is read. */
  readonly count: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #start: number
  readonly #maxDecompressedBytes: number

  /** Over a batch that stands at `start`; `decodeRecords` has checked that it is all there. */
  constructor(bytes: Uint8Array, view: DataView, start: number, maxDecompressedBytes: number) {
    this.#bytes = bytes
    this.#view = view
    this.#start = start
    this.#maxDecompressedBytes = maxDecompressedBytes
    this.magic = view.getInt8(start + batchField.magic)
    this.sizeInBytes = logOverheadBytes + view.getInt32(start + batchField.length)
    this.partitionLeaderEpoch = view.getInt32(start + batchField.partitionLeaderEpoch)
    this.crc = view.getUint32(start + batchField.crc)
    this.attributes = view.getInt16(start + batchField.attributes)
    this.lastOffsetDelta = view.getInt32(start + batchField.lastOffsetDelta)
    this.producerEpoch = view.getInt16(start + batchField.producerEpoch)
    this.baseSequence = view.getInt32(start + batchField.baseSequence)
    this.count = view.getInt32(start + batchField.count)
  }

  get baseOffset(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.baseOffset)
  }

  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.lastOffsetDelta)
  }

  /** The raw field: the first record's timestamp, or the delete horizon where there is one. */
  get baseTimestamp(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.baseTimestamp)
  }

  get maxTimestamp(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.maxTimestamp)
  }

  /** -1n where the producer was not idempotent. */
  get producerId(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.producerId)
  }

  /** Throws RangeError when it is no safe integer. */
  get baseOffsetNumber(): number {
    return this.#safeInteger('baseOffset', batchField.baseOffset)
  }

  /** Throws RangeError when it is no safe integer. */
  get lastOffsetNumber(): number {
    const last = this.baseOffsetNumber + this.lastOffsetDelta
    if (!Number.isSafeInteger(last)) throw notSafe('lastOffset', this.lastOffset)
    return last
  }

  /** Throws RangeError when it is no safe integer. */
  get baseTimestampNumber(): number {
    return this.#safeInteger('baseTimestamp', batchField.baseTimestamp)
  }

  /** Throws RangeError when it is no safe integer. */
  get maxTimestampNumber(): number {
    return this.#safeInteger('maxTimestamp', batchField.maxTimestamp)
  }

  /** Throws ProtocolError UNSUPPORTED for an id that no Kafka has given a meaning. */
  get compression(): CompressionType {
    return compressionTypeOf(this.attributes & attributeBit.compressionMask)
  }

  get timestampType(): TimestampType {
    return this.attributes & attributeBit.logAppendTime ? 'LogAppendTime' : 'CreateTime'
  }

  get isTransactional(): boolean {
    return (this.attributes & attributeBit.transactional) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & attributeBit.control) !== 0
  }

  /** Milliseconds from which tombstones may go (KIP-534); null where it is not set. */
  get deleteHorizonMs(): bigint | null {
    return this.attributes & attributeBit.deleteHorizon ? this.baseTimestamp : null
  }

  /** -1 where the producer was not idempotent. */
  get lastSequence(): number {
    return this.baseSequence === -1 ? -1 : incrementSequence(this.baseSequence, this.lastOffsetDelta)
  }

  /** Throws ProtocolError CORRUPT_CHECKSUM when the stored checksum is not that of the bytes. */
  checkCrc(): void {
    const computed = crc32c(this.#bytes, this.#start + batchField.attributes, this.#start + this.sizeInBytes)
    if (computed !== this.crc) {
      throw new ProtocolError(
        'CORRUPT_CHECKSUM',
        `the checksum of a batch is ${this.crc}, computed is ${computed}`,
        this.#start + batchField.crc,
      )
    }
  }

  /**
   * The records, for fast reading. Decompresses, each time that it is called. Throws ProtocolError when that fails,
   * expands beyond the limit, or when the count is negative.
   */
  cursor(): RecordCursor {
    const start = this.#start + batchHeaderBytes
    const end = this.#start + this.sizeInBytes
    if (this.count < 0) {
      throw new ProtocolError(
        'MALFORMED',
        `the record count of a batch is ${this.count}`,
        this.#start + batchField.count,
      )
    }
    const compression = this.compression
    if (compression === 'none') return new RecordCursor(this.#bytes, start, end, this.count)
    // Compaction leaves empty batches behind; there is then nothing that could be decompressed.
    if (this.count === 0) return new RecordCursor(this.#bytes, end, end, 0)
    const records = codecFor(compression).decompress(
      this.#bytes.subarray(start, end),
      this.#maxDecompressedBytes,
    )
    return new RecordCursor(records, 0, records.length, this.count)
  }

  *[Symbol.iterator](): Generator<DecodedRecord, void, undefined> {
    const cursor = this.cursor()
    const { baseOffset, baseTimestamp, baseSequence, isControl } = this
    const logAppendTime = this.timestampType === 'LogAppendTime' ? this.maxTimestamp : null
    while (cursor.next()) {
      const createTimestamp = baseTimestamp + cursor.exactTimestampDelta()
      const record: DecodedRecord = {
        offset: baseOffset + BigInt(cursor.offsetDelta),
        timestamp: logAppendTime ?? createTimestamp,
        key: cursor.key(),
        value: cursor.value(),
        headers: readHeaders(cursor.bytes, cursor.headersStart, cursor.headerCount, cursor.headersEnd),
        sequence: baseSequence < 0 ? -1 : incrementSequence(baseSequence, cursor.offsetDelta),
      }
      if (logAppendTime !== null) record.createTimestamp = createTimestamp
      if (isControl) {
        record.controlType = controlTypeOf(record.key)
        if (record.controlType === 'COMMIT' || record.controlType === 'ABORT') {
          record.coordinatorEpoch = coordinatorEpochOf(record.value)
        }
      }
      yield record
    }
  }

  #safeInteger(name: string, field: number): number {
    const at = this.#start + field
    const value = this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
    if (!Number.isSafeInteger(value)) throw notSafe(name, this.#view.getBigInt64(at))
    return value
  }
}

function notSafe(name: string, value: bigint): RangeError {
  return new RangeError(`${name} ${value} is beyond the safe integers (up to ${Number.MAX_SAFE_INTEGER})`)
}

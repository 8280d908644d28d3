import { type CompressionType, compressionTypeOf, decompressPart } from '../compression/codec.ts'
import { decompressor } from '../compression/decompressors.ts'
import { crc32c } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'
import {
  attributeBit,
  batchField,
  batchHeaderBytes,
  incrementSequence,
  logOverheadBytes,
} from './batch-header.ts'
import { controlTypeOf, coordinatorEpochOf } from './control-record.ts'
import {
  type DecodedRecord,
  inBatch,
  notSafe,
  type RecordBatch,
  safeInt64,
  type TimestampType,
} from './decoded-batch.ts'
import { DefaultRecordCursor, type RecordCursor } from './record-cursor.ts'
import { readHeaders } from './record-header.ts'

/** One batch of magic 2. */
export class DefaultRecordBatch implements RecordBatch {
  readonly magic: number
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #start: number
  readonly #maxDecompressedBytes: number
  readonly #index: number

  /** Over a batch that stands at `start`; `decodeRecords` has checked that it is all there. `index`: for the path of errors. */
  constructor(bytes: Uint8Array, view: DataView, start: number, maxDecompressedBytes: number, index: number) {
    this.#bytes = bytes
    this.#view = view
    this.#start = start
    this.#maxDecompressedBytes = maxDecompressedBytes
    this.#index = index
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

  get baseTimestamp(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.baseTimestamp)
  }

  get maxTimestamp(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.maxTimestamp)
  }

  get producerId(): bigint {
    return this.#view.getBigInt64(this.#start + batchField.producerId)
  }

  get baseOffsetNumber(): number {
    return safeInt64('baseOffset', this.#view, this.#start + batchField.baseOffset)
  }

  get lastOffsetNumber(): number {
    const last = this.baseOffsetNumber + this.lastOffsetDelta
    if (!Number.isSafeInteger(last)) throw notSafe('lastOffset', this.lastOffset)
    return last
  }

  get baseTimestampNumber(): number {
    return safeInt64('baseTimestamp', this.#view, this.#start + batchField.baseTimestamp)
  }

  get maxTimestampNumber(): number {
    return safeInt64('maxTimestamp', this.#view, this.#start + batchField.maxTimestamp)
  }

  get compression(): CompressionType {
    const at = this.#start + batchField.attributes
    try {
      return compressionTypeOf(this.attributes & attributeBit.compressionMask, at)
    } catch (error) {
      throw inBatch(error, this.#index)
    }
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

  get deleteHorizonMs(): bigint | null {
    return this.attributes & attributeBit.deleteHorizon ? this.baseTimestamp : null
  }

  get lastSequence(): number {
    return this.baseSequence === -1 ? -1 : incrementSequence(this.baseSequence, this.lastOffsetDelta)
  }

  checkCrc(): void {
    const computed = crc32c(this.#bytes, this.#start + batchField.attributes, this.#start + this.sizeInBytes)
    if (computed !== this.crc) {
      const reason = `the checksum of a batch is ${this.crc}, computed is ${computed}`
      const error = new ProtocolError('CORRUPT_CHECKSUM', reason, this.#start + batchField.crc)
      throw inBatch(error, this.#index)
    }
  }

  /** Throws ProtocolError when the count is negative too. */
  cursor(): RecordCursor {
    try {
      return this.#cursor()
    } catch (error) {
      throw inBatch(error, this.#index)
    }
  }

  #cursor(): RecordCursor {
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
    if (compression === 'none') return new DefaultRecordCursor(this.#bytes, start, end, this.count)
    // Compaction leaves empty batches behind; there is then nothing that could be decompressed.
    if (this.count === 0) return new DefaultRecordCursor(this.#bytes, end, end, 0)
    const expand = decompressor(compression)
    const records = decompressPart(expand, this.#bytes, start, end, this.#maxDecompressedBytes)
    return new DefaultRecordCursor(records, 0, records.length, this.count)
  }

  *[Symbol.iterator](): Generator<DecodedRecord, void, undefined> {
    let index = -1
    try {
      const cursor = this.cursor()
      const { baseOffset, baseTimestamp, baseSequence, isControl } = this
      const logAppendTime = this.timestampType === 'LogAppendTime' ? this.maxTimestamp : null
      for (index = 0; cursor.next(); index++) {
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
        if (isControl) addControl(record, cursor)
        yield record
      }
    } catch (error) {
      throw inBatch(error, this.#index, index)
    }
  }
}

function addControl(record: DecodedRecord, cursor: RecordCursor): void {
  const type = within(cursor.keyStart, () => controlTypeOf(record.key))
  record.controlType = type
  if (type !== 'COMMIT' && type !== 'ABORT') return
  record.coordinatorEpoch = within(cursor.valueStart, () => coordinatorEpochOf(record.value))
}

/** What stands at `start` is decoded by itself: its errors count from there. */
function within<T>(start: number, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw error instanceof ProtocolError ? error.shiftedBy(start) : error
  }
}

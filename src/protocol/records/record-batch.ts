import { ProtocolError } from '../errors.ts'
import { batchField, batchHeaderBytes, logOverheadBytes } from './batch-header.ts'
import { inBatch, type RecordBatch } from './decoded-batch.ts'
import { DefaultRecordBatch } from './default-record-batch.ts'
import { smallestMessage } from './legacy-message.ts'
import { LegacyRecordBatch } from './legacy-record-batch.ts'

export type { DecodedRecord, RecordBatch, TimestampType } from './decoded-batch.ts'

export interface DecodeRecordsOptions {
  /** Whether checksums are compared when a batch is reached; default true. */
  checkCrcs?: boolean
  /** Bytes that one batch may expand to, at most; default 128 MiB. */
  maxDecompressedBytes?: number
}

/** Long enough to hold the place of the magic byte, in every version. */
const bytesUpToMagic = 17

/** Smallest length field of any version (Java's `LegacyRecord.RECORD_OVERHEAD_V0`). */
const minimumLength = 14

/**
 * Splits what stands in a `records` field into its batches. Headers are parsed and checksums compared when a batch is
 * reached, its records when it is iterated over. A last batch that is not all there, as brokers send it, is left out.
 * Iterating throws ProtocolError: MALFORMED, CORRUPT_CHECKSUM, or UNSUPPORTED for a compression not spoken here. Its path
 * names batch and record; its offset is a place in `bytes`, or in what a batch expands to where that is at fault.
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
    for (let index = 0; ; index++) {
      const size = this.#sizeOfBatchAt(position, index)
      if (size === 0) return this.#bytes.length - position
      position += size
    }
  }

  *[Symbol.iterator](): Generator<RecordBatch, void, undefined> {
    let start = 0
    for (let index = 0; ; index++) {
      const batch = this.#batchAt(start, index)
      if (batch === null) return
      yield batch
      start += batch.sizeInBytes
    }
  }

  /** Null when it is not all there. */
  #batchAt(start: number, index: number): RecordBatch | null {
    try {
      const size = this.#sizeOfBatchAt(start, index)
      if (size === 0) return null
      const magic = this.#view.getInt8(start + batchField.magic)
      const smallest = magic === 2 ? batchHeaderBytes : smallestMessage(magic)
      if (size < smallest) {
        throw new ProtocolError(
          'MALFORMED',
          `a batch of ${size} bytes is less than its header of ${smallest}`,
          start + batchField.length,
        )
      }
      const Batch = magic === 2 ? DefaultRecordBatch : LegacyRecordBatch
      const batch = new Batch(this.#bytes, this.#view, start, this.#maxDecompressedBytes, index)
      if (this.#checkCrcs) batch.checkCrc()
      return batch
    } catch (error) {
      throw inBatch(error, index)
    }
  }

  /** 0 when it is not all there. The length is compared with what is left before anything relies on it. */
  #sizeOfBatchAt(start: number, index: number): number {
    const left = this.#bytes.length - start
    if (left < logOverheadBytes) return 0
    const length = this.#view.getInt32(start + batchField.length)
    if (length < minimumLength) {
      const reason = `the length of a batch is ${length}, at least ${minimumLength} is needed`
      throw inBatch(new ProtocolError('MALFORMED', reason, start + batchField.length), index)
    }
    if (left < bytesUpToMagic) return 0
    const magic = this.#view.getInt8(start + batchField.magic)
    if (magic < 0 || magic > 2) {
      const reason = `magic ${magic} is unknown, known are 0 to 2`
      throw inBatch(new ProtocolError('MALFORMED', reason, start + batchField.magic), index)
    }
    const size = logOverheadBytes + length
    return left < size ? 0 : size
  }
}

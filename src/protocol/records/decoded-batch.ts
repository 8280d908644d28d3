import type { CompressionType } from '../compression/codec.ts'
import { ProtocolError } from '../errors.ts'
import type { ControlType } from './control-record.ts'
import type { RecordCursor } from './record-cursor.ts'
import type { RecordHeader } from './record-header.ts'

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

/**
 * One batch. Iterating decodes its records one by one; `cursor()` does it without making objects.
 * int64 fields are bigint; the `...Number` forms are for code that counts in safe integers and throw RangeError for
 * others.
 *
 * Magic 2 is Java's `DefaultRecordBatch`. Of magic 0 and 1 (`AbstractLegacyRecordBatch`) each message is a batch of its
 * own, one that is compressed holds the messages of a whole batch. To tell the first offset of such a one it has to be
 * decompressed: `baseOffset` and `lastOffsetDelta` do it when they are asked for, and throw what `cursor()` would.
 */
export interface RecordBatch extends Iterable<DecodedRecord> {
  readonly magic: number
  /** Bytes of the whole batch, those of offset and length included. */
  readonly sizeInBytes: number
  /** As stored, unsigned: CRC-32C of everything after it, CRC-32 before magic 2. */
  readonly crc: number
  readonly attributes: number
  readonly baseOffset: bigint
  readonly baseOffsetNumber: number
  readonly lastOffset: bigint
  readonly lastOffsetNumber: number
  readonly lastOffsetDelta: number
  /** The raw field: the first record's timestamp, or the delete horizon where there is one. What a cursor's deltas add to. */
  readonly baseTimestamp: bigint
  readonly baseTimestampNumber: number
  readonly maxTimestamp: bigint
  readonly maxTimestampNumber: number
  /** Throws ProtocolError UNSUPPORTED for an id that no Kafka has given a meaning. */
  readonly compression: CompressionType
  readonly timestampType: TimestampType
  /** -1 before magic 2. */
  readonly partitionLeaderEpoch: number
  /** -1n where the producer was not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** -1 where the producer was not idempotent. */
  readonly lastSequence: number
  /** Records, as the header tells, not compared with the content before that is read; -1 where no header tells. */
  readonly count: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** Milliseconds from which tombstones may go (KIP-534); null where it is not set. */
  readonly deleteHorizonMs: bigint | null
  /**
   * Throws ProtocolError CORRUPT_CHECKSUM when the stored checksum is not that of the bytes. What a compressed message of
   * magic 0 or 1 holds has checksums too: after this call they are compared as the messages are read.
   */
  checkCrc(): void
  /**
   * The records, for fast reading. Decompresses, each time that it is called. Throws ProtocolError when that fails or
   * expands beyond the limit.
   */
  cursor(): RecordCursor
}

/** An int64 as a number; RangeError when it is no safe integer. */
export function safeInt64(name: string, view: DataView, at: number): number {
  const value = view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
  if (!Number.isSafeInteger(value)) throw notSafe(name, view.getBigInt64(at))
  return value
}

export function notSafe(name: string, value: bigint): RangeError {
  return new RangeError(`${name} ${value} is beyond the safe integers (up to ${Number.MAX_SAFE_INTEGER})`)
}

/** Gives an error its path where it has none: the batch that it is in, and the record. */
export function inBatch(error: unknown, batch: number, record = -1): unknown {
  if (!(error instanceof ProtocolError) || error.path !== '') return error
  if (record >= 0) error.within(`records[${record}]`)
  return error.within(`batches[${batch}]`)
}

import type { CompressionType } from '../compression/codec.ts'
import type { HeadersInput } from './record-header.ts'

/** A record to be written. What a decoded batch iterates over fits. */
export interface RecordInput {
  offset: bigint
  /** Milliseconds. */
  timestamp: bigint
  /** What the record itself holds where the batch says LogAppendTime; default `timestamp`. */
  createTimestamp?: bigint
  key: string | Uint8Array | null
  value: string | Uint8Array | null
  headers?: HeadersInput
}

/** Every field of a batch's header that the records do not fix. A decoded batch fits. */
export interface RecordBatchOptions {
  /** Default 2. See {@link encodeRecordBatch} for the older ones. */
  magic?: number
  /** Default: the offset of the first record; 0n without records. */
  baseOffset?: bigint
  /** Default: up to the last record. Compaction leaves a larger one when it removes the last record. */
  lastOffsetDelta?: number
  /** Default -1. */
  partitionLeaderEpoch?: number
  /** Default `none`. Compressed at once, on this thread. */
  compression?: CompressionType
  /** Default `CreateTime`; magic 0 has `NoTimestampType` alone, and magic 2 has it not. */
  timestampType?: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'
  isTransactional?: boolean
  isControl?: boolean
  /** Time from which tombstones may go (KIP-534), milliseconds; it takes the place of the base timestamp. */
  deleteHorizonMs?: bigint | null
  /** Default: the first record's timestamp; -1n without records. */
  baseTimestamp?: bigint
  /** Default: the largest timestamp of the records; -1n without records. */
  maxTimestamp?: bigint
  /** Default -1n. */
  producerId?: bigint
  /** Default -1. */
  producerEpoch?: number
  /** Default -1. */
  baseSequence?: number
}

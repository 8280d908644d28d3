import type { HeadersInput } from '../protocol/records/record-header.ts'

/** A record to be sent. With serializers `K` and `V` are what these take. */
export interface ProducerRecord<K = string | Uint8Array | null, V = string | Uint8Array | null> {
  readonly topic: string
  /** Decides the partition, where none is given. Default null. */
  readonly key?: K | null | undefined
  /** Null is a tombstone: compaction then removes the key. Default null. */
  readonly value?: V | null | undefined
  /** Default: the partitioner's choice. */
  readonly partition?: number | undefined
  /** A list of `{ key, value }`, or an object; an array in it stands for a repeated key. */
  readonly headers?: HeadersInput | undefined
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number | undefined
}

/** Where a record is in the log. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 where the broker does not tell: with acks 0, and for a repeated batch that it had already. */
  readonly offset: number
  /** Milliseconds: the record's own, or the broker's where the topic has LogAppendTime. */
  readonly timestamp: number
}

/** Where neighbouring records of one call are in the log. */
export interface DeliveredRange {
  readonly topic: string
  readonly partition: number
  /** Offset of the first of them; -1 where the broker does not tell. */
  readonly baseOffset: number
  readonly count: number
}

/** Told about a record sent by `produce`: exactly one of the two is null. */
export type OnDelivery = (error: Error | null, metadata: RecordMetadata | null) => void

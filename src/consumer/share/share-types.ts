import type { TopicPartition } from '../../cluster/partition-leaders.ts'
import type { KafkaError } from '../../protocol/errors.ts'

/** What is to become of a record (Java's `AcknowledgeType`). */
export type AcknowledgeType =
  /** It was handled: nobody gets it again. */
  | 'accept'
  /** Somebody may get it again, with a higher `deliveryCount`. */
  | 'release'
  /** It cannot be handled: nobody gets it again. */
  | 'reject'
  /** It is still being handled: its lock begins anew, and it stays in hand (KIP-1222). Needs Kafka 4.2. */
  | 'renew'

/** What came of the acknowledgements of one partition. */
export interface AcknowledgementResult extends TopicPartition {
  /** Of the records that were acknowledged, in their order. */
  readonly offsets: readonly number[]
  /**
   * Null: they count. Else none of them does: INVALID_RECORD_STATE when a lock was over, NOT_LEADER_OR_FOLLOWER when the
   * partition has moved; those records are given out again.
   */
  readonly error: KafkaError | null
}

/** Which record: one that was handed out, or its place. */
export interface RecordPlace extends TopicPartition {
  readonly offset: number
}

export interface SharePollOptions {
  /** Longest wait for a first record, in milliseconds. Default 0: what is there already, and more is fetched meanwhile. */
  timeoutMs?: number | undefined
  /** Most records to hand out. Default `maxPollRecords`. */
  maxRecords?: number | undefined
  /** Ends the wait early; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

import type { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { PartitionFetch } from './partition-fetch.ts'

/** Whom the fetcher works for. */
export interface FetchOwner {
  /** All partitions that are ours, in the order in which brokers should serve them. */
  partitions(): Iterable<AssignedPartition>
  /** Lets others come first next time. */
  moveToEnd(partition: AssignedPartition): void
  /** Whether a group shares out the partitions: its leader may know of some that we have not heard of yet. */
  isShared(): boolean
  onFetched(fetch: PartitionFetch): void
  /** The reader has to know, and this partition rests until then. */
  onPartitionError(partition: AssignedPartition, error: KafkaError): void
  /** The reader has to know; `resume` is to be called when it does. */
  onFatal(error: KafkaError, resume: () => void): void
  /** Trouble that will pass. */
  onTrouble(error: KafkaError): void
  /** These have no position. */
  findPositions(partitions: readonly AssignedPartition[]): void
}

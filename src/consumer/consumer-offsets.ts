import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { WaitOptions } from './arguments.ts'
import { ConsumerPartitions } from './consumer-partitions.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { CommittedPartition } from './consumer-types.ts'
import type { GroupMetadata } from './group/group-member.ts'
import type { OffsetToCommit } from './offset-committer.ts'

/** What does the work: a type of its own, so that its declarations do not drag in ours of groups and options. */
export interface OffsetCalls {
  position(partition: TopicPartition, options: WaitOptions): Promise<number>
  committed(partitions: readonly TopicPartition[], options: WaitOptions): Promise<CommittedPartition[]>
  commit(offsets: readonly OffsetToCommit[] | undefined, options: WaitOptions): Promise<void>
  store(given: ConsumerRecord<unknown, unknown> | OffsetToCommit): void
  groupMetadata(): GroupMetadata
}

/** Positions of a consumer, and what its group has committed. */
export abstract class ConsumerOffsets<K, V> extends ConsumerPartitions {
  protected abstract offsets(): OffsetCalls

  /** Offset of the next record to deliver; looked up when it is not known yet. */
  async position(partition: TopicPartition, options: WaitOptions = {}): Promise<number> {
    return this.offsets().position(partition, options)
  }

  /** What the group has committed, in the order asked for. */
  async committed(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<CommittedPartition[]> {
    return this.offsets().committed(partitions, options)
  }

  /**
   * Commits these offsets (of the next record to read); without any all that was delivered, what is in hand included, or
   * with `enableAutoOffsetStore: false` all that was stored.
   *
   * @throws IllegalStateError without a `groupId`.
   * @throws GroupError PARTITION_NOT_ASSIGNED, REBALANCE_IN_PROGRESS when the group does not have us for its owner.
   * @throws BrokerError when the broker refuses.
   */
  async commit(offsets?: readonly OffsetToCommit[], options: WaitOptions = {}): Promise<void> {
    return this.offsets().commit(offsets, options)
  }

  /**
   * What the next automatic commit, and a `commit()` without offsets, is to commit of a partition: a record stands for the
   * offset after it, an offset is that of the next record to read. The last one counts; a `seek` changes nothing about it.
   * Needs `enableAutoOffsetStore: false` (librdkafka's `enable.auto.offset.store`).
   *
   * @throws IllegalStateError when the partition is not assigned, or was assigned anew since the record was handed out.
   */
  storeOffset(given: ConsumerRecord<K, V> | OffsetToCommit): void {
    this.offsets().store(given as ConsumerRecord<unknown, unknown> | OffsetToCommit)
  }

  /** Who we are in the group at this moment, for the transactions of a producer. */
  groupMetadata(): GroupMetadata {
    return this.offsets().groupMetadata()
  }
}

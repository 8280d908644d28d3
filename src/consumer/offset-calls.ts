import type { TopicPartition } from '../cluster/partition-leaders.ts'
import { IllegalStateError } from '../errors.ts'
import {
  checkMetadata,
  checkOffset,
  checkPartition,
  checkPartitions,
  deadlineOf,
  type WaitOptions,
} from './arguments.ts'
import type { Assignment } from './assignment.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { OffsetCalls } from './consumer-offsets.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import { ConsumerRecord } from './consumer-record.ts'
import type { CommittedPartition } from './consumer-types.ts'
import type { GroupMetadata } from './group/group-member.ts'
import { type GroupSession, requireGroup } from './group-session.ts'
import type { OffsetToCommit } from './offset-committer.ts'
import type { OffsetQueries } from './offset-queries.ts'
import type { PositionWait } from './position-wait.ts'

interface OffsetCallsParts {
  readonly options: ParsedConsumerOptions
  readonly assignment: Assignment
  readonly queries: OffsetQueries
  readonly metrics: ConsumerMetrics
  readonly positions: PositionWait
  readonly group: GroupSession | null
  /** Throws IllegalStateError. */
  checkNotClosed(): void
}

/** The consumer's calls about offsets, from checked arguments to who does the work. */
export class CheckedOffsetCalls implements OffsetCalls {
  readonly #parts: OffsetCallsParts

  constructor(parts: OffsetCallsParts) {
    this.#parts = parts
  }

  async position(partition: TopicPartition, options: WaitOptions): Promise<number> {
    this.#parts.checkNotClosed()
    checkPartition(partition)
    return this.#parts.positions.position(partition, this.#deadlineOf(options))
  }

  async committed(
    partitions: readonly TopicPartition[],
    options: WaitOptions,
  ): Promise<CommittedPartition[]> {
    const { groupId } = this.#group('committed()')
    const begunAt = performance.now()
    const found = await this.#parts.queries.committed(groupId, partitions, options)
    const now = performance.now()
    this.#parts.metrics.committedCalls.record(now - begunAt, now)
    return found
  }

  async commit(offsets: readonly OffsetToCommit[] | undefined, options: WaitOptions): Promise<void> {
    const group = this.#group('commit()')
    const deadline = this.#deadlineOf(options)
    if (offsets === undefined) return group.commitDelivered(deadline)
    for (const one of checkPartitions(offsets)) {
      checkOffset(one.offset, one)
      checkMetadata(one.metadata, one)
    }
    await group.commit(offsets, deadline)
  }

  /**
   * A record that was handed out under an earlier assignment is refused: the partition has been with another member since,
   * and a commit of it would take the group back to before what that one has done.
   */
  store(given: ConsumerRecord<unknown, unknown> | OffsetToCommit): void {
    this.#group('storeOffset()')
    if (this.#parts.options.enableAutoOffsetStore) {
      throw new IllegalStateError('storeOffset() needs the option enableAutoOffsetStore: false')
    }
    checkPartition(given)
    const { topic, partition: index, offset } = given
    const partition = this.#parts.assignment.require(given)
    if (!(given instanceof ConsumerRecord)) {
      checkOffset(offset, given)
      checkMetadata(given.metadata, given)
      partition.stored = { offset, leaderEpoch: given.leaderEpoch ?? -1, metadata: given.metadata ?? '' }
      return
    }
    if (offset < partition.lowest) {
      throw new IllegalStateError(
        `the record at offset ${offset} of ${partition.key} was handed out before the partition was assigned anew, ` +
          `at offset ${partition.lowest}: its offset cannot be stored`,
        { topic, partition: index },
      )
    }
    partition.stored = { offset: offset + 1, leaderEpoch: given.leaderEpoch, metadata: '' }
  }

  groupMetadata(): GroupMetadata {
    return requireGroup(this.#parts.group, 'groupMetadata()').metadata
  }

  #group(what: string): GroupSession {
    this.#parts.checkNotClosed()
    return requireGroup(this.#parts.group, what)
  }

  #deadlineOf(options: WaitOptions) {
    return deadlineOf(options, this.#parts.options.defaultApiTimeoutMs)
  }
}

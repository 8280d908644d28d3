import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { IllegalStateError } from '../errors.ts'
import { AssignedPartition, type PositionSource } from './assigned-partition.ts'
import { type CommitMode, commitModeOf } from './commit-mode.ts'

/** What of the options a partition goes by. */
interface AssignmentOptions {
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly atMostOnce?: boolean | undefined
  readonly enableAutoOffsetStore?: boolean | undefined
}

/** The partitions that are ours now, in the order in which they are to be fetched. */
export class Assignment {
  readonly #partitions = new Map<string, AssignedPartition>()
  readonly #options: AssignmentOptions
  readonly #commitMode: CommitMode

  constructor(options: AssignmentOptions) {
    this.#options = options
    this.#commitMode = commitModeOf(options)
  }

  get size(): number {
    return this.#partitions.size
  }

  values(): Iterable<AssignedPartition> {
    return this.#partitions.values()
  }

  /** By topic and partition. */
  list(): TopicPartition[] {
    return sorted([...this.#partitions.values()].map(({ topic, partition }) => ({ topic, partition })))
  }

  get(partition: TopicPartition): AssignedPartition | undefined {
    return this.#partitions.get(partitionKey(partition))
  }

  /** Throws IllegalStateError when it is not ours. */
  require(partition: TopicPartition): AssignedPartition {
    const found = this.get(partition)
    if (found !== undefined) return found
    const ours = this.list().map(partitionKey)
    const shown =
      ours.length > 10 ? `${ours.slice(0, 10).join(', ')} and ${ours.length - 10} more` : ours.join(', ')
    throw new IllegalStateError(
      `${partitionKey(partition)} is not assigned to this consumer; assigned: ${shown || 'none'}`,
      { topic: partition.topic, partition: partition.partition },
    )
  }

  /** Those of them that are ours. */
  find(partitions: readonly TopicPartition[]): AssignedPartition[] {
    return partitions.flatMap((one) => this.get(one) ?? [])
  }

  add(partition: TopicPartition, source: PositionSource, isReady: boolean): AssignedPartition {
    const added = new AssignedPartition(partition, source, isReady, this.#options, this.#commitMode)
    this.#partitions.set(added.key, added)
    return added
  }

  remove(partitions: readonly AssignedPartition[]): void {
    for (const partition of partitions) {
      partition.unassign()
      if (this.#partitions.get(partition.key) === partition) this.#partitions.delete(partition.key)
    }
  }

  /** Takes all others away, but those that are being handed over: whoever does that takes them away in the end. */
  keepOnly(partitions: readonly TopicPartition[]): void {
    const kept = new Set(partitions.map(partitionKey))
    this.remove([...this.#partitions.values()].filter((one) => !kept.has(one.key) && !one.isRevoking))
  }

  moveToEnd(partition: AssignedPartition): void {
    if (this.#partitions.delete(partition.key)) this.#partitions.set(partition.key, partition)
  }
}

export function sorted<T extends TopicPartition>(partitions: T[]): T[] {
  return partitions.sort((a, b) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
  )
}

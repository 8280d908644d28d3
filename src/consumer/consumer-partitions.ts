import type { TopicPartition } from '../cluster/partition-leaders.ts'
import { checkPartition } from './arguments.ts'
import { sorted } from './assignment.ts'
import { ConsumerQueries } from './consumer-queries.ts'
import type { PartitionLag } from './consumer-types.ts'
import { type LagSource, lagOf } from './partition-lag.ts'

/** A partition that is ours, as far as this file needs it: so that its declarations do not drag in all of the reading. */
interface OwnPartition extends LagSource {
  isPaused: boolean
  reset(source: 'earliest' | 'latest'): void
}

/** The partitions of a consumer. */
export interface OwnPartitions {
  /** By default all. Throws IllegalStateError for one that is not assigned. */
  find(partitions?: readonly TopicPartition[]): readonly OwnPartition[]
  /** Throws IllegalStateError when the consumer is closed. */
  checkOpen(): void
  /** There may be something to fetch or to hand out that was not before. */
  changed(): void
}

/** What a consumer can do with the partitions that are assigned to it, apart from reading them. */
export abstract class ConsumerPartitions extends ConsumerQueries {
  protected abstract own(): OwnPartitions

  /** By topic and partition. */
  assignment(): TopicPartition[] {
    return sorted(this.own().find().map(topicPartitionOf))
  }

  /** Default: all assigned partitions. The offset is looked up when it is needed. */
  seekToBeginning(partitions?: readonly TopicPartition[]): void {
    this.#reset(partitions, 'earliest')
  }

  /** Default: all assigned partitions. The offset is looked up when it is needed. */
  seekToEnd(partitions?: readonly TopicPartition[]): void {
    this.#reset(partitions, 'latest')
  }

  /** Hands nothing of these out until `resume`; they stay assigned. What was fetched of them is kept while there is room. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of this.#open().find(partitions)) partition.isPaused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    const own = this.#open()
    for (const partition of own.find(partitions)) partition.isPaused = false
    own.changed()
  }

  paused(): TopicPartition[] {
    const paused = this.own()
      .find()
      .filter(({ isPaused }) => isPaused)
    return sorted(paused.map(topicPartitionOf))
  }

  /** How far behind each assigned partition is. Asks nobody: it is from the last fetch. */
  lag(): PartitionLag[] {
    return sorted(this.own().find().map(lagOf))
  }

  /**
   * Records between the position and the end that can be read; null while that is not known. Asks nobody.
   *
   * @throws IllegalStateError when the partition is not assigned.
   */
  currentLag(partition: TopicPartition): number | null {
    checkPartition(partition)
    const [found] = this.#open().find([partition])
    return lagOf(found!).lag
  }

  #reset(partitions: readonly TopicPartition[] | undefined, to: 'earliest' | 'latest'): void {
    const own = this.#open()
    for (const partition of own.find(partitions)) partition.reset(to)
    own.changed()
  }

  #open(): OwnPartitions {
    const own = this.own()
    own.checkOpen()
    return own
  }
}

function topicPartitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

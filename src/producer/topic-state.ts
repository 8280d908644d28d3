import type { TopicMetadata } from '../cluster/metadata.ts'
import { noSuchPartition } from '../cluster/partition-leaders.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type BatchFactory, PartitionQueue, type QueueOptions } from './partition-queue.ts'
import {
  consistentPartition,
  type PartitionLoad,
  partitionOfKey,
  StickyPartition,
  suitability,
} from './partitioner.ts'
import type { ProducerOptions } from './producer-options.ts'

export interface PartitioningOptions extends QueueOptions {
  readonly partitioner: NonNullable<ProducerOptions<never, never>['partitioner']>
  readonly ignoreKeys: boolean
  readonly adaptive: boolean
  /** Milliseconds that a broker may take nothing before its partitions are passed by; 0: as long as it likes. */
  readonly availabilityTimeoutMs: number
  /** Where partitions are preferred; null: nowhere. */
  readonly preferredRack: string | null
}

/** What is known of brokers, by node id. */
export interface BrokerView {
  rackOf(nodeId: number): string | null
  /** For how long something has waited there that could not leave, in milliseconds. */
  blockedMs(nodeId: number): number
}

/** What a producer keeps of one topic: its queues, and where the next record without a partition goes. */
export class TopicState implements PartitionLoad {
  readonly name: string
  metadata: TopicMetadata
  readonly queues: PartitionQueue[] = []
  readonly #options: PartitioningOptions
  readonly #batches: BatchFactory
  readonly #brokers: BrokerView
  readonly #sticky: StickyPartition
  #turn = 0

  constructor(
    metadata: TopicMetadata,
    options: PartitioningOptions,
    batches: BatchFactory,
    brokers: BrokerView,
  ) {
    this.name = metadata.name
    this.metadata = metadata
    this.#options = options
    this.#batches = batches
    this.#brokers = brokers
    this.#sticky = new StickyPartition(options.batchSize, options.adaptive)
  }

  /** Takes in what is known now. True: the topic is another one than before, of the same name. */
  update(metadata: TopicMetadata): boolean {
    const before = this.metadata.id
    this.metadata = metadata
    return before !== null && metadata.id !== null && metadata.id !== before
  }

  get partitionCount(): number {
    return this.metadata.partitions.length
  }

  hasLeader(partition: number): boolean {
    return (this.metadata.partitions[partition]?.leader ?? -1) >= 0
  }

  queued(partition: number): number {
    return this.queues[partition]?.load ?? 0
  }

  suitability(partition: number): number {
    const leader = this.metadata.partitions[partition]?.leader ?? -1
    if (leader < 0) return suitability.leaderless
    const { adaptive, availabilityTimeoutMs, preferredRack } = this.#options
    // Without adaptive partitioning Java does not look at it either.
    if (adaptive && availabilityTimeoutMs > 0 && this.#brokers.blockedMs(leader) > availabilityTimeoutMs) {
      return suitability.blocked
    }
    const isNear = preferredRack !== null && this.#brokers.rackOf(leader) === preferredRack
    return isNear ? suitability.near : suitability.available
  }

  /** Whether this partition exists, as far as is known. */
  has(partition: number): boolean {
    return partition < this.metadata.partitions.length
  }

  /**
   * The queue for a record.
   *
   * @throws InvalidArgumentError when the partition does not exist, or the partitioner gives none.
   */
  queueFor(
    partition: number | undefined,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
  ): PartitionQueue {
    return this.queue(partition ?? this.#choose(key, value))
  }

  queue(partition: number): PartitionQueue {
    let queue = this.queues[partition]
    if (queue === undefined) {
      if (!this.has(partition)) throw noSuchPartition(this.name, partition, this.partitionCount)
      queue = new PartitionQueue(this.name, partition, this.#options, this.#batches)
      this.queues[partition] = queue
    }
    return queue
  }

  /** So many bytes of a record without a partition were added. Those that their key sent where they went do not count. */
  used(key: string | Uint8Array | null, bytes: number): void {
    if (this.#isKeyless(key)) this.#sticky.used(bytes)
  }

  #choose(key: string | Uint8Array | null, value: string | Uint8Array | null): number {
    const { partitioner, ignoreKeys } = this.#options
    const count = this.partitionCount
    if (partitioner === 'default') {
      return key !== null && !ignoreKeys ? partitionOfKey(key, count) : this.#sticky.next(this)
    }
    if (partitioner === 'roundRobin') return this.#nextInTurn(count)
    if (partitioner === 'consistent') return consistentPartition(key, count)
    if (partitioner === 'consistentRandom') {
      return this.#isKeyless(key) ? this.#sticky.next(this) : consistentPartition(key, count)
    }
    const bytes = typeof key === 'string' ? Buffer.from(key) : key
    const partition: unknown = partitioner({ topic: this.name, key: bytes, value, partitionCount: count })
    if (typeof partition === 'number' && Number.isInteger(partition) && partition >= 0 && partition < count) {
      return partition
    }
    throw new InvalidArgumentError(
      `the partitioner gave ${String(partition)} for topic ${this.name}: allowed are integers from 0 to ${count - 1}`,
      { topic: this.name },
    )
  }

  /** Whether a record goes where the lot falls. librdkafka takes an empty key for none. */
  #isKeyless(key: string | Uint8Array | null): boolean {
    const { partitioner, ignoreKeys } = this.#options
    if (partitioner === 'consistentRandom') return key === null || key.length === 0
    return key === null || ignoreKeys
  }

  /** Java's RoundRobinPartitioner: passes by what has no leader, unless nothing has. */
  #nextInTurn(count: number): number {
    for (let i = 0; i < count; i++) {
      const partition = this.#turn++ % count
      if (this.hasLeader(partition)) return partition
    }
    return this.#turn++ % count
  }
}

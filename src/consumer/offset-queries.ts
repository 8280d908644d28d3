import type { Cluster } from '../cluster/cluster.ts'
import { committedOffsets } from '../cluster/committed-offsets.ts'
import { listOffsets, type OffsetAtTime, type OffsetQuery, offsetSpec } from '../cluster/list-offsets.ts'
import type { Node, TopicMetadata } from '../cluster/metadata.ts'
import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { Deadline } from '../deadline.ts'
import { KafkaError } from '../protocol/errors.ts'
import { checkPartitions, checkTimestamp, checkTopic, deadlineOf, type WaitOptions } from './arguments.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { CommittedPartition } from './consumer-types.ts'

export interface PartitionOffset extends TopicPartition {
  readonly offset: number
}

export interface PartitionTimestamp extends TopicPartition {
  /** Milliseconds. */
  readonly timestamp: number
}

/** The first record at or after a timestamp; nulls when there is none. */
export interface OffsetForTime extends TopicPartition {
  readonly offset: number | null
  /** Milliseconds. */
  readonly timestamp: number | null
  /** -1 when the broker does not tell. */
  readonly leaderEpoch: number
}

/** Java's PartitionInfo. */
export interface PartitionInfo extends TopicPartition {
  /** Null while there is none. */
  readonly leader: Node | null
  /** -1 where the broker does not tell. */
  readonly leaderEpoch: number
  /** Node ids. */
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicListing {
  readonly topic: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionInfo[]
}

/**
 * How long a topic that the cluster does not know is asked for again, in milliseconds, unless the caller says: one that
 * was just created is known everywhere after that.
 */
const unknownTopicPatienceMs = 1000

/** What the consumer itself asks: a type of its own, so that its declarations do not drag in ours of the options. */
export interface TopicQueries {
  ends(
    partitions: readonly TopicPartition[],
    end: 'earliest' | 'latest',
    options: WaitOptions,
  ): Promise<PartitionOffset[]>
  forTimes(queries: readonly PartitionTimestamp[], options: WaitOptions): Promise<OffsetForTime[]>
  partitionsFor(topic: string, options: WaitOptions): Promise<PartitionInfo[]>
  listTopics(options: WaitOptions): Promise<TopicListing[]>
}

/** Questions about topics and offsets that need no assignment. */
export class OffsetQueries implements TopicQueries {
  readonly #cluster: Cluster
  readonly #options: ParsedConsumerOptions

  constructor(cluster: Cluster, options: ParsedConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  ends(
    partitions: readonly TopicPartition[],
    end: 'earliest' | 'latest',
    options: WaitOptions,
  ): Promise<PartitionOffset[]> {
    checkPartitions(partitions)
    const queries = partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      timestamp: offsetSpec[end],
    }))
    return this.#query(queries, options, (one, { offset }) => ({ ...one, offset }))
  }

  forTimes(queries: readonly PartitionTimestamp[], options: WaitOptions): Promise<OffsetForTime[]> {
    for (const query of checkPartitions(queries)) checkTimestamp(query.timestamp, query)
    return this.#query(queries, options, (one, { offset, timestamp, leaderEpoch }) => ({
      ...one,
      offset: offset < 0 ? null : offset,
      timestamp: offset < 0 ? null : timestamp,
      leaderEpoch,
    }))
  }

  /** In the order asked for. */
  async committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: WaitOptions,
  ): Promise<CommittedPartition[]> {
    checkPartitions(partitions)
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    const found = await committedOffsets(this.#cluster, groupId, partitions, {
      requireStable: true,
      deadline,
    })
    return partitions.map(({ topic, partition }) => {
      const one = found.get(partitionKey({ topic, partition }))
      return {
        topic,
        partition,
        offset: one?.offset ?? null,
        leaderEpoch: one?.leaderEpoch ?? -1,
        metadata: one?.metadata ?? '',
      }
    })
  }

  async partitionsFor(topic: string, options: WaitOptions): Promise<PartitionInfo[]> {
    checkTopic(topic)
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    return this.#infos(await this.#topic(topic, deadline, options.timeoutMs !== undefined))
  }

  async listTopics(options: WaitOptions): Promise<TopicListing[]> {
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    const all = await this.#retry(() => this.#cluster.metadata.all(), 'listing topics', deadline)
    return all
      .map((topic) => ({ topic: topic.name, isInternal: topic.isInternal, partitions: this.#infos(topic) }))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1))
  }

  async #query<R>(
    queries: readonly OffsetQuery[],
    options: WaitOptions,
    resultOf: (partition: TopicPartition, answer: OffsetAtTime) => R,
  ): Promise<R[]> {
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    const topics = new Set(queries.map(({ topic }) => topic))
    await Promise.all([...topics].map((name) => this.#topic(name, deadline, options.timeoutMs !== undefined)))
    const outcomes = await listOffsets(this.#cluster, queries, this.#options.isolationLevel, deadline)
    return queries.map(({ topic, partition }) => {
      const outcome = outcomes.get(partitionKey({ topic, partition }))!
      if ('error' in outcome) throw outcome.error
      return resultOf({ topic, partition }, outcome.value)
    })
  }

  /** Waits out trouble with the brokers up to the deadline, but a topic that they do not know only for a moment. */
  async #topic(name: string, deadline: Deadline, waitsForTopic: boolean): Promise<TopicMetadata> {
    const { metadata } = this.#cluster
    const known = metadata.get(name)
    if (known !== null) return known
    await this.#retry(() => metadata.refresh([name]), `metadata of topic ${name}`, deadline)
    const patienceMs = waitsForTopic
      ? deadline.remainingMs
      : Math.min(deadline.remainingMs, unknownTopicPatienceMs)
    return metadata.topic(name, new Deadline(patienceMs, deadline.signal))
  }

  async #retry<T>(work: () => Promise<T>, what: string, deadline: Deadline): Promise<T> {
    let lastError: KafkaError | null = null
    for (;;) {
      try {
        return await deadline.race(work(), what)
      } catch (error) {
        if (!(error instanceof KafkaError && error.retriable)) throw error
        // When the deadline ends a later try, what went wrong before says more than that.
        if (lastError === null || error.code !== 'API_TIMEOUT') lastError = error
      }
      if (deadline.expired) throw lastError
      await this.#cluster.pause(this.#options.retryBackoffMs, deadline)
    }
  }

  #infos({ partitions }: TopicMetadata): PartitionInfo[] {
    return partitions.map(({ topic, partition, leader, leaderEpoch, replicas, isr, offlineReplicas }) => ({
      topic,
      partition,
      leader: this.#cluster.metadata.nodes.get(leader) ?? null,
      leaderEpoch,
      replicas,
      inSyncReplicas: isr,
      offlineReplicas,
    }))
  }
}

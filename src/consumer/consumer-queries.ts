import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { WaitOptions } from './arguments.ts'
import type {
  OffsetForTime,
  PartitionInfo,
  PartitionOffset,
  PartitionTimestamp,
  TopicListing,
  TopicQueries,
} from './offset-queries.ts'

/** What a consumer can be asked about topics and offsets, whatever it reads. */
export abstract class ConsumerQueries {
  /** Throws IllegalStateError when the consumer is closed. */
  protected abstract queries(): TopicQueries

  /** Offsets of the first records. Throws InvalidArgumentError for a partition that does not exist. */
  async beginningOffsets(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.queries().ends(partitions, 'earliest', options)
  }

  /** Offsets after the last records that can be read with the isolation level chosen. */
  async endOffsets(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<PartitionOffset[]> {
    return this.queries().ends(partitions, 'latest', options)
  }

  /** The first records at or after these timestamps. */
  async offsetsForTimes(
    queries: readonly PartitionTimestamp[],
    options: WaitOptions = {},
  ): Promise<OffsetForTime[]> {
    return this.queries().forTimes(queries, options)
  }

  /** Throws BrokerError UNKNOWN_TOPIC_OR_PARTITION after a second, or after `timeoutMs` where that is given. */
  async partitionsFor(topic: string, options: WaitOptions = {}): Promise<PartitionInfo[]> {
    return this.queries().partitionsFor(topic, options)
  }

  /** All topics that we may see, by name. */
  async listTopics(options: WaitOptions = {}): Promise<TopicListing[]> {
    return this.queries().listTopics(options)
  }
}

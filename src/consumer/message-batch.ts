import type { ConsumerRecord } from './consumer-record.ts'

/** Records of one partition that follow each other, at most `maxPollRecords`. */
export class MessageBatch<K = Buffer | null, V = Buffer | null> implements Iterable<ConsumerRecord<K, V>> {
  readonly topic: string
  readonly partition: number
  /** At least one. */
  readonly records: readonly ConsumerRecord<K, V>[]
  /** End of the partition when this was fetched: offset of the next record that all replicas would have. */
  readonly highWatermark: number
  readonly #commit: () => Promise<void>

  constructor(
    records: readonly ConsumerRecord<K, V>[],
    { topic, partition, highWatermark }: { topic: string; partition: number; highWatermark: number },
    commit: () => Promise<void>,
  ) {
    this.topic = topic
    this.partition = partition
    this.records = records
    this.highWatermark = highWatermark
    this.#commit = commit
  }

  get length(): number {
    return this.records.length
  }

  get firstOffset(): number {
    return this.records[0]!.offset
  }

  get lastOffset(): number {
    return this.records[this.records.length - 1]!.offset
  }

  [Symbol.iterator](): ArrayIterator<ConsumerRecord<K, V>> {
    return this.records[Symbol.iterator]()
  }

  /**
   * Commits up to the end of this batch.
   *
   * @throws GroupError PARTITION_NOT_ASSIGNED when the partition was handed over meanwhile; as `commit` of the consumer.
   */
  commit(): Promise<void> {
    return this.#commit()
  }
}

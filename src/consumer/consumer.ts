import { Cluster } from '../cluster/cluster.ts'
import { committedOffsets } from '../cluster/committed-offsets.ts'
import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError, InvalidArgumentError } from '../errors.ts'
import { clusterOptions } from '../options/cluster-options.ts'
import type { KafkaError } from '../protocol/errors.ts'
import {
  checkOffset,
  checkPartition,
  checkPartitions,
  checkTimeout,
  deadlineOf,
  type WaitOptions,
} from './arguments.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { Assignment, sorted } from './assignment.ts'
import { type ConsumerConfig, type ParsedConsumerOptions, parseConsumerOptions } from './consumer-options.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type {
  CloseOptions,
  CommittedPartition,
  PartitionLag,
  PartitionToRead,
  PollOptions,
} from './consumer-types.ts'
import { Fetcher } from './fetcher.ts'
import type { GroupMetadata } from './group/group-member.ts'
import { checkAssignors, GroupSession, requireGroup } from './group-session.ts'
import { BatchIterator, RecordIterator } from './iterators.ts'
import { MessageBatch } from './message-batch.ts'
import type { OffsetToCommit } from './offset-committer.ts'
import {
  type OffsetForTime,
  OffsetQueries,
  type PartitionInfo,
  type PartitionOffset,
  type PartitionTimestamp,
  type TopicListing,
} from './offset-queries.ts'
import { PositionFinder } from './position-finder.ts'
import { type Chunk, RecordReader } from './record-reader.ts'
import { TopicSubscription } from './topic-subscription.ts'

export type {
  CloseOptions,
  CommittedPartition,
  PartitionLag,
  PartitionToRead,
  PollOptions,
} from './consumer-types.ts'

/**
 * Reads records, by itself (`assign`) or as a member of a group (`subscribe`, or the option `topics`).
 *
 * At least once: what was handed out counts as done, and is committed, when the application asks for more. That is the
 * next turn of a loop or the next `poll`. What is in hand when a loop is left by `break` or by an error stays uncommitted
 * until a later record of its partition is done. In the same consumer a new loop goes on with the next record; a `seek`
 * brings the same one again.
 *
 * One reader at a time: a second ask while one waits is an IllegalStateError.
 */
export class Consumer<K = Buffer | null, V = Buffer | null>
  implements AsyncIterable<ConsumerRecord<K, V>>, AsyncDisposable
{
  readonly #options: ParsedConsumerOptions
  readonly #cluster: Cluster
  readonly #assignment: Assignment
  readonly #reader: RecordReader
  readonly #finder: PositionFinder
  readonly #fetcher: Fetcher
  readonly #queries: OffsetQueries
  readonly #group: GroupSession | null
  /** Who waits for positions that are being looked for. */
  readonly #onSearched = new Set<() => void>()
  /** What is assigned was so by `assign`. */
  #isByHand = false
  #isStarted = false
  #isClosed = false
  #metadataTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | null = null

  /** Connects with the first ask. Throws InvalidOptionError. */
  constructor(options: ConsumerConfig<K, V>) {
    const parsed = parseConsumerOptions(options)
    checkAssignors(parsed)
    this.#options = parsed
    const cluster = new Cluster(
      clusterOptions(parsed, { allowAutoTopicCreation: parsed.allowAutoCreateTopics }),
    )
    const assignment = new Assignment(parsed)
    this.#cluster = cluster
    this.#assignment = assignment
    const onTrouble = (error: KafkaError) => this.#tell(error)
    const reader = new RecordReader(
      { onAsk: () => this.#onAsk(), onRetired: () => this.#fetcher.pump() },
      parsed.maxPollRecords,
    )
    this.#reader = reader
    const onPartitionError = (partition: AssignedPartition, error: KafkaError) => {
      reader.failPartition(partition, error)
      this.#searched()
    }
    const finder = new PositionFinder(cluster, parsed, {
      onPartitionError,
      onTrouble,
      onSearched: () => this.#searched(),
    })
    this.#finder = finder
    const { groupId } = parsed
    this.#fetcher = new Fetcher(cluster, parsed, {
      isShared: () => this.#group?.isSubscribed === true,
      partitions: () => assignment.values(),
      moveToEnd: (partition) => assignment.moveToEnd(partition),
      onFetched: (fetch) => reader.add(fetch),
      onPartitionError,
      onFatal: (error, resume) => reader.fail(error, resume),
      onTrouble,
      findPositions: (partitions) => void finder.find(partitions),
    })
    this.#queries = new OffsetQueries(cluster, parsed)
    this.#group =
      groupId === undefined
        ? null
        : new GroupSession({
            cluster,
            options: { ...parsed, groupId },
            assignment,
            reader,
            finder,
            onTrouble,
            onChange: () => this.#changed(),
          })
    if (parsed.topics !== undefined) this.subscribe(parsed.topics)
  }

  // --- what to read -------------------------------------------------------------------------------------------------

  /** Becomes a member of the group for these topics, instead of those before. None: leaves the group. */
  subscribe(topics: readonly (string | RegExp)[]): void {
    this.#checkOpen()
    const subscription = new TopicSubscription(topics)
    const group = requireGroup(this.#group, 'subscribe()')
    if (this.#isByHand && !subscription.isEmpty) {
      throw new IllegalStateError('subscribe() after assign(): call assign([]) first')
    }
    // Who leaves does not come back for more, so what is in hand would never be done.
    if (subscription.isEmpty) this.#reader.drop()
    group.subscribe(subscription)
  }

  /** Topics that are subscribed to: names, and what the patterns have matched so far. */
  subscription(): string[] {
    return this.#group?.subscription.topics() ?? []
  }

  /**
   * Reads these partitions from now on, and no others; without the group having a say in it. A partition that was
   * assigned before keeps its position, unless an offset is given.
   */
  assign(partitions: readonly PartitionToRead[]): void {
    this.#checkOpen()
    for (const one of checkPartitions(partitions)) if (one.offset !== undefined) checkOffset(one.offset, one)
    if (this.#group?.isSubscribed)
      throw new IllegalStateError('assign() after subscribe(): call subscribe([]) first')
    this.#isByHand = partitions.length > 0
    this.#assignment.keepOnly(partitions)
    const source = this.#group === null ? 'default' : 'committed'
    for (const one of partitions) {
      const held = this.#assignment.get(one)
      // One that is still being handed over to the group goes its own way.
      const isKept = held !== undefined && !held.isRevoking
      const partition = isKept ? held : this.#assignment.add(one, source, true)
      if (one.offset !== undefined) partition.seek(one.offset)
    }
    this.#changed()
  }

  /** By topic and partition. */
  assignment(): TopicPartition[] {
    return this.#assignment.list()
  }

  /** The next record to deliver. Takes effect at once; what was fetched of the old place is dropped. */
  seek(to: TopicPartition & { readonly offset: number }): void {
    this.#checkOpen()
    checkPartition(to)
    checkOffset(to.offset, to)
    this.#assignment.require(to).seek(to.offset)
    this.#changed()
  }

  /** Default: all assigned partitions. The offset is looked up when it is needed. */
  seekToBeginning(partitions?: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) partition.reset('earliest')
    this.#changed()
  }

  /** Default: all assigned partitions. The offset is looked up when it is needed. */
  seekToEnd(partitions?: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) partition.reset('latest')
    this.#changed()
  }

  /** Hands nothing of these out until `resume`; they stay assigned. What was fetched of them is kept while there is room. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) partition.isPaused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) partition.isPaused = false
    this.#changed()
  }

  paused(): TopicPartition[] {
    return sorted(
      [...this.#assignment.values()]
        .filter(({ isPaused }) => isPaused)
        .map(({ topic, partition }) => ({ topic, partition })),
    )
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  /** Record by record. Leaving the loop leaves the consumer open. */
  [Symbol.asyncIterator](): RecordIterator<K, V> {
    this.#checkOpen()
    return new RecordIterator<K, V>(this.#reader)
  }

  /** Batch by batch: the quick way to read many records. A batch is done when the next is asked for. */
  batches(): BatchIterator<MessageBatch<K, V>> {
    this.#checkOpen()
    return new BatchIterator(this.#reader, (chunk) => this.#batchOf(chunk))
  }

  /**
   * What is there, or the first to come within `timeoutMs`; else an empty array. What it gives is done at the next `poll`;
   * before `close` it is so only by `commit()`.
   */
  async poll(options: PollOptions = {}): Promise<ConsumerRecord<K, V>[]> {
    this.#checkOpen()
    const { timeoutMs = 0, maxRecords = this.#options.maxPollRecords, signal } = options
    if (!Number.isInteger(maxRecords) || maxRecords < 1) {
      throw new InvalidArgumentError(`maxRecords must be an integer, at least 1, not ${maxRecords}`)
    }
    const records = await this.#reader.poll(maxRecords, checkTimeout(timeoutMs), signal)
    return records as ConsumerRecord<K, V>[]
  }

  // --- offsets ------------------------------------------------------------------------------------------------------

  /** Offset of the next record to deliver; looked up when it is not known yet. */
  async position(partition: TopicPartition, options: WaitOptions = {}): Promise<number> {
    this.#checkNotClosed()
    checkPartition(partition)
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    const found = this.#assignment.require(partition)
    while (found.position < 0) {
      this.#checkNotClosed()
      if (found.hasFailed) this.#reader.throwErrorOf(found)
      if (!found.isAssigned) this.#assignment.require(partition)
      if (!this.#isStarted || !found.isReady || found.isPaused) void this.#finder.find([found])
      const what = `finding the position of ${partitionKey(partition)}`
      let stop = () => {}
      const searched = new Promise<void>((resolve) => {
        stop = resolve
        this.#onSearched.add(resolve)
      })
      try {
        await deadline.race(searched, what)
      } finally {
        this.#onSearched.delete(stop)
      }
      if (found.position < 0 && !found.hasFailed) await deadline.sleep(this.#options.retryBackoffMs)
    }
    return found.position
  }

  /** What the group has committed, in the order asked for. */
  async committed(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<CommittedPartition[]> {
    this.#checkNotClosed()
    checkPartitions(partitions)
    const { groupId } = requireGroup(this.#group, 'committed()')
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

  /**
   * Commits these offsets (of the next record to read), or all that was delivered: what is in hand included.
   *
   * @throws IllegalStateError without a `groupId`.
   * @throws GroupError PARTITION_NOT_ASSIGNED, REBALANCE_IN_PROGRESS when the group does not have us for its owner.
   * @throws BrokerError when the broker refuses.
   */
  async commit(offsets?: readonly OffsetToCommit[], options: WaitOptions = {}): Promise<void> {
    this.#checkNotClosed()
    const group = requireGroup(this.#group, 'commit()')
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    if (offsets === undefined) return group.commitDelivered(deadline)
    for (const one of checkPartitions(offsets)) checkOffset(one.offset, one)
    await group.commit(offsets, deadline)
  }

  /** Offsets of the first records. Throws InvalidArgumentError for a partition that does not exist. */
  async beginningOffsets(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<PartitionOffset[]> {
    this.#checkOpen()
    return this.#queries.ends(partitions, 'earliest', options)
  }

  /** Offsets after the last records that can be read with the isolation level chosen. */
  async endOffsets(
    partitions: readonly TopicPartition[],
    options: WaitOptions = {},
  ): Promise<PartitionOffset[]> {
    this.#checkOpen()
    return this.#queries.ends(partitions, 'latest', options)
  }

  /** The first records at or after these timestamps. */
  async offsetsForTimes(
    queries: readonly PartitionTimestamp[],
    options: WaitOptions = {},
  ): Promise<OffsetForTime[]> {
    this.#checkOpen()
    return this.#queries.forTimes(queries, options)
  }

  /** How far behind each assigned partition is. Asks nobody: it is from the last fetch. */
  lag(): PartitionLag[] {
    return sorted(
      [...this.#assignment.values()].map(({ topic, partition, position, endOffset }) => ({
        topic,
        partition,
        position: position < 0 ? null : position,
        endOffset: endOffset < 0 ? null : endOffset,
        lag: position < 0 || endOffset < 0 ? null : Math.max(0, endOffset - position),
      })),
    )
  }

  /** Throws BrokerError UNKNOWN_TOPIC_OR_PARTITION after a second, or after `timeoutMs` where that is given. */
  async partitionsFor(topic: string, options: WaitOptions = {}): Promise<PartitionInfo[]> {
    this.#checkOpen()
    return this.#queries.partitionsFor(topic, options)
  }

  /** All topics that we may see, by name. */
  async listTopics(options: WaitOptions = {}): Promise<TopicListing[]> {
    this.#checkOpen()
    return this.#queries.listTopics(options)
  }

  /** Who we are in the group at this moment, for the transactions of a producer. */
  groupMetadata(): GroupMetadata {
    return requireGroup(this.#group, 'groupMetadata()').metadata
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /**
   * Ends loops and polls, commits what is done, leaves the group and closes all connections. What is in hand is not done.
   * May be called again; never rejects for what goes wrong on the way, `onError` is told.
   */
  close({ timeoutMs = 30_000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(new Deadline(checkTimeout(timeoutMs)))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(deadline: Deadline): Promise<void> {
    this.#fetcher.stop()
    await this.#reader.close()
    clearTimeout(this.#metadataTimer)
    await this.#group?.close(deadline)
    this.#isClosed = true
    this.#searched()
    this.#finder.stop()
    this.#assignment.keepOnly([])
    this.#cluster.close()
    await Promise.all([this.#fetcher.ended(), this.#finder.ended()])
  }

  #onAsk(): void {
    if (this.#group?.isSubscribed !== true && this.#assignment.size === 0) {
      throw new IllegalStateError('there is nothing to read: call subscribe() or assign() first')
    }
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#fetcher.start()
      this.#armMetadataTimer()
    }
    this.#group?.onAsk()
  }

  /** Topics of the subscription that were matched by a pattern, or that grow, are found by looking again. */
  #armMetadataTimer(): void {
    const { metadataMaxAgeMs } = this.#options
    this.#metadataTimer = setTimeout(
      () => {
        this.#group?.refreshTopics()
        this.#armMetadataTimer()
      },
      Math.min(Math.max(metadataMaxAgeMs, 100), 0x7fffffff),
    )
  }

  #ours(partitions: readonly TopicPartition[] | undefined): AssignedPartition[] {
    this.#checkOpen()
    if (partitions === undefined) return [...this.#assignment.values()]
    return checkPartitions(partitions).map((one) => this.#assignment.require(one))
  }

  #batchOf({ partition, records, end }: Chunk): MessageBatch<K, V> {
    const { topic, partition: index, highWatermark } = partition
    const about = { topic, partition: index, highWatermark }
    return new MessageBatch(records as ConsumerRecord<K, V>[], about, async () => {
      this.#checkNotClosed()
      const group = requireGroup(this.#group, 'commit()')
      const { leaderEpoch } = records[records.length - 1]!
      const offset = { topic, partition: index, offset: end, leaderEpoch }
      await group.commitBatch(partition, offset, new Deadline(this.#options.defaultApiTimeoutMs))
    })
  }

  #changed(): void {
    this.#fetcher.pump()
    this.#reader.wake()
  }

  #searched(): void {
    for (const resolve of this.#onSearched) resolve()
    this.#onSearched.clear()
    this.#fetcher.pump()
  }

  #tell(error: KafkaError): void {
    try {
      this.#options.onError?.(error)
    } catch (thrown) {
      // Not to be lost, and not to end what was going on: as an event handler's it ends up as an uncaught exception.
      queueMicrotask(() => {
        throw thrown
      })
    }
  }

  /** The hook for revoked partitions runs while the consumer is being closed, and may commit. */
  #checkNotClosed(): void {
    if (this.#isClosed) throw new IllegalStateError('the consumer is closed')
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new IllegalStateError('the consumer is closed')
  }
}

import { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError, InvalidArgumentError } from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import { NetworkMetrics } from '../metrics/network-metrics.ts'
import { clusterOptions } from '../options/cluster-options.ts'
import type { KafkaError } from '../protocol/errors.ts'
import {
  checkLeaderEpoch,
  checkMembershipOperation,
  checkOffset,
  checkPartition,
  checkPartitions,
  checkTimeout,
} from './arguments.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { Assignment } from './assignment.ts'
import type { CommitBeforehand } from './commit-beforehand.ts'
import { ConsumerInterceptors } from './consumer-interceptors.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import { ConsumerOffsets, type OffsetCalls } from './consumer-offsets.ts'
import { type ConsumerConfig, type ParsedConsumerOptions, parseConsumerOptions } from './consumer-options.ts'
import type { OwnPartitions } from './consumer-partitions.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import { type NodeRecordReadable, nodeReadableOf, readableStreamOf } from './consumer-streams.ts'
import type {
  CloseOptions,
  OffsetToSeek,
  PartitionToRead,
  PollOptions,
  StopOptions,
} from './consumer-types.ts'
import { Fetcher } from './fetcher.ts'
import type { GroupMembershipOperation } from './group/group-member.ts'
import { checkAssignors, GroupSession, requireGroup } from './group-session.ts'
import type { ConsumerHealth } from './health.ts'
import { BatchIterator, RecordIterator } from './iterators.ts'
import { MessageBatch } from './message-batch.ts'
import { Monitor } from './monitor.ts'
import { CheckedOffsetCalls } from './offset-calls.ts'
import { OffsetQueries, type TopicQueries } from './offset-queries.ts'
import { PositionFinder } from './position-finder.ts'
import { PositionWait } from './position-wait.ts'
import type { RunOptions } from './processing/run-options.ts'
import { RunSlot } from './processing/run-slot.ts'
import { type Chunk, RecordReader } from './record-reader.ts'
import { RepeatingTimer } from './repeating-timer.ts'
import { alone, Replay, type ReplayOptions } from './replay.ts'
import type { SubscriptionPattern } from './subscription-pattern.ts'
import { tell } from './tell.ts'
import { type TopicOrPattern, TopicSubscription } from './topic-subscription.ts'

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
  extends ConsumerOffsets<K, V>
  implements AsyncIterable<ConsumerRecord<K, V>>, AsyncDisposable
{
  readonly #given: ConsumerConfig<K, V>
  readonly #options: ParsedConsumerOptions
  readonly #cluster: Cluster
  readonly #assignment: Assignment
  readonly #reader: RecordReader
  readonly #finder: PositionFinder
  readonly #fetcher: Fetcher
  readonly #queries: OffsetQueries
  readonly #group: GroupSession | null
  readonly #runs: RunSlot
  readonly #monitor: Monitor
  readonly #metrics: ConsumerMetrics
  readonly #networkMetrics: NetworkMetrics
  readonly #offsets: OffsetCalls
  readonly #positions: PositionWait
  readonly #interceptors: ConsumerInterceptors | null
  readonly #own: OwnPartitions = {
    find: (partitions) =>
      partitions === undefined
        ? [...this.#assignment.values()]
        : checkPartitions(partitions).map((one) => this.#assignment.require(one)),
    checkOpen: () => this.#checkOpen(),
    changed: () => this.#changed(),
  }
  /** What is assigned was so by `assign`. */
  #isByHand = false
  #isStarted = false
  #isClosed = false
  readonly #topicsTimer = new RepeatingTimer()
  #closing: Promise<void> | null = null

  /** Connects with the first ask. Throws InvalidOptionError. */
  constructor(options: ConsumerConfig<K, V>) {
    super()
    const parsed = parseConsumerOptions(options)
    checkAssignors(parsed)
    this.#given = options
    this.#options = parsed
    const windows = { windowMs: parsed.metricsSampleWindowMs, count: parsed.metricsNumSamples }
    const metrics = new ConsumerMetrics(windows)
    this.#metrics = metrics
    this.#networkMetrics = new NetworkMetrics(windows)
    const cluster = new Cluster({
      ...clusterOptions(parsed, { allowAutoTopicCreation: parsed.allowAutoCreateTopics }),
      metrics: this.#networkMetrics,
    })
    const assignment = new Assignment(parsed)
    this.#cluster = cluster
    this.#assignment = assignment
    const onTrouble = (error: KafkaError) => tell(parsed.onError, error)
    const { interceptors = [] } = parsed
    this.#interceptors =
      interceptors.length === 0 ? null : new ConsumerInterceptors(interceptors, parsed.onError)
    const reader = new RecordReader(
      {
        onAsk: () => this.#onAsk(),
        onRetired: () => this.#fetcher.pump(),
        interceptors: this.#interceptors,
        beforehand: parsed.atMostOnce ? this.#beforehand() : null,
      },
      parsed.maxPollRecords,
      metrics,
    )
    this.#reader = reader
    const positions = new PositionWait({
      assignment,
      reader,
      retryBackoffMs: parsed.retryBackoffMs,
      finder: () => this.#finder,
      isStarted: () => this.#isStarted,
      checkNotClosed: () => this.#checkNotClosed(),
    })
    const onPartitionError = (partition: AssignedPartition, error: KafkaError) => {
      reader.failPartition(partition, error)
      this.#searched()
    }
    const finder = new PositionFinder(cluster, parsed, {
      askingMember: () => this.#group?.askingMember ?? null,
      isShared: () => this.#group?.isSubscribed === true,
      onPartitionError,
      onTrouble,
      onSearched: () => this.#searched(),
    })
    this.#finder = finder
    const { groupId } = parsed
    this.#fetcher = new Fetcher(
      cluster,
      parsed,
      {
        isShared: () => this.#group?.isSubscribed === true,
        partitions: () => assignment.values(),
        moveToEnd: (partition) => assignment.moveToEnd(partition),
        onFetched: (fetch) => reader.add(fetch),
        onPartitionError,
        onFatal: (error, resume) => reader.fail(error, resume),
        onTrouble,
        findPositions: (partitions) => void finder.find(partitions),
      },
      metrics,
    )
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
            metrics,
            interceptors: this.#interceptors,
            onTrouble,
            onChange: () => this.#changed(),
          })
    this.#positions = positions
    this.#offsets = new CheckedOffsetCalls({
      options: parsed,
      assignment,
      queries: this.#queries,
      metrics,
      positions,
      group: this.#group,
      checkNotClosed: () => this.#checkNotClosed(),
    })
    this.#runs = new RunSlot({
      reader,
      maxPollRecords: parsed.maxPollRecords,
      defaultApiTimeoutMs: parsed.defaultApiTimeoutMs,
      batchOf: (chunk) => this.#batchOf(chunk) as MessageBatch<unknown, unknown>,
      commitDone: async (deadline) => this.#group?.commitDone(deadline),
      commitTaken: (partition, end, deadline) =>
        requireGroup(this.#group, 'atMostOnce').commitBatch(partition, end, deadline),
      onTrouble,
      onChange: () => this.#changed(),
    })
    const health = {
      reader,
      partitions: () => assignment.values(),
      group: () => (this.#group?.isSubscribed ? this.#group.metadata : null),
      freshMs: parsed.fetchMaxWaitMs + 5000,
    }
    this.#monitor = new Monitor(health, parsed)
    if (parsed.topics !== undefined) this.subscribe(parsed.topics)
  }

  // --- what to read -------------------------------------------------------------------------------------------------

  /** Becomes a member of the group for these topics, instead of those before. None: leaves the group. */
  subscribe(topics: readonly TopicOrPattern[] | SubscriptionPattern): void {
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

  /**
   * Has the group share its partitions out anew, unless it is about that already (KIP-568). The broker logs the reason.
   * With `groupProtocol: 'consumer'` it does nothing, as in Java: when is up to the broker.
   */
  enforceRebalance(reason = 'the application asked for a rebalance'): void {
    this.#checkOpen()
    requireGroup(this.#group, 'enforceRebalance()').enforceRebalance(reason)
  }

  /** Topics that are subscribed to: names, and what the patterns have matched so far. */
  subscription(): string[] {
    return this.#group?.topics() ?? []
  }

  /**
   * Reads these partitions from now on, and no others; without the group having a say in it. A partition that was
   * assigned before keeps its position, unless an offset is given.
   */
  assign(partitions: readonly PartitionToRead[]): void {
    this.#checkOpen()
    for (const one of checkPartitions(partitions)) {
      if (one.offset !== undefined) checkOffset(one.offset, one)
      checkLeaderEpoch(one.leaderEpoch, one)
    }
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
      if (one.offset !== undefined) partition.seekUnchecked(one.offset, one.leaderEpoch ?? -1)
    }
    this.#changed()
  }

  /**
   * The next record to deliver. Takes effect at once; what was fetched of the old place is dropped. With a leader epoch the
   * leader is asked first whether its log still has what was before it.
   */
  seek(to: OffsetToSeek): void {
    this.#checkOpen()
    checkPartition(to)
    checkOffset(to.offset, to)
    checkLeaderEpoch(to.leaderEpoch, to)
    this.#assignment.require(to).seekUnchecked(to.offset, to.leaderEpoch ?? -1)
    this.#changed()
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

  /**
   * Calls a handler for each message or batch, until `stop()` or `close()`: several at a time where the order allows it, and
   * with a decision for those that fail. What is handled without a gap is committed. Rejects with what a handler failed
   * with, when that decides to stop, once the others at work have ended; that message is then read again.
   *
   * @throws InvalidArgumentError for options that cannot be right; IllegalStateError while records are read otherwise.
   */
  async run(options: RunOptions<K, V>): Promise<void> {
    this.#checkOpen()
    const atMostOnce = options.atMostOnce || this.#options.atMostOnce
    if (atMostOnce) {
      requireGroup(this.#group, 'atMostOnce')
      if (!this.#options.enableAutoOffsetStore) {
        throw new InvalidArgumentError(
          'run(): atMostOnce commits by itself: not with enableAutoOffsetStore: false',
        )
      }
    }
    await this.#runs.run({ ...options, atMostOnce })
  }

  /** Ends `run()`: waits for handlers at work, commits what is done. Not to be awaited by a handler. */
  async stop({ timeoutMs = 30_000 }: StopOptions = {}): Promise<void> {
    await this.#runs.stop(new Deadline(checkTimeout(timeoutMs)))
  }

  /** Records as a Readable of `node:stream`. What was handed to the next stage of a pipeline counts as done. */
  readable(): NodeRecordReadable {
    return nodeReadableOf(this[Symbol.asyncIterator]())
  }

  /** Records as a WHATWG stream, with the same rule. */
  readableStream(): ReadableStream<ConsumerRecord<K, V>> {
    return readableStreamOf(this[Symbol.asyncIterator]())
  }

  /**
   * The records of a fixed range, in a loop that ends by itself: read by a consumer of its own with the options of this
   * one, without a group. Nothing is committed, and nothing changes for this consumer.
   */
  replay(options: ReplayOptions): Replay<K, V> {
    this.#checkOpen()
    return new Replay(async (state) => {
      const { readReplay } = await import('./replay-reader.ts')
      const consumer = new Consumer<K, V>({ ...this.#given, ...alone })
      return readReplay(consumer, options, options.timeoutMs ?? this.#options.defaultApiTimeoutMs, state)
    })
  }

  // --- what there is to know ----------------------------------------------------------------------------------------

  /** How each partition does, and what it waits for. Asks nobody. */
  health(): Promise<ConsumerHealth> {
    return this.#monitor.health()
  }

  /**
   * What this consumer has measured, under the names that Java's has: averages, maxima and rates of the last
   * `metricsNumSamples` windows of `metricsSampleWindowMs`, totals of its whole life.
   */
  async metrics(): Promise<Metric[]> {
    const { listConsumerMetrics } = await import('./consumer-metric-list.ts')
    return listConsumerMetrics({
      clientId: this.#options.clientId,
      consumer: this.#metrics,
      network: this.#networkMetrics,
      partitions: [...this.#assignment.values()],
      lastPollAt: this.#reader.lastAskAt(),
      nodeAt: (address) => this.#cluster.metadata.nodeAt(address),
    })
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /**
   * Ends loops and polls, commits what is done, leaves the group and closes all connections. What is in hand is not done.
   * May be called again; never rejects for what goes wrong on the way, `onError` is told.
   */
  close({ timeoutMs = 30_000, groupMembershipOperation }: CloseOptions = {}): Promise<void> {
    checkMembershipOperation(groupMembershipOperation)
    this.#closing ??= this.#close(new Deadline(checkTimeout(timeoutMs)), groupMembershipOperation)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(deadline: Deadline, operation?: GroupMembershipOperation): Promise<void> {
    const runs = this.#runs.stop(deadline)
    // In this turn: a loop that closes the consumer and asks again would get one more record, and nobody commits that.
    this.#reader.end()
    await runs
    this.#fetcher.stop()
    await this.#reader.close()
    this.#topicsTimer.stop()
    this.#monitor.stop()
    await this.#group?.close(deadline, operation)
    this.#isClosed = true
    this.#searched()
    this.#finder.stop()
    this.#assignment.keepOnly([])
    this.#cluster.close()
    this.#interceptors?.close()
    await Promise.all([this.#fetcher.ended(), this.#finder.ended()])
  }

  #beforehand(): CommitBeforehand {
    const { defaultApiTimeoutMs, onError } = this.#options
    return {
      commit: (offsets, signal) => this.#group!.commit(offsets, new Deadline(defaultApiTimeoutMs, signal)),
      onTrouble: (error) => tell(onError, error),
      onChange: () => this.#changed(),
    }
  }

  protected override queries(): TopicQueries {
    this.#checkOpen()
    return this.#queries
  }

  #onAsk(): void {
    if (this.#group?.isSubscribed !== true && this.#assignment.size === 0) {
      throw new IllegalStateError('there is nothing to read: call subscribe() or assign() first')
    }
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#fetcher.start()
      // Topics that have come to match a pattern, or have grown, are found by looking again.
      this.#topicsTimer.start(this.#options.metadataMaxAgeMs, () => this.#group?.refreshTopics())
      this.#monitor.start()
    }
    this.#group?.onAsk()
  }

  protected override own(): OwnPartitions {
    return this.#own
  }

  protected override offsets(): OffsetCalls {
    return this.#offsets
  }

  #batchOf({ partition, records, end, endEpoch }: Chunk): MessageBatch<K, V> {
    const { topic, partition: index, highWatermark } = partition
    const about = { topic, partition: index, highWatermark }
    return new MessageBatch(records as ConsumerRecord<K, V>[], about, async () => {
      this.#checkNotClosed()
      const group = requireGroup(this.#group, 'commit()')
      const offset = { topic, partition: index, offset: end, leaderEpoch: endEpoch }
      await group.commitBatch(partition, offset, new Deadline(this.#options.defaultApiTimeoutMs))
    })
  }

  #changed(): void {
    this.#fetcher.pump()
    this.#reader.wake()
  }

  #searched(): void {
    this.#positions.searched()
    this.#fetcher.pump()
  }

  /** The hook for revoked partitions runs while the consumer is being closed, and may commit. */
  #checkNotClosed(): void {
    if (this.#isClosed) throw new IllegalStateError('the consumer is closed')
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new IllegalStateError('the consumer is closed')
  }
}

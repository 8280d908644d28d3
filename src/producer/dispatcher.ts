import type { Cluster } from '../cluster/cluster.ts'
import type { TopicMetadata } from '../cluster/metadata.ts'
import { partitionKey } from '../cluster/partition-leaders.ts'
import { safeNumber } from '../cluster/safe-number.ts'
import { Deadline } from '../deadline.ts'
import { messageOf } from '../errors.ts'
import { brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { HeadersInput } from '../protocol/records/record-header.ts'
import {
  answersByPartition,
  BrokerSender,
  type ProduceAnswer,
  type QueuedBatch,
  type SenderOptions,
  type SenderOwner,
} from './broker-sender.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { Candidate } from './candidate.ts'
import type { BatchDelivered, Delivery } from './delivery.ts'
import { DepartureGate } from './departure-gate.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { FlushTracker } from './flush-tracker.ts'
import type { BatchFactory, PartitionQueue } from './partition-queue.ts'
import { ProducerBatch } from './producer-batch.ts'
import type { IdentitySource } from './producer-identity.ts'
import {
  codeOf,
  failRecords,
  mayBeAppended,
  type ProduceAnswerOfPartition,
  type RefusedRecords,
} from './refused-records.ts'
import { Senders } from './senders.ts'
import { StaleTopics } from './stale-topics.ts'
import { type PartitioningOptions, TopicState } from './topic-state.ts'
import { WriterPool } from './writer-pool.ts'

export interface DispatcherOptions extends PartitioningOptions, SenderOptions {
  readonly deliveryTimeoutMs: number
  readonly retries: number
}

/** Java's ADD_PARTITIONS_RETRY_BACKOFF_MS; since KIP-890 it is the leaders that add partitions. */
const concurrentBackoffMs = 20

/** Bytes of buffers that are kept for the next batches while nobody needs them. */
const idleBytes = 16 * 1024 * 1024

/**
 * Takes records into the queues of their partitions, gives each queue to the sender of the broker that leads it, and
 * decides what becomes of a batch: confirmed, sent again, split, or failed.
 */
export class Dispatcher implements SenderOwner {
  readonly flushes = new FlushTracker()
  readonly gate: DepartureGate
  readonly senders: Senders
  readonly #cluster: Cluster
  readonly #options: DispatcherOptions
  readonly #memory: BufferMemory
  readonly #topics = new Map<string, TopicState>()
  readonly #pool: WriterPool
  readonly #batches: BatchFactory
  readonly #stopListening: () => void
  #unsettled = 0
  readonly #expiry: ExpiryTimer
  readonly #stale: StaleTopics
  #isClosed = false

  constructor(
    cluster: Cluster,
    options: DispatcherOptions,
    memory: BufferMemory,
    identities: IdentitySource,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#memory = memory
    this.senders = new Senders((nodeId) => new BrokerSender(nodeId, cluster, options, this))
    this.#pool = new WriterPool(options.batchSize, idleBytes)
    this.#expiry = new ExpiryTimer(options.deliveryTimeoutMs, (latest) => this.#expire(latest))
    this.#batches = {
      create: (topic, partition, ordinal) => {
        const generation = this.flushes.generation
        return new ProducerBatch(topic, partition, ordinal, generation, performance.now(), this.#pool)
      },
      opened: (batch) => this.#opened(batch),
    }
    this.#stale = new StaleTopics(
      cluster.metadata,
      options.retryBackoffMs,
      (name) => this.#topics.get(name)?.queues.some((queue) => queue?.hasWaiting) ?? false,
    )
    this.gate = new DepartureGate(identities, {
      wakeAll: () => this.senders.wakeAll(),
      onRefused: (error) => this.drop(error),
      onUnavailable: () => this.#later(options.retryBackoffMs, () => this.senders.wakeAll()),
    })
    this.#stopListening = cluster.metadata.onUpdate(() => this.#followLeaders())
  }

  get isFlushing(): boolean {
    return this.flushes.isFlushing
  }

  /** What is kept of a topic; null while nothing is known of it. */
  topic(name: string): TopicState | null {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const metadata = this.#cluster.metadata.get(name)
    return metadata === null ? null : this.#addTopic(metadata)
  }

  #addTopic(metadata: TopicMetadata): TopicState {
    const state = new TopicState(metadata, this.#options, this.#batches, {
      rackOf: (nodeId) => this.#cluster.metadata.nodes.get(nodeId)?.rack ?? null,
      blockedMs: (nodeId) => this.senders.find(nodeId)?.blockedMs ?? 0,
    })
    this.#topics.set(metadata.name, state)
    return state
  }

  /** Adds a record to its partition's queue. Throws what makes it impossible; nothing has happened then. */
  append(
    topic: TopicState,
    partition: number | undefined,
    timestamp: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: HeadersInput | undefined,
    delivery: Delivery,
  ): void {
    const queue = topic.queueFor(partition, key, value)
    const wasEmpty = !queue.hasWaiting
    const bytes = queue.append(timestamp, key, value, headers, delivery)
    this.#memory.take(bytes)
    if (partition === undefined) topic.used(key, bytes)
    // Without a leader the first record asks for it; the others need not ask again.
    const sender = queue.sender ?? (wasEmpty ? this.#assign(topic, queue) : null)
    if (sender === null) return
    if (wasEmpty) {
      sender.add(queue)
      sender.wake()
    } else if (queue.isFull && sender.hasRoom) {
      if (queue.isLarge) sender.push()
      else sender.wake()
    }
  }

  appendCandidate(topic: TopicState, candidate: Candidate): void {
    const { partition, timestamp, key, value, headers, delivery } = candidate
    this.append(topic, partition, timestamp, key, value, headers, delivery)
  }

  /** Lets everything leave that was appended so far, and resolves when all of it is settled. */
  async flush(): Promise<void> {
    const release = this.flushes.hold()
    try {
      const over = this.flushes.end()
      for (const topic of this.#topics.values()) {
        for (const queue of topic.queues) queue?.closeOpen()
      }
      this.senders.wakeAll()
      await over
    } finally {
      release()
    }
  }

  /** Fails whatever is not confirmed, and stops all work. */
  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.#stale.close()
    this.#expiry.stop()
    this.senders.close()
    for (const queue of this.#queues()) {
      for (const batch of queue.batches()) {
        this.#fail(queue, batch, 'PRODUCER_CLOSED', 'the producer was closed before it was confirmed')
      }
    }
    this.#pool.clear()
  }

  /** Fails what has not left and what waits for another attempt; what is in flight stays. */
  drop(error: Error): void {
    if (!this.#isClosed) this.#failWaiting(this.#queues(), error)
  }

  onSettled(): void {
    this.senders.settled()
  }

  onWritten(batches: readonly QueuedBatch[]): void {
    for (const { queue, batch } of batches) this.#confirm(queue, batch, -1n, -1n)
  }

  onAnswer(sender: BrokerSender, batches: readonly QueuedBatch[], answer: ProduceAnswer): void {
    const answers = answersByPartition(answer)
    const stale = new Set<string>()
    for (const item of batches) {
      const mine = answers.get(partitionKey(item.batch))
      if (mine === undefined) {
        item.batch.maybePersisted = true
        this.#giveUp(item, 'INVALID_RESPONSE', "the broker's answer leaves it out")
      } else if (mine.errorCode === errorCodes.none) {
        this.#confirm(item.queue, item.batch, mine.baseOffset, mine.logAppendTimeMs)
      } else {
        this.#refused(item, mine, answer, sender, stale)
      }
    }
    if (stale.size > 0) this.#stale.refresh(stale)
  }

  onNoAnswer(sender: BrokerSender, batches: readonly QueuedBatch[], error: Error, wasSent: boolean): void {
    const retriable = error instanceof KafkaError && error.retriable
    for (const item of batches) {
      if (wasSent) item.batch.maybePersisted = true
      if (retriable) this.#repeat(item, error, item.queue.sender !== sender)
      else this.#giveUp(item, codeOf(error), error.message, error)
    }
    if (retriable) this.#stale.refresh(new Set(batches.map(({ batch }) => batch.topic)))
  }

  onUnreachable(sender: BrokerSender, error: Error): void {
    const queues = [...sender.queues]
    if (!(error instanceof KafkaError && error.retriable)) {
      // Wrong credentials, an untrusted certificate: nothing that waiting could mend.
      this.#failWaiting(queues, error)
      return sender.wake()
    }
    this.#stale.refresh(new Set(queues.map((queue) => queue.topic)))
    this.#later(this.#options.retryBackoffMs, () => sender.wake())
  }

  #refused(
    item: QueuedBatch,
    answer: ProduceAnswerOfPartition,
    { response, topicNames }: ProduceAnswer,
    sender: BrokerSender,
    stale: Set<string>,
  ): void {
    const { queue, batch } = item
    const { errorCode } = answer
    const info = brokerErrorInfo(errorCode)
    const text = answer.errorMessage ?? info.meaning
    switch (errorCode) {
      case errorCodes.duplicateSequenceNumber:
        // It was in the log already: an earlier attempt had come through. Where, the broker no longer knows.
        return this.#confirm(queue, batch, -1n, -1n)
      case errorCodes.messageTooLarge:
      case errorCodes.recordListTooLarge:
        // What may be in the log as a whole would not be known by its parts, and be written a second time.
        if (
          batch.count > 1 &&
          !this.#isOver(batch) &&
          !(batch.maybePersisted && batch.stamp.baseSequence >= 0)
        ) {
          return this.#split(queue, batch)
        }
        break
      case errorCodes.outOfOrderSequenceNumber:
      case errorCodes.unknownProducerId:
      case errorCodes.invalidProducerEpoch:
        if (batch.stamp.baseSequence >= 0) return this.#outOfSequence(item, errorCode, info.name, text)
    }
    if (mayBeAppended(answer)) batch.maybePersisted = true
    if (!info.retriable) return this.#giveUp(item, info.name, text, undefined, answer.recordErrors)
    let isMoved = false
    if (info.staleMetadata) {
      const { metadata } = this.#cluster
      const id = metadata.get(batch.topic)?.id ?? null
      // Of a topic that has been made anew since, the leaders of before say nothing, and their epochs would be newer for ever.
      if (id === null || topicNames.has(id)) {
        metadata.hint(batch.topic, batch.partition, answer.currentLeader, response.nodeEndpoints)
      }
      // By this hint, or by one that an earlier batch has brought.
      isMoved = queue.sender !== sender
      if (!isMoved) stale.add(batch.topic)
    }
    this.#repeat(item, new KafkaError(info.name, text, { retriable: true }), isMoved)
  }

  /** The broker has another idea of which number comes next. */
  #outOfSequence(item: QueuedBatch, errorCode: number, name: string, text: string): void {
    const { queue, batch } = item
    // With an earlier batch unanswered or waiting to be repeated this is the gap that it leaves: no news.
    if (!queue.isFirst(batch)) {
      return this.#repeat(item, new KafkaError(name, text, { retriable: true }), true)
    }
    // Under another epoch it would be no part of the transaction.
    if (this.gate.transactions !== null) return this.#giveUp(item, name, text)
    queue.requireNewEpoch()
    // A broker that forgot the producer cannot tell whether it has the batch: sending it under a new number could
    // write it twice. OUT_OF_ORDER, by contrast, says that it is not there: a broker knows the last five batches.
    if (errorCode !== errorCodes.outOfOrderSequenceNumber && batch.maybePersisted) {
      return this.#giveUp(item, name, text)
    }
    batch.maybePersisted = false
    this.#repeat(item, new KafkaError(name, text, { retriable: true }), batch.attempts === 1)
  }

  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    // Half of it, so that a limit that nobody tells us is found in a few steps; and kept to from then on.
    const maxBytes = Math.ceil(batch.size / 2)
    const { reserved } = batch
    const parts = batch.split(maxBytes)
    this.#options.metrics.splits.record(1, performance.now())
    queue.replace(batch, parts, maxBytes)
    batch.release()
    this.#memory.take(parts.reduce((sum, part) => sum + part.reserved, 0))
    this.#memory.free(reserved)
    this.#unsettled += parts.length - 1
    this.flushes.add(batch.generation, parts.length - 1)
    this.#wake(queue)
  }

  /** Whether it must not be sent again: the application has been told already, or its transaction does not go on. */
  #isOver(batch: ProducerBatch): boolean {
    return this.#isClosed || batch.isSettled || this.gate.transactions?.goesOn === false
  }

  /** Sends it again, unless that has been done often enough or it is over. */
  #repeat(item: QueuedBatch, error: KafkaError, immediately: boolean): void {
    const { queue, batch } = item
    if (this.#isOver(batch) || batch.attempts > this.#options.retries) {
      return this.#giveUp(item, error.code, error.message, error)
    }
    this.#options.metrics.retried(batch)
    // The transaction before is still being ended, which takes milliseconds.
    const isConcurrent = error.code === 'CONCURRENT_TRANSACTIONS'
    const now = performance.now()
    queue.requeue(batch, { now, immediately, ...(isConcurrent ? { withinMs: concurrentBackoffMs } : {}) })
    this.#wake(queue)
  }

  #confirm(queue: PartitionQueue, batch: ProducerBatch, baseOffset: bigint, logAppendTime: bigint): void {
    let where: BatchDelivered
    try {
      const { topic, partition } = batch
      safeNumber(baseOffset + BigInt(batch.count), 'offset', batch)
      where = {
        topic,
        partition,
        baseOffset: safeNumber(baseOffset, 'offset', batch),
        logAppendTime: safeNumber(logAppendTime, 'timestamp', batch),
      }
    } catch (error) {
      batch.maybePersisted = true
      return this.#giveUp({ queue, batch }, 'INVALID_RESPONSE', messageOf(error), error as Error)
    }
    queue.confirm(batch)
    this.#wake(queue)
    this.#free(batch)
    if (batch.isSettled) return
    this.#settled(batch)
    batch.delivered(where)
  }

  /** No further attempt for a batch that was in flight. */
  #giveUp(
    { queue, batch }: QueuedBatch,
    code: string,
    reason: string,
    cause?: Error,
    refused?: RefusedRecords,
  ): void {
    queue.finish(batch)
    this.#fail(queue, batch, code, reason, cause, refused)
    this.#wake(queue)
  }

  #fail(
    queue: PartitionQueue,
    batch: ProducerBatch,
    code: string,
    reason: string,
    cause?: Error,
    refused?: RefusedRecords,
  ): void {
    // Its numbers, if it had any, may be missing in the log now: the broker would refuse what follows.
    if (batch.stamp.baseSequence >= 0) queue.requireNewEpoch()
    if (!queue.isInFlight(batch)) queue.drop(batch)
    if (!batch.isSettled) {
      const persisted = batch.maybePersisted || queue.isInFlight(batch) ? 'possibly' : 'no'
      this.#settled(batch)
      this.#options.metrics.failed(batch)
      const about = { topic: batch.topic, partition: batch.partition, cause }
      const ends = this.gate.transactions?.failed(
        new KafkaError(code, reason, about),
        batch.stamp.baseSequence >= 0,
      )
      failRecords(batch, persisted, code, reason, cause, refused, ends)
    }
    // A request on its way still reads from the buffer. What is given back here could be written over by then.
    if (!queue.isInFlight(batch)) this.#free(batch)
  }

  #free(batch: ProducerBatch): void {
    batch.release()
    const { reserved } = batch
    batch.reserved = 0
    this.#memory.free(reserved)
  }

  #opened(batch: ProducerBatch): void {
    this.flushes.add(batch.generation)
    this.#unsettled++
    this.#expiry.watch(batch.createdAt)
    // Where the answer is too old, this asks for a new one in the background.
    this.#cluster.metadata.get(batch.topic)
  }

  #settled(batch: ProducerBatch): void {
    this.flushes.settled(batch.generation)
    if (--this.#unsettled === 0) this.#expiry.stop()
  }

  /** Fails what was created before `latest`, and gives when the oldest that is left was created. */
  #expire(latest: number): number {
    const { deliveryTimeoutMs } = this.#options
    let oldest = Number.POSITIVE_INFINITY
    for (const queue of this.#queues()) {
      for (const batch of queue.batches()) {
        if (batch.isSettled) continue
        if (batch.createdAt > latest) {
          oldest = Math.min(oldest, batch.createdAt)
          continue
        }
        const reason = `not confirmed within deliveryTimeoutMs (${deliveryTimeoutMs}) after ${batch.attempts} attempts`
        this.#fail(queue, batch, 'DELIVERY_TIMEOUT', reason)
      }
    }
    return oldest
  }

  /** Those in flight get their answer. */
  #failWaiting(queues: Iterable<PartitionQueue>, error: Error): void {
    for (const queue of queues) {
      for (const batch of queue.batches()) {
        if (!queue.isInFlight(batch)) this.#fail(queue, batch, codeOf(error), error.message, error)
      }
    }
  }

  /** Gives the queue to the sender of its leader; null while there is none. */
  #assign(topic: TopicState, queue: PartitionQueue): BrokerSender | null {
    const leader = topic.metadata.partitions[queue.partition]?.leader ?? -1
    if (leader < 0) {
      this.#stale.refresh(new Set([topic.name]))
      return null
    }
    const sender = this.senders.of(leader)
    queue.moveTo(sender)
    return sender
  }

  /** After each change of metadata: queues go where their leader is. */
  #followLeaders(): void {
    let leaderless: Set<string> | null = null
    for (const topic of this.#topics.values()) {
      const metadata = this.#cluster.metadata.peek(topic.name)
      if (metadata === null) continue
      // An answer with an error changes nothing, but who waits for a leader has none yet.
      const isRefused = this.#cluster.metadata.errorCode(topic.name) !== errorCodes.none
      if (metadata === topic.metadata && !isRefused) continue
      const isAnew = topic.update(metadata)
      for (const queue of topic.queues) {
        if (queue === undefined) continue
        if (isAnew) queue.beginLog()
        const leader = metadata.partitions[queue.partition]?.leader ?? -1
        if (leader >= 0 && leader !== queue.sender?.nodeId) this.#assign(topic, queue)
        else if (leader < 0 && queue.hasWaiting) {
          leaderless ??= new Set()
          leaderless.add(topic.name)
        }
      }
    }
    if (leaderless !== null) this.#stale.refresh(leaderless)
  }

  /** Its sender may be another one than that whose answer has made way. */
  #wake(queue: PartitionQueue): void {
    if (queue.sender === null || this.#isClosed || !queue.hasWaiting) return
    queue.sender.add(queue)
    queue.sender.wake()
  }

  #later(ms: number, work: () => void): void {
    // Rejects when the client is closed, and then there is nothing more to do.
    this.#cluster.pause(ms, new Deadline(ms)).then(work, () => {})
  }

  *#queues(): Generator<PartitionQueue> {
    for (const topic of this.#topics.values()) {
      for (const queue of topic.queues) if (queue !== undefined) yield queue
    }
  }
}

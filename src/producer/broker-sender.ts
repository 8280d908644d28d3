import type { Cluster } from '../cluster/cluster.ts'
import { byTopic, partitionKey } from '../cluster/partition-leaders.ts'
import { longestTimerMs } from '../deadline.ts'
import type { Connection } from '../network/connection.ts'
import { type ProduceRequest, type ProduceResponse, produce } from '../protocol/apis/produce.ts'
import type { Compressor } from '../protocol/compression/codec.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { DepartureGate } from './departure-gate.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ProducerMetrics } from './producer-metrics.ts'

export interface SenderOptions {
  /** As on the wire: -1, 0 or 1. */
  readonly acks: number
  readonly requestTimeoutMs: number
  readonly maxInFlight: number
  readonly maxRequestSize: number
  readonly codec: Compressor | null
  readonly metrics: ProducerMetrics
}

/**
 * Records of a request up to which they are compressed at once. Measured with gzip and zstd: for 4 kB the way to another
 * thread and back takes this one as long as the work itself, and twice as long until it is done; 1 MB would hold up
 * everything else for 7 (zstd) or 20 ms (gzip).
 */
const littleBytes = 4096

export interface QueuedBatch {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

/** A response, with the names of the topics by the ids that the request had for them. */
export interface ProduceAnswer {
  readonly response: ProduceResponse
  readonly topicNames: ReadonlyMap<string, string>
}

/** What becomes of requests, and what a sender must know of the producer. */
export interface SenderOwner {
  readonly gate: DepartureGate
  /** Everything is to be sent, whatever `lingerMs` says. */
  readonly isFlushing: boolean
  /** The broker has answered. */
  onAnswer(sender: BrokerSender, batches: readonly QueuedBatch[], response: ProduceAnswer): void
  /** The request was written, and acks is 0: there is no answer. */
  onWritten(batches: readonly QueuedBatch[]): void
  /** No answer will come. `wasSent`: the request was written, and what is in it may be in the log. */
  onNoAnswer(sender: BrokerSender, batches: readonly QueuedBatch[], error: Error, wasSent: boolean): void
  /** The broker cannot be reached, or refuses us. */
  onUnreachable(sender: BrokerSender, error: Error): void
  /** What became of a request has been told by one of these, and there is one less on its way. */
  onSettled(): void
}

/**
 * Sends to one broker: as many requests in flight as allowed, in each the next batch of every partition that has one
 * due. Requests are written in the order in which their batches were taken.
 */
export class BrokerSender {
  readonly nodeId: number
  readonly #cluster: Cluster
  readonly #options: SenderOptions
  readonly #owner: SenderOwner
  /** Partitions that this broker leads and that have something to send. */
  readonly #queues = new Set<PartitionQueue>()
  #inFlight = 0
  #isConnecting = false
  #hasConnected = false
  #isScheduled = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** Compressed requests wait for each other here, so that a quick compression does not overtake a slow one. */
  #writing: Promise<void> | null = null
  #isClosed = false
  /** Since when something is there that cannot leave, monotonic milliseconds; null: nothing is held up. */
  #blockedSince: number | null = null

  constructor(nodeId: number, cluster: Cluster, options: SenderOptions, owner: SenderOwner) {
    this.nodeId = nodeId
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
  }

  get queues(): ReadonlySet<PartitionQueue> {
    return this.#queues
  }

  /** For how long something has waited that could not leave: no connection, or all requests unanswered. */
  get blockedMs(): number {
    return this.#blockedSince === null ? 0 : performance.now() - this.#blockedSince
  }

  add(queue: PartitionQueue): void {
    this.#queues.add(queue)
  }

  remove(queue: PartitionQueue): void {
    this.#queues.delete(queue)
  }

  /** Something may be there to be sent, once the work of this turn is done: what is added until then goes along. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#pump()
    })
  }

  /**
   * Sends what is due in the middle of a turn, down to the socket: a loop that sends thousands of records without
   * letting go would otherwise begin the brokers' work only when its own is done.
   */
  push(): void {
    this.#pump()
    this.#cluster.broker(this.nodeId)?.ready('main')?.flush()
  }

  /** Whether a full batch would be sent at once. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#options.maxInFlight
  }

  /** Whether no request is on its way. */
  get isIdle(): boolean {
    return this.#inFlight === 0
  }

  close(): void {
    this.#isClosed = true
    this.#queues.clear()
    this.#disarm()
  }

  #pump(): void {
    while (!this.#isClosed && this.hasRoom && this.#queues.size > 0) {
      const broker = this.#cluster.broker(this.nodeId)
      const connection = broker?.ready('main') ?? null
      if (connection === null) {
        // What has timed out meanwhile needs no connection: a broker that is gone would be asked for for ever.
        for (const queue of this.#queues) if (!queue.hasWaiting) this.#queues.delete(queue)
        if (this.#queues.size === 0) break
        this.#blockedSince ??= performance.now()
        return this.#connect()
      }
      this.#blockedSince = null
      const batches = this.#collect()
      if (batches.length === 0) return
      this.#transmit(connection, batches)
    }
    if (this.#queues.size === 0) this.#blockedSince = null
    else if (!this.hasRoom) this.#blockedSince ??= performance.now()
  }

  #connect(): void {
    if (this.#isConnecting) return
    this.#isConnecting = true
    const connecting = async () => this.#cluster.requireBroker(this.nodeId).connection('main')
    connecting().then(
      () => {
        this.#isConnecting = false
        // With acks 0 hanging up is all that a broker can say to what it does not lead any more.
        if (this.#options.acks === 0 && this.#hasConnected) this.#askForLeaders()
        this.#hasConnected = true
        this.#pump()
      },
      (error: Error) => {
        this.#isConnecting = false
        if (!this.#isClosed) this.#owner.onUnreachable(this, error)
      },
    )
  }

  #askForLeaders(): void {
    const topics = new Set<string>()
    for (const { topic } of this.#queues) topics.add(topic)
    // Should it fail: the next connection that is lost asks again.
    this.#cluster.metadata.refresh(topics).catch(() => {})
  }

  /** The next batch of each partition, as many as one request takes. */
  #collect(): QueuedBatch[] {
    const now = performance.now()
    const readiness = { now, isUrgent: this.#owner.isFlushing || this.#inFlight === 0 }
    const taken: QueuedBatch[] = []
    let size = 0
    let wakeAt = Number.POSITIVE_INFINITY
    for (const queue of this.#queues) {
      if (!queue.hasWaiting) {
        this.#queues.delete(queue)
        continue
      }
      const batch = queue.next(readiness)
      if (batch === null) {
        wakeAt = Math.min(wakeAt, queue.wakeAt(now))
        continue
      }
      if (!this.#owner.gate.admits(queue)) continue
      if (taken.length > 0 && size + batch.size > this.#options.maxRequestSize) break
      size += batch.size
      queue.take(batch, this.#owner.gate.identity)
      taken.push({ queue, batch })
    }
    // To the end of the line: what did not fit this time comes first the next time.
    for (const { queue } of taken) {
      this.#queues.delete(queue)
      if (queue.hasWaiting) this.#queues.add(queue)
    }
    if (taken.length === 0 && wakeAt < Number.POSITIVE_INFINITY) this.#arm(wakeAt)
    return taken
  }

  #transmit(connection: Connection, batches: readonly QueuedBatch[]): void {
    this.#inFlight++
    const { codec } = this.#options
    const topicIds = this.#topicIds(batches)
    if (codec === null) return this.#write(connection, batches, topicIds)
    if (this.#writing === null && bytesOf(batches) <= littleBytes) {
      try {
        for (const { batch } of batches) batch.compressSync(codec)
      } catch (error) {
        return this.#settle(() => this.#owner.onNoAnswer(this, batches, error as Error, false))
      }
      return this.#write(connection, batches, topicIds)
    }
    // Begun now, so that the requests of all slots are compressed at the same time.
    const compressed = Promise.all(batches.map(({ batch }) => batch.compress(codec)))
    compressed.catch(() => {})
    const before = this.#writing ?? Promise.resolve()
    const writing = before
      .then(() => compressed)
      .then(
        () => this.#write(connection, batches, topicIds),
        (error: Error) => this.#settle(() => this.#owner.onNoAnswer(this, batches, error, false)),
      )
      .finally(() => {
        if (this.#writing === writing) this.#writing = null
      })
    this.#writing = writing
  }

  /**
   * The id of each topic, by name; null where none is told. They are those of the turn in which the batches were taken:
   * with a topic that is made anew while they are compressed, they would else get into the new log before what was sent
   * to the one before and is to be sent again.
   */
  #topicIds(batches: readonly QueuedBatch[]): Map<string, string | null> {
    const { metadata } = this.#cluster
    const ids = new Map<string, string | null>()
    for (const { batch } of batches) {
      if (!ids.has(batch.topic)) ids.set(batch.topic, metadata.get(batch.topic)?.id ?? null)
    }
    return ids
  }

  #write(
    connection: Connection,
    batches: readonly QueuedBatch[],
    topicIds: ReadonlyMap<string, string | null>,
  ): void {
    const { metrics } = this.#options
    const sentAt = performance.now()
    metrics.requested(batches, sentAt)
    // By the time of the answer a topic can have another id: somebody has made it anew.
    const topicNames = new Map<string, string>()
    for (const [name, id] of topicIds) if (id !== null) topicNames.set(id, name)
    let isEncoded = false
    const body = (version: number) => {
      const request = this.#request(batches, version, topicIds)
      isEncoded = true
      return request
    }
    const options = { maxVersion: this.#highestVersion(topicIds) }
    const failed = (error: Error) => {
      const wasSent = isEncoded && !(error instanceof KafkaError && error.code === 'UNENCODABLE')
      this.#settle(() => this.#owner.onNoAnswer(this, batches, error, wasSent))
    }
    if (this.#options.acks === 0) {
      connection
        .sendUnanswered(produce, body, options)
        .then(() => this.#settle(() => this.#owner.onWritten(batches)), failed)
      return
    }
    connection.send(produce, body, options).then((response) => {
      const now = performance.now()
      metrics.answered(now - sentAt, response.throttleTimeMs, now)
      this.#settle(() => this.#owner.onAnswer(this, batches, { response, topicNames }))
    }, failed)
  }

  #settle(outcome: () => void): void {
    this.#inFlight--
    outcome()
    this.#owner.onSettled()
    // Not at once: those who were waiting for these answers may have more to send, which then goes along.
    this.wake()
  }

  #request(
    batches: readonly QueuedBatch[],
    version: number,
    topicIds: ReadonlyMap<string, string | null>,
  ): ProduceRequest {
    const topics = byTopic(batches.map(({ batch }) => batch))
    const topicData = [...topics].map(([name, mine]) => ({
      name,
      ...(version >= 13 ? { topicId: topicIds.get(name)! } : {}),
      partitionData: mine.map((batch) => ({ index: batch.partition, records: batch.bytes() })),
    }))
    return {
      ...(version >= 3 ? { transactionalId: this.#owner.gate.transactions?.transactionalId ?? null } : {}),
      acks: this.#options.acks,
      timeoutMs: this.#options.requestTimeoutMs,
      topicData,
    }
  }

  /** From version 13 on topics go by id alone, which brokers before 2.8 do not tell. */
  #highestVersion(topicIds: ReadonlyMap<string, string | null>): number {
    const highest = this.#owner.gate.transactions?.maxProduceVersion ?? produce.versions.max
    for (const id of topicIds.values()) if (id === null) return Math.min(highest, 12)
    return highest
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return
    this.#disarm()
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.#pump()
      },
      Math.min(longestTimerMs, Math.max(0, Math.ceil(at - performance.now()))),
    )
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timerAt = Number.POSITIVE_INFINITY
  }
}

function bytesOf(batches: readonly QueuedBatch[]): number {
  let sum = 0
  for (const { batch } of batches) sum += batch.size
  return sum
}

/** The answers of a response, by `partitionKey`. */
export function answersByPartition({
  response,
  topicNames,
}: ProduceAnswer): Map<string, ProduceResponse['responses'][number]['partitionResponses'][number]> {
  const answers = new Map<string, ProduceResponse['responses'][number]['partitionResponses'][number]>()
  for (const topic of response.responses) {
    const name = topic.name !== '' ? topic.name : topicNames.get(topic.topicId)
    if (name === undefined) continue
    for (const answer of topic.partitionResponses) {
      answers.set(partitionKey({ topic: name, partition: answer.index }), answer)
    }
  }
  return answers
}

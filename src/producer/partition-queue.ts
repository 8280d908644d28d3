import { Backoff } from '../backoff.ts'
import { RecordTooLargeError } from '../errors.ts'
import { batchHeaderBytes, incrementSequence } from '../protocol/records/batch-header.ts'
import type { HeadersInput } from '../protocol/records/record-header.ts'
import type { Delivery } from './delivery.ts'
import { noStamp, type ProducerBatch } from './producer-batch.ts'

export interface QueueOptions {
  readonly batchSize: number
  readonly lingerMs: number
  readonly maxRequestSize: number
  /** Largest batch that a single record may make: the smaller of `maxRequestSize` and `bufferMemory`. */
  readonly maxRecordBytes: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
}

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of a transaction: each other object of this kind begins to count anew. */
  readonly isTransactional?: boolean
}

/** The sender of the broker that leads the partition. */
export interface QueueSender {
  readonly nodeId: number
  readonly hasRoom: boolean
  /** Nothing is in flight. */
  readonly isIdle: boolean
  add(queue: PartitionQueue): void
  remove(queue: PartitionQueue): void
  wake(): void
  push(): void
}

export interface BatchFactory {
  /** An empty batch, created now. */
  create(topic: string, partition: number, ordinal: number): ProducerBatch
  /** It has its first record. */
  opened(batch: ProducerBatch): void
}

/** Why a queue's batches may leave although they are not full. */
export interface Readiness {
  /** Monotonic milliseconds. */
  readonly now: number
  /** Somebody waits for everything to be sent, or nothing is in flight that more records could wait for. */
  readonly isUrgent: boolean
}

type Payload = string | Uint8Array | null

/** Measured with thousands of 100-byte records in one turn: a third quicker than none, and than smaller ones. */
const largeBytes = 256 * 1024

/** The same for a broker that has nothing to do: the sooner it begins, the sooner all is done. A tenth for single sends. */
const firstBytes = 64 * 1024

const maxEpoch = 0x7fff

/**
 * Brokers forget producers that are silent: after a day by default, and looking for them every ten minutes
 * (`producer.id.expiration.ms`, `producer.id.expiration.check.interval.ms`).
 */
const forgetfulMs = 5 * 60_000

/**
 * Records on their way to one partition, in order: an open batch that still grows, closed ones that wait, and those in
 * flight. Sequence numbers belong to the queue, and are given out when a batch leaves for the first time.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #options: QueueOptions
  readonly #batches: BatchFactory
  readonly #backoff: Backoff
  /** Batches are closed at this size. Smaller than `maxRequestSize` once the broker has refused a large one. */
  #maxBatchBytes: number
  #open: ProducerBatch | null = null
  /** Oldest first; those that were sent before come before those that were not. */
  #waiting: ProducerBatch[] = []
  readonly #inFlight = new Set<ProducerBatch>()
  #nextOrdinal = 0
  #identity: ProducerIdentity | null = null
  #nextSequence = 0
  /** The log holds a batch of this identity. */
  #isKnown = false
  /** Numbers were given to records that the log does not have: what comes next must begin a new epoch. */
  #needsNewEpoch = false
  /** Another broker leads now: what is in flight to the old one comes first, or the order would be lost. */
  #mustSettle = false
  /** The topic was made anew: the same goes for what is in flight to its log of before. */
  #awaitsLog = false
  /** Null until somebody leads. */
  sender: QueueSender | null = null
  /** When `next` was asked last, monotonic milliseconds. */
  #lookedAt = 0
  /** Nothing leaves before, monotonic milliseconds. */
  #retryAt = 0

  constructor(topic: string, partition: number, options: QueueOptions, batches: BatchFactory) {
    this.topic = topic
    this.partition = partition
    this.#options = options
    this.#batches = batches
    this.#backoff = new Backoff(options.retryBackoffMs, options.retryBackoffMaxMs)
    // Without batching each batch is full with its first record.
    this.#maxBatchBytes = options.batchSize === 0 ? 0 : options.maxRequestSize
  }

  /** Batches that wait or are in flight. */
  get length(): number {
    return this.#waiting.length + this.#inFlight.size + (this.#open === null ? 0 : 1)
  }

  /** What there is to do, in batches of `batchSize`: those of Java never grow beyond it, and are what it counts. */
  get load(): number {
    const unit = Math.max(1, this.#options.batchSize)
    let load = this.#inFlight.size + (this.#open === null ? 0 : Math.ceil(this.#open.size / unit))
    for (const batch of this.#waiting) load += Math.ceil(batch.size / unit)
    return load
  }

  /** Whether something waits to be sent. */
  get hasWaiting(): boolean {
    return this.#open !== null || this.#waiting.length > 0
  }

  /** Whether the open batch has reached `batchSize`, or closed ones wait. */
  get isFull(): boolean {
    return this.#waiting.length > 0 || (this.#open !== null && this.#open.size >= this.#options.batchSize)
  }

  /** Whether so much waits, and may leave, that it is worth a request in the middle of a turn. */
  get isLarge(): boolean {
    const next = this.#waiting[0] ?? this.#open
    const least = this.sender?.isIdle ? firstBytes : largeBytes
    return next !== null && next.size >= least && !this.#mustWaitForAnswers
  }

  /** All of them, oldest first: one that waits to be sent again can be older than those in flight. */
  batches(): ProducerBatch[] {
    const batches = [...this.#inFlight, ...this.#waiting].sort((a, b) => a.ordinal - b.ordinal)
    if (this.#open !== null) batches.push(this.#open)
    return batches
  }

  /**
   * Adds a record and gives the bytes that it takes.
   *
   * @throws RecordTooLargeError when no batch could hold it.
   * @throws ProtocolError UNENCODABLE when a key, value or header is no string, no bytes and not null.
   */
  append(
    timestamp: number,
    key: Payload,
    value: Payload,
    headers: HeadersInput | undefined,
    delivery: Delivery,
  ): number {
    let size = headers === undefined ? upperBound(key, value) : Number.POSITIVE_INFINITY
    // Measured only where the upper bound does not settle it: measuring costs as much as writing.
    if (batchHeaderBytes + size > this.#options.maxRecordBytes) {
      size = this.#measure(timestamp, key, value, headers)
    }
    let batch = this.#open
    if (batch !== null && batch.size + size > this.#maxBatchBytes) {
      if (batch.size + batch.sizeOf(timestamp, key, value, headers) > this.#maxBatchBytes) {
        this.#close(batch)
        batch = null
      }
    }
    if (batch === null) return this.#begin(timestamp, key, value, headers, delivery)
    const before = batch.size
    batch.append(timestamp, key, value, headers, delivery)
    const added = batch.size - before
    batch.reserved += added
    return added
  }

  /**
   * The batch that may leave now, with its sequence numbers; null when none may. Then `wakeAt` tells when to ask again,
   * if time alone changes the answer.
   */
  next(readiness: Readiness): ProducerBatch | null {
    const silentMs = readiness.now - this.#lookedAt
    this.#lookedAt = readiness.now
    if (silentMs > forgetfulMs) this.#isKnown = false
    if (readiness.now < this.#retryAt) return null
    if (this.#inFlight.size === 0) this.#settle()
    if (this.#mustWaitForAnswers) return null
    const [waiting] = this.#waiting
    if (waiting !== undefined) return waiting
    const open = this.#open
    if (open === null) return null
    const isDue =
      readiness.isUrgent ||
      open.size >= this.#options.batchSize ||
      readiness.now >= open.createdAt + this.#options.lingerMs
    return isDue ? open : null
  }

  /** Monotonic milliseconds at which `next` gives a batch that it does not give now; infinity: not by time alone. */
  wakeAt(now: number): number {
    if (now < this.#retryAt) return this.hasWaiting ? this.#retryAt : Number.POSITIVE_INFINITY
    if (this.#waiting.length > 0 || this.#open === null) return Number.POSITIVE_INFINITY
    if (this.#mustWaitForAnswers) return Number.POSITIVE_INFINITY
    return this.#open.createdAt + this.#options.lingerMs
  }

  /** Whether what is in flight must be answered before anything else may leave. */
  get #mustWaitForAnswers(): boolean {
    if (this.#inFlight.size === 0) return false
    if (this.#mustSettle || this.#awaitsLog || this.#needsNewEpoch) return true
    // A broker takes any number from a producer that it does not know. With two batches on their way, the first refused
    // for a while and the second accepted, the first would come after the second.
    if (this.#identity !== null && !this.#isKnown) return true
    // A broker knows a producer's last five batches. What may be in the log and is sent again must stay among them while
    // its attempts go on failing; it would be taken for lost otherwise, and be written twice.
    if (this.#identity !== null) for (const batch of this.#inFlight) if (batch.maybePersisted) return true
    // A repeated batch goes alone. With the one before it unanswered, both could fail again, and the later one first:
    // its failure would then be taken for a gap.
    return (this.#waiting[0]?.attempts ?? 0) > 0
  }

  /**
   * Takes the batch that `next` has given. With an identity it gets its sequence numbers, unless it has them already:
   * a batch that may be in the log keeps those under which the broker may know it.
   */
  take(batch: ProducerBatch, identity: ProducerIdentity | null): void {
    if (batch === this.#open) this.#open = null
    else this.#waiting.shift()
    if (identity !== null) {
      const isNext = identity.isTransactional === true && identity !== this.#identity
      if (this.#identity === null || isNext) this.#adopt(identity)
      if (this.#needsNewEpoch && !batch.maybePersisted) {
        this.#beginEpoch(identity)
        batch.stamp = noStamp
      }
      if (batch.stamp.baseSequence < 0) {
        batch.stamp = { ...this.#identity!, baseSequence: this.#nextSequence }
        this.#nextSequence = incrementSequence(this.#nextSequence, batch.count)
      }
    }
    batch.attempts++
    this.#inFlight.add(batch)
  }

  /** True: this queue has used up the epochs of its producer id, and `current` is no other. */
  needsNewProducerId(current: ProducerIdentity | null): boolean {
    const { producerId, producerEpoch } = this.#identity ?? { producerId: -1n, producerEpoch: -1 }
    return this.#needsNewEpoch && producerEpoch === maxEpoch && producerId === current?.producerId
  }

  /** The batch is in the log. */
  confirm(batch: ProducerBatch): void {
    const { producerId, producerEpoch } = batch.stamp
    if (producerId === this.#identity?.producerId && producerEpoch === this.#identity.producerEpoch) {
      this.#isKnown = true
    }
    this.finish(batch)
  }

  /** The batch is answered for good. */
  finish(batch: ProducerBatch): void {
    this.#inFlight.delete(batch)
    this.#backoff.reset()
    this.#retryAt = 0
  }

  /** The batch has to be sent again, in its old place. */
  requeue(
    batch: ProducerBatch,
    { now, immediately, withinMs }: { now: number; immediately: boolean; withinMs?: number },
  ): void {
    this.#inFlight.delete(batch)
    this.#insert(batch)
    // Several batches that one lost connection brings back are one failure.
    if (immediately || now < this.#retryAt) return
    this.#retryAt = now + Math.min(this.#backoff.next(), withinMs ?? Number.POSITIVE_INFINITY)
  }

  /** Puts the parts of a batch that was too large in its place, and keeps to smaller ones from now on. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[], maxBatchBytes: number): void {
    this.#inFlight.delete(batch)
    this.#maxBatchBytes = Math.min(this.#maxBatchBytes, maxBatchBytes)
    let sequence = batch.stamp.baseSequence
    for (const part of parts) {
      // The numbers of the whole, shared out: later batches have theirs already.
      if (sequence >= 0) {
        part.stamp = { ...batch.stamp, baseSequence: sequence }
        sequence = incrementSequence(sequence, part.count)
      }
      part.attempts = batch.attempts
    }
    const at = this.#waiting.findIndex((other) => other.ordinal > batch.ordinal)
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, ...parts)
  }

  /** Takes a batch out that has waited too long. In flight it stays until its request is answered. */
  drop(batch: ProducerBatch): void {
    if (batch === this.#open) this.#open = null
    else this.#waiting = this.#waiting.filter((other) => other !== batch)
  }

  isInFlight(batch: ProducerBatch): boolean {
    return this.#inFlight.has(batch)
  }

  /** Whether no batch before this one is still to be answered. */
  isFirst(batch: ProducerBatch): boolean {
    for (const other of this.#inFlight) if (other !== batch && other.ordinal < batch.ordinal) return false
    const [head] = this.#waiting
    return head === undefined || head === batch || head.ordinal > batch.ordinal
  }

  /** Records of this queue will never be in the log under the numbers that they were given. */
  requireNewEpoch(): void {
    this.#needsNewEpoch = true
  }

  /** Lets the open batch go with the next request, whatever its size. */
  closeOpen(): void {
    if (this.#open !== null) this.#close(this.#open)
  }

  /** Another broker leads the partition. Whatever waited for the old one to recover may go now. */
  moveTo(sender: QueueSender): void {
    this.sender?.remove(this)
    this.sender = sender
    this.#mustSettle = this.#inFlight.size > 0
    this.#retryAt = 0
    if (this.hasWaiting) {
      sender.add(this)
      sender.wake()
    }
  }

  /**
   * The topic was made anew under its name, and its log is empty. What was sent to the one before is answered first, and
   * a first batch then goes alone: a new log takes any number from a producer that it does not know, so that of several
   * the later one could come first.
   */
  beginLog(): void {
    this.#awaitsLog = true
  }

  /** All that was sent is answered. */
  #settle(): void {
    this.#mustSettle = false
    // Not before: an answer about the log of before would make us known again.
    if (this.#awaitsLog) this.#isKnown = false
    this.#awaitsLog = false
  }

  #close(batch: ProducerBatch): void {
    this.#waiting.push(batch)
    this.#open = null
  }

  #insert(batch: ProducerBatch): void {
    let at = 0
    while (at < this.#waiting.length && this.#waiting[at]!.ordinal < batch.ordinal) at++
    this.#waiting.splice(at, 0, batch)
  }

  #adopt(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#nextSequence = 0
    this.#isKnown = false
    this.#needsNewEpoch = false
  }

  #beginEpoch(fresh: ProducerIdentity): void {
    const { producerId, producerEpoch } = this.#identity!
    this.#identity = producerEpoch < maxEpoch ? { producerId, producerEpoch: producerEpoch + 1 } : fresh
    this.#nextSequence = 0
    this.#isKnown = false
    this.#needsNewEpoch = false
    for (const other of this.#waiting) {
      other.stamp = noStamp
      // What comes after a batch that is not in the log cannot be in it either: the broker takes no gaps.
      other.maybePersisted = false
    }
  }

  #begin(
    timestamp: number,
    key: Payload,
    value: Payload,
    headers: HeadersInput | undefined,
    delivery: Delivery,
  ): number {
    const batch = this.#batches.create(this.topic, this.partition, this.#nextOrdinal++)
    try {
      batch.append(timestamp, key, value, headers, delivery)
    } catch (error) {
      batch.release()
      throw error
    }
    this.#open = batch
    batch.reserved = batch.size
    this.#batches.opened(batch)
    return batch.size
  }

  /** The exact size. Throws when no batch could hold it. */
  #measure(timestamp: number, key: Payload, value: Payload, headers: HeadersInput | undefined): number {
    const { maxRecordBytes } = this.#options
    const batch = this.#open ?? this.#batches.create(this.topic, this.partition, 0)
    const size = batch.sizeOf(timestamp, key, value, headers)
    if (batch !== this.#open) batch.release()
    if (batchHeaderBytes + size <= maxRecordBytes) return size
    const { topic, partition } = this
    throw new RecordTooLargeError(
      `a record of ${size} bytes for topic ${topic} is too large: its batch has ${batchHeaderBytes} bytes more, ` +
        `and maxRequestSize or bufferMemory allows ${maxRecordBytes}`,
      { topic, partition },
    )
  }
}

/** Bytes that a record without headers takes at most. What is no payload at all counts as none: `append` refuses it. */
function upperBound(key: Payload, value: Payload): number {
  return 40 + payloadBound(key) + payloadBound(value)
}

/** Bytes of a key or value at most, without looking through it. */
export function payloadBound(payload: Payload): number {
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  if (typeof payload === 'string') return payload.length * 3
  return payload?.length ?? 0
}

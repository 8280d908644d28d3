import { addAbortListener, removeAbortListener } from '../abort-listeners.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError } from '../errors.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { type CommitBeforehand, Promised } from './commit-beforehand.ts'
import type { ConsumerInterceptors } from './consumer-interceptors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { PartitionFetch } from './partition-fetch.ts'
import { ReaderErrors } from './reader-errors.ts'

type AnyRecord = ConsumerRecord<unknown, unknown>

export interface ReadOwner {
  /** The application asks for records: begins what is not begun yet. Throws when there is nothing to ask for. */
  onAsk(): void
  /** The reader has come to the end of something that was fetched. */
  onRetired(): void
  /** What sees records before they are handed out; null: nobody does. */
  readonly interceptors?: ConsumerInterceptors | null
  /** What commits before records are handed out (`atMostOnce`); null: nobody does. */
  readonly beforehand?: CommitBeforehand | null
}

export interface Chunk {
  readonly partition: AssignedPartition
  /** At least one. */
  readonly records: AnyRecord[]
  /** Where the partition stood before them, and the leader epoch of what is before that. */
  readonly start: number
  readonly startEpoch: number
  /** Where the partition stands after them: past what compaction or aborted transactions left out behind the last. */
  readonly end: number
  /** Leader epoch of the batch before that; -1 when not known. */
  readonly endEpoch: number
}

/** Takes all that is read, instead of loops and polls: `run()`. */
export interface ReadWorker {
  /** There may be something to take, or to be let go. */
  onWake(): void
  /** Monotonic milliseconds since when its slowest handler is at work; now, when none is. */
  busySince(): number
  /** What that handler has in hand, for messages; null when none is at work. */
  slowest(): string | null
  /** Whether a handler is at work on one of these. */
  holds(isMeant: (partition: AssignedPartition) => boolean): boolean
}

/**
 * Hands out what was fetched, and knows what the application has in hand.
 *
 * What was handed out counts as done when the application asks for more. Whatever is in hand when a loop is left stays
 * undone, until a later record of its partition is.
 */
export class RecordReader {
  readonly #owner: ReadOwner
  readonly #maxRecords: number
  readonly #metrics: ConsumerMetrics
  /** Fetched and not read to the end, in the order of arrival. */
  readonly #queue: PartitionFetch[] = []
  readonly #errors = new ReaderErrors()
  /** Partitions of which something is in hand. */
  #hand: AssignedPartition[] = []
  #onHandChanged: { readonly partitions: ReadonlySet<AssignedPartition>; readonly resolve: () => void }[] = []
  #worker: ReadWorker | null = null
  /** Where `record()` goes on. */
  #current: PartitionFetch | null = null
  #isAsking = false
  #isClosed = false
  #wake: (() => void) | null = null
  /** What is committed before it is handed out; null: nothing is. */
  readonly #promised: Promised | null
  #asks = 0
  #asksSeen = -1
  #lastAskAt = performance.now()

  constructor(owner: ReadOwner, maxRecords: number, metrics: ConsumerMetrics) {
    this.#metrics = metrics
    this.#owner = owner
    this.#promised = owner.beforehand ? new Promised(owner.beforehand, () => this.drop()) : null
    this.#maxRecords = maxRecords
  }

  add(fetch: PartitionFetch): void {
    this.#queue.push(fetch)
    this.wake()
  }

  /** To be thrown to the application, before any more records. */
  fail(error: KafkaError, onThrown: () => void): void {
    this.#errors.add(error, onThrown)
    this.wake()
  }

  /**
   * The same about one partition, which rests until the application knows; then it is tried again: it may have been
   * mended meanwhile, and if not a partition that stands still in silence would be worse than one more error.
   */
  failPartition(partition: AssignedPartition, error: KafkaError): void {
    if (partition.hasFailed || !partition.isAssigned) return
    this.#errors.addOf(partition, error, () => this.#owner.onRetired())
    this.wake()
  }

  /** Throws what waits to be thrown about this partition, to another caller than the reader. */
  throwErrorOf(partition: AssignedPartition): void {
    this.#errors.throwOf(partition)
  }

  failForGood(error: KafkaError): void {
    this.#errors.addForGood(error)
    this.wake()
  }

  /** Ends what waits for records; asks from now on get nothing. */
  end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#promised?.stop()
    this.wake()
  }

  /**
   * `end`, and lets go of what is in hand. Resolves a turn later: a loop that has just been through
   * with a message asks for the next within this turn, and without that ask its last message would not be done.
   */
  async close(): Promise<void> {
    this.end()
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.drop()
  }

  /**
   * Gives all reading to `worker`, until the function that is given back is called. What was in hand is done.
   *
   * @throws IllegalStateError while a loop or a poll waits for records.
   */
  attach(worker: ReadWorker): () => void {
    this.#checkFree()
    this.#settle()
    this.#worker = worker
    this.#isAsking = true
    this.#wake = () => worker.onWake()
    return () => {
      this.#worker = null
      this.#isAsking = false
      this.#wake = null
      this.#lastAskAt = performance.now()
      this.#asksSeen = this.#asks
    }
  }

  /** For the worker: the next records of a partition that is wanted; null when there are none. Nothing is in hand by it. */
  takeWork(max: number, isWanted: (partition: AssignedPartition) => boolean): Chunk | null {
    if (this.#isClosed) return null
    this.#owner.onAsk()
    this.#errors.throwFirst()
    const chunk = this.#takeChunk(max, isWanted)
    if (chunk !== null) this.#metrics.polled()
    return chunk
  }

  get worker(): ReadWorker | null {
    return this.#worker
  }

  /** Whether the application is through with what it had: it waits for more, or `run()` does with no handler at work. */
  get isIdle(): boolean {
    return this.#worker === null ? this.#isAsking : this.#worker.slowest() === null
  }

  /** Whether somebody waits for records now. */
  get isWaiting(): boolean {
    return this.#isAsking && this.#worker === null
  }

  hasInHand(partition: AssignedPartition): boolean {
    return partition.held > 0 || this.#hand.includes(partition)
  }

  /** Whether records are in hand that came before this partition was lost; it may be ours again. */
  holdsLost(key: string): boolean {
    const isLost = (one: AssignedPartition) => one.key === key && !one.isAssigned
    return this.#hand.some(isLost) || this.#worker?.holds(isLost) === true
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Something may have changed for a waiting ask. */
  wake(): void {
    this.#wake?.()
  }

  /** The loop was left: what is in hand is not done. */
  drop(): void {
    this.#setHand([])
  }

  /**
   * Monotonic milliseconds of the last ask. Reading the clock for each record is too dear: asks are counted, and whether
   * there were any is seen when somebody wants to know. So it may be late by the time between two such questions.
   */
  lastAskAt(): number {
    if (this.#worker !== null) return this.#worker.busySince()
    if (this.#isAsking || this.#asks !== this.#asksSeen) {
      this.#asksSeen = this.#asks
      this.#lastAskAt = performance.now()
    }
    return this.#lastAskAt
  }

  /** Resolves when nothing of these partitions is in hand. */
  whenDone(partitions: ReadonlySet<AssignedPartition>): Promise<void> {
    return new Promise((resolve) => {
      this.#onHandChanged.push({ partitions, resolve })
      this.handChanged()
    })
  }

  /** Something is no longer in hand: whoever waits for that is told. */
  handChanged(): void {
    if (this.#onHandChanged.length === 0) return
    this.#onHandChanged = this.#onHandChanged.filter(({ partitions, resolve }) => {
      for (const partition of partitions) if (this.hasInHand(partition)) return true
      resolve()
      return false
    })
  }

  /** The next record of the batch being read, if that needs no waiting; null: ask `read` for it. */
  record(): AnyRecord | null {
    const current = this.#current
    if (
      current === null ||
      this.#isClosed ||
      current.index === current.chunk.length ||
      this.#isAsking ||
      !this.#errors.isEmpty ||
      !current.isCurrent ||
      !current.partition.isReadable
    ) {
      return null
    }
    // Whoever waits for the hand to be empty waits for a partition that is not readable, so it is not this one.
    if (this.#hand.length !== 1 || this.#hand[0] !== current.partition) return null
    this.#asks++
    current.partition.settle()
    return this.#deliver(current)
  }

  /** The next record, whenever it comes; null when the reader is closed or `isEnded`. */
  readRecord(isEnded: () => boolean): Promise<AnyRecord | null> {
    return this.#ask(() => this.#takeRecord(), isEnded, null)
  }

  /** The next records of one partition. */
  readChunk(isEnded: () => boolean): Promise<Chunk | null> {
    return this.#ask(
      () => {
        const chunk = this.#takeChunk(this.#maxRecords)
        if (chunk !== null) this.#setHand([chunk.partition])
        return chunk
      },
      isEnded,
      null,
    )
  }

  /** Up to `max` records that are there, or the first to come; none when the time is over. */
  async poll(max: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<AnyRecord[]> {
    const polled = await this.#ask(
      () => this.#takePoll(max),
      () => false,
      new Deadline(timeoutMs, signal),
    )
    return polled ?? []
  }

  async #ask<T>(take: () => T | null, isEnded: () => boolean, deadline: Deadline | null): Promise<T | null> {
    this.#checkFree()
    deadline?.throwIfAborted()
    this.#asks++
    this.#isAsking = true
    this.#metrics.polled()
    try {
      this.#settle()
      if (this.#isClosed) return null
      this.#owner.onAsk()
      for (;;) {
        if (this.#isClosed || isEnded()) return null
        this.#errors.throwFirst()
        const taken = take()
        if (taken !== null) {
          if (this.#promised === null) return taken
          if (await this.#promised.keep(deadline?.signal, () => !this.#isClosed && !isEnded())) return taken
          continue
        }
        if (!this.#errors.isEmpty) continue
        if (deadline?.expired) return null
        // Aborted by what was called meanwhile: a listener that is added now would never be called.
        deadline?.throwIfAborted()
        await this.#wait(deadline)
      }
    } finally {
      this.#isAsking = false
      this.#lastAskAt = performance.now()
      this.#asksSeen = this.#asks
      this.#metrics.pollEnded(this.#lastAskAt)
    }
  }

  #checkFree(): void {
    if (!this.#isAsking) return
    const who = this.#worker === null ? 'another call waits for' : 'run() has all'
    throw new IllegalStateError(`${who} records of this consumer already`)
  }

  #wait(deadline: Deadline | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = deadline?.signal
      const end = () => {
        this.#wake = null
        clearTimeout(timer)
        removeAbortListener(signal, onAbort)
      }
      const onAbort = () => {
        end()
        reject(signal?.reason)
      }
      const timer =
        deadline === null ? undefined : setTimeout(() => this.#wake?.(), Math.ceil(deadline.remainingMs))
      this.#wake = () => {
        end()
        resolve()
      }
      addAbortListener(signal, onAbort)
    })
  }

  #takeRecord(): AnyRecord | null {
    const current = this.#filled(this.#maxRecords)
    this.#current = current
    if (current === null) return null
    current.partition.handedOutAt = performance.now()
    this.#setHand([current.partition])
    // All of the chunk at once: a commit for each record would be a request for each.
    if (this.#promised !== null && !this.#promised.has(current)) {
      const { chunkEnd: end, chunkEpoch: leaderEpoch } = current
      this.#promised.add(current.partition, { end, leaderEpoch, chunk: current })
    }
    return this.#deliver(current)
  }

  #deliver(current: PartitionFetch): AnyRecord {
    const record = current.chunk[current.index++]!
    const { partition } = current
    const isLast = current.index === current.chunk.length
    partition.position = isLast ? current.chunkEnd : record.offset + 1
    partition.positionEpoch = isLast ? current.chunkEpoch : record.leaderEpoch
    return record
  }

  #takeChunk(max: number, isWanted = anyPartition): Chunk | null {
    const fetch = this.#filled(max, isWanted)
    if (fetch === null) return null
    const { partition, chunk, index } = fetch
    const left = chunk.length - index
    const records = index === 0 && left <= max ? chunk : chunk.slice(index, index + max)
    fetch.index += records.length
    const last = records[records.length - 1]!
    const isWhole = fetch.index === chunk.length
    partition.handedOutAt = performance.now()
    const end = isWhole ? fetch.chunkEnd : last.offset + 1
    const endEpoch = isWhole ? fetch.chunkEpoch : last.leaderEpoch
    if (this.#promised !== null && this.#worker === null) {
      this.#promised.add(partition, { end, leaderEpoch: endEpoch, chunk: null })
      // Else `record()` would go on with what stands behind, which is not committed.
      this.#current = null
    }
    const { position: start, positionEpoch: startEpoch } = partition
    partition.position = end
    partition.positionEpoch = endEpoch
    // Room for the next fetch now, not when the application comes back from its work with this one.
    if (isWhole && fetch.isExhausted) this.#retire(fetch)
    return { partition, records, start, startEpoch, end, endEpoch }
  }

  #takePoll(max: number): AnyRecord[] | null {
    const first = this.#takeChunk(max)
    if (first === null) return null
    let { records } = first
    this.#setHand([first.partition])
    while (records.length < max && this.#errors.isEmpty) {
      const next = this.#takeChunk(max - records.length)
      if (next === null) break
      records = records.concat(next.records)
      if (!this.#hand.includes(next.partition)) this.#hand.push(next.partition)
    }
    return records
  }

  /** The first fetch that may be read, with at least one record in its chunk; null when there is none. */
  #filled(max: number, isWanted = anyPartition): PartitionFetch | null {
    for (let i = 0; i < this.#queue.length; ) {
      const fetch = this.#queue[i]!
      if (!fetch.isCurrent) {
        this.#queue.splice(i, 1)
        continue
      }
      const { partition } = fetch
      // An older fetch of the same partition stands before this one, and is not readable either.
      if (!partition.isReadable || partition.hasFailed || !isWanted(partition)) {
        i++
        continue
      }
      if (fetch.index < fetch.chunk.length) return fetch
      try {
        fetch.fill(max)
        this.#metrics.decoded(partition, fetch.chunk.length, fetch.chunkEnd)
        const { interceptors } = this.#owner
        if (interceptors) fetch.chunk = interceptors.onConsume(fetch.chunk, partition)
      } catch (error) {
        partition.dropFetches()
        this.failPartition(partition, error as KafkaError)
        return null
      }
      if (fetch.chunk.length > 0) return fetch
      // Only control records, aborted ones or nothing: the position moves on, and there is nothing to wait for.
      partition.position = fetch.chunkEnd
      partition.positionEpoch = fetch.chunkEpoch
      if (partition.taken === 0 && !this.#hand.includes(partition)) partition.settle()
      // It is not at its end when interceptors have left out all of a chunk.
      if (fetch.isExhausted) this.#retire(fetch)
    }
    return null
  }

  #retire(fetch: PartitionFetch): void {
    const at = this.#queue.indexOf(fetch)
    if (at >= 0) this.#queue.splice(at, 1)
    const { fetches } = fetch.partition
    if (fetches[0] === fetch) fetches.shift()
    if (this.#current === fetch) this.#current = null
    fetch.release()
    this.#owner.onRetired()
  }

  /** What was in hand is done. */
  #settle(): void {
    if (this.#hand.length === 0) return
    for (const partition of this.#hand) partition.settle()
    this.#setHand([])
  }

  #setHand(hand: AssignedPartition[]): void {
    this.#hand = hand
    this.handChanged()
  }
}

const anyPartition = (_partition: AssignedPartition) => true

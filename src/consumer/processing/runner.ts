import { addAbortListener, removeAbortListener } from '../../abort-listeners.ts'
import { Backoff } from '../../backoff.ts'
import { Deadline, longestTimerMs, sleep } from '../../deadline.ts'
import { messageOf, TimeoutError } from '../../errors.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { AssignedPartition } from '../assigned-partition.ts'
import type { MessageBatch } from '../message-batch.ts'
import type { OffsetToCommit } from '../offset-committer.ts'
import type { Chunk, ReadWorker, RecordReader } from '../record-reader.ts'
import { deadLetterOf, sendDeadLetters } from './dead-letters.ts'
import { type Lane, Lanes } from './lanes.ts'
import { PartitionWork, type WorkItem } from './partition-work.ts'
import { checkDecision, type FailureDecision, type ParsedRunOptions } from './run-options.ts'

/** What `run` needs of its consumer. */
export interface RunnerParts {
  readonly reader: RecordReader
  readonly maxPollRecords: number
  readonly defaultApiTimeoutMs: number
  batchOf(chunk: Chunk): MessageBatch<unknown, unknown>
  /** Commits what is done, when that is done automatically. Never rejects. */
  commitDone(deadline: Deadline): Promise<void>
  /** Commits up to the end of what was taken. Throws without a group. */
  commitTaken(partition: AssignedPartition, offset: OffsetToCommit, deadline: Deadline): Promise<void>
  onTrouble(error: KafkaError): void
  /** Positions have moved. */
  onChange(): void
}

/** How long handlers that do not wait for anything may keep the event loop to themselves, in milliseconds. */
const turnMs = 10

/** The part of the time to stop that handlers have; the rest is for the last commit. */
const drainPart = 0.8

/**
 * `run()`: calls handlers, so many at a time, in the order asked for; and ends when it is told to, or by an error. Work is
 * taken from the reader only when a slot is free and nothing that was taken can be started.
 */
export class Runner implements ReadWorker {
  readonly #parts: RunnerParts
  readonly #options: ParsedRunOptions
  readonly #lanes: Lanes
  readonly #works = new Map<AssignedPartition, PartitionWork>()
  /** Those of which something has to come to its end, also after a seek: then they are no longer among the works. */
  readonly #held = new Set<PartitionWork>()
  /** Handlers at work. */
  readonly #running = new Set<WorkItem>()
  /** Waits for the next try, with the timer of each. */
  readonly #waiting = new Map<WorkItem, NodeJS.Timeout>()
  readonly #backoffs = new WeakMap<WorkItem, Backoff>()
  readonly #abort = new AbortController()
  readonly #isDropped = (item: WorkItem) => {
    if (this.#isWanted(item)) return false
    // Held since it was committed, by `atMostOnce`: a rebalance would wait for it in vain, to the end of its time.
    if (this.#options.atMostOnce) this.#unhold(item.work)
    return true
  }
  /** Slots that are taken: handlers, decisions about failures, dead letters and commits under way. */
  #active = 0
  #started = 0
  #turnAt = performance.now()
  #now = this.#turnAt
  #isPumpScheduled = false
  #isYielding = false
  #isStopping = false
  #isOver = false
  #stopDeadline: Deadline | null = null
  #drainTimer: NodeJS.Timeout | undefined
  #failure: { readonly error: unknown } | null = null
  #detach = () => {}
  #resolve = () => {}
  #reject = (_error: unknown) => {}

  constructor(parts: RunnerParts, options: ParsedRunOptions) {
    this.#parts = parts
    this.#options = options
    this.#lanes = new Lanes(options.ordering)
  }

  /** Resolves when it was stopped; rejects with what a handler failed with, or what there is to tell of reading. */
  async run(): Promise<void> {
    const { signal, drainTimeoutMs } = this.#options
    if (signal?.aborted || this.#parts.reader.isClosed) return
    this.#detach = this.#parts.reader.attach(this)
    const onAbort = () => this.stop(new Deadline(drainTimeoutMs))
    addAbortListener(signal, onAbort)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
        this.#pump()
      })
    } finally {
      removeAbortListener(signal, onAbort)
    }
  }

  /** Starts nothing more, and waits for what is at work: not beyond the deadline. */
  stop(deadline: Deadline): void {
    if (this.#isOver || (this.#stopDeadline !== null && this.#stopDeadline.atMs <= deadline.atMs)) return
    this.#isStopping = true
    this.#stopDeadline = deadline
    clearTimeout(this.#drainTimer)
    const drainMs = Math.min(Math.ceil(deadline.remainingMs * drainPart), longestTimerMs)
    this.#drainTimer = setTimeout(() => this.#abandon(drainMs), drainMs)
    if (!this.#options.atMostOnce) {
      for (const timer of this.#waiting.values()) clearTimeout(timer)
      this.#waiting.clear()
    }
    this.#schedule()
  }

  onWake(): void {
    if (this.#parts.reader.isClosed && !this.#isStopping)
      this.stop(new Deadline(this.#options.drainTimeoutMs))
    this.#schedule()
  }

  busySince(): number {
    let since = performance.now()
    for (const { startedAt } of this.#running) since = Math.min(since, startedAt)
    return since
  }

  slowest(): string | null {
    let slowest: WorkItem | null = null
    for (const item of this.#running)
      if (slowest === null || item.startedAt < slowest.startedAt) slowest = item
    if (slowest === null) return null
    return `the handler of ${placeOf(slowest)}, at work for ${Math.round(performance.now() - slowest.startedAt)} ms`
  }

  holds(isMeant: (partition: AssignedPartition) => boolean): boolean {
    for (const { work } of this.#running) if (isMeant(work.partition)) return true
    return false
  }

  #schedule(): void {
    if (this.#isPumpScheduled || this.#isOver) return
    this.#isPumpScheduled = true
    queueMicrotask(() => {
      this.#isPumpScheduled = false
      this.#lanes.unpark()
      for (const [partition, work] of this.#works) if (!work.isCurrent) this.#works.delete(partition)
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#isOver || this.#isYielding) return
    this.#now = performance.now()
    try {
      while (this.#active < this.#options.concurrency) {
        const mayStart = !this.#isStopping || this.#options.atMostOnce
        const lane = mayStart ? this.#lanes.next(this.#isDropped) : null
        if (lane !== null) {
          this.#start(lane)
          if (this.#yields()) return
        } else if (this.#isStopping || !this.#take()) {
          break
        }
      }
    } catch (error) {
      this.#fail(error)
    }
    if (this.#isStopping && this.#active === 0 && this.#waiting.size === 0) void this.#end()
  }

  /** Handlers that wait for nothing would keep sockets and timers waiting for as long as there are records. */
  #yields(): boolean {
    this.#started++
    if (this.#started % 64 !== 0) return false
    this.#now = performance.now()
    if (this.#now - this.#turnAt < turnMs) return false
    this.#isYielding = true
    setImmediate(() => {
      this.#isYielding = false
      this.#turnAt = performance.now()
      this.#pump()
    })
    return true
  }

  #isWanted({ work }: WorkItem): boolean {
    return work.isCurrent && (this.#options.atMostOnce || !work.partition.isRevoking)
  }

  /** False: there is nothing to take now. */
  #take(): boolean {
    const { reader, maxPollRecords } = this.#parts
    const chunk = reader.takeWork(maxPollRecords, (partition) => this.#wants(partition))
    if (chunk === null) return false
    const { partition } = chunk
    let work = this.#works.get(partition)
    if (work === undefined || !work.isCurrent) {
      work = new PartitionWork(partition, this.#options.atMostOnce)
      this.#works.set(partition, work)
    }
    const items = this.#itemsOf(chunk, work)
    for (const item of items) work.add(item)
    if (this.#options.atMostOnce) void this.#commitFirst(chunk, work, items)
    else for (const item of items) this.#lanes.add(item)
    return true
  }

  /**
   * Whether more of it may be taken: with an order of keys, one slow key is not to hold up the others at once. With
   * `atMostOnce` it is: when the commit of what is taken next is refused, the position goes back, and all that is committed
   * and waits for its turn would be passed over with it.
   */
  #wants(partition: AssignedPartition): boolean {
    const work = this.#works.get(partition)
    if (work === undefined || !work.isCurrent || work.unfinished === 0) return true
    const { ordering, atMostOnce } = this.#options
    return ordering !== 'partition' && !atMostOnce && work.unfinished < this.#parts.maxPollRecords
  }

  #itemsOf(chunk: Chunk, work: PartitionWork): WorkItem[] {
    const { records } = chunk
    if (this.#options.isByBatch) return [itemOf(work, this.#parts.batchOf(chunk), records)]
    return records.map((record) => itemOf(work, record, [record]))
  }

  async #commitFirst(
    { partition, start, startEpoch, end, endEpoch }: Chunk,
    work: PartitionWork,
    items: readonly WorkItem[],
  ): Promise<void> {
    const { topic, partition: index } = partition
    this.#active++
    for (const _ of items) this.#hold(work)
    try {
      const deadline = new Deadline(this.#parts.defaultApiTimeoutMs)
      await this.#parts.commitTaken(
        partition,
        { topic, partition: index, offset: end, leaderEpoch: endEpoch },
        deadline,
      )
      for (const item of items) this.#lanes.add(item)
    } catch (error) {
      this.#works.delete(partition)
      for (const _ of items) this.#unhold(work)
      // Not handed out: to be read again, by whoever owns it then.
      const { isCurrent } = work
      if (isCurrent) partition.seek(start, startEpoch)
      this.#parts.reader.handChanged()
      if (error instanceof KafkaError && (!isCurrent || willPass(error))) {
        this.#parts.onTrouble(error)
        // The partition is about to go; until it has, the same commit would be refused again and again.
        await sleep(Math.max(100, this.#options.backoff.initialMs))
      } else {
        this.#fail(error)
      }
    }
    this.#active--
    this.#pump()
  }

  #start(lane: Lane): void {
    const item = lane.first!
    this.#active++
    if (!this.#options.atMostOnce) this.#hold(item.work)
    item.attempt++
    item.startedAt = this.#now
    const context = { attempt: item.attempt, signal: this.#abort.signal }
    let result: unknown
    try {
      result = this.#options.handler(item.message as never, context)
    } catch (error) {
      void this.#failed(lane, item, error)
      return
    }
    if (!isThenable(result)) return this.#finish(lane, item)
    this.#running.add(item)
    result.then(
      () => {
        this.#running.delete(item)
        this.#finish(lane, item)
        this.#pump()
      },
      (error: unknown) => {
        this.#running.delete(item)
        void this.#failed(lane, item, error)
      },
    )
  }

  #finish(lane: Lane, item: WorkItem): void {
    if (this.#isOver) return
    const { work } = item
    work.finish(item)
    this.#free(item, true)
    if (work.unfinished === 0 && this.#works.get(work.partition) === work) this.#works.delete(work.partition)
    this.#lanes.advance(lane)
  }

  /** @param isEnd it will not be tried again. */
  #free({ work }: WorkItem, isEnd: boolean): void {
    this.#active--
    if (this.#options.atMostOnce && !isEnd) return
    this.#unhold(work)
  }

  #hold(work: PartitionWork): void {
    work.hold()
    this.#held.add(work)
  }

  #unhold(work: PartitionWork): void {
    work.release()
    if (!work.isHeld) this.#held.delete(work)
    if (work.partition.isRevoking) this.#parts.reader.handChanged()
  }

  async #failed(lane: Lane, item: WorkItem, error: unknown): Promise<void> {
    const { onError, deadLetterProducer } = this.#options
    try {
      const decision = await onError(error, item.message, item.attempt)
      await this.#carryOut(checkDecision(decision, deadLetterProducer), lane, item, error)
    } catch (thrown) {
      this.#giveUp(item, thrown)
    }
    this.#pump()
  }

  async #carryOut(decision: FailureDecision, lane: Lane, item: WorkItem, error: unknown): Promise<void> {
    if (decision === 'stop') return this.#giveUp(item, error)
    if (decision === 'skip') return this.#finish(lane, item)
    if (decision === 'retry') return this.#retryLater(lane, item)
    const topic = decision.deadLetter
    const letters = item.records.map((record) => deadLetterOf(record, topic, error, item.attempt))
    try {
      await sendDeadLetters(this.#options.deadLetterProducer!, letters)
    } catch (cause) {
      const what = `${placeOf(item)} could not be sent to the dead letter topic ${topic}: ${messageOf(cause)}`
      const { topic: from, partition } = item.work.partition
      throw new KafkaError('DEAD_LETTER_FAILED', what, { cause, topic: from, partition })
    }
    this.#finish(lane, item)
  }

  #retryLater(lane: Lane, item: WorkItem): void {
    if (this.#isOver) return
    const { backoff, atMostOnce } = this.#options
    this.#free(item, false)
    // Read again by whoever comes next.
    if (this.#isStopping && !atMostOnce) return
    let waits = this.#backoffs.get(item)
    if (waits === undefined) {
      waits = new Backoff(backoff.initialMs, backoff.maxMs)
      this.#backoffs.set(item, waits)
    }
    const timer = setTimeout(
      () => {
        this.#waiting.delete(item)
        this.#lanes.again(lane)
        this.#pump()
      },
      Math.min(waits.next(), longestTimerMs),
    )
    this.#waiting.set(item, timer)
  }

  /** Its lane stays as it is: nothing behind it may come before it. */
  #giveUp(item: WorkItem, error: unknown): void {
    if (this.#isOver) return
    this.#free(item, true)
    this.#fail(error)
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.stop(new Deadline(this.#options.drainTimeoutMs))
  }

  /** Handlers are still at work, and there is no more time. */
  #abandon(afterMs: number): void {
    if (this.#isOver) return
    const slowest = this.slowest()
    const what = slowest ?? `${this.#waiting.size} messages that wait for another try`
    this.#parts.onTrouble(
      new TimeoutError(
        'API_TIMEOUT',
        `run() has ended without ${what}: it was not over within ${afterMs} ms`,
      ),
    )
    this.#abort.abort(
      new TimeoutError('API_TIMEOUT', `run() has ended: nobody waits for this handler any more`),
    )
    void this.#end()
  }

  async #end(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#drainTimer)
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    for (const work of this.#held) work.releaseAll()
    this.#held.clear()
    for (const [partition, work] of this.#works) {
      // What was taken and not finished comes again, to the next `run` or loop.
      if (work.unfinished > 0 && work.isCurrent && !this.#options.atMostOnce) partition.rewind()
    }
    this.#detach()
    this.#parts.reader.handChanged()
    this.#parts.onChange()
    const { remainingMs } = this.#stopDeadline!
    await this.#parts.commitDone(new Deadline(remainingMs))
    if (this.#failure === null) this.#resolve()
    else this.#reject(this.#failure.error)
  }
}

/** One for each message, as a literal: a spread of the common fields takes several times as long. */
function itemOf(work: PartitionWork, message: WorkItem['message'], records: WorkItem['records']): WorkItem {
  return { work, message, records, attempt: 0, startedAt: -1, isDone: false }
}

/** A rebalance, or a coordinator that could not be reached. */
function willPass({ retriable, code }: KafkaError): boolean {
  return retriable || ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(code)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function placeOf({ work, records }: WorkItem): string {
  const { key } = work.partition
  const [first] = records
  if (records.length === 1) return `${key} at offset ${first!.offset}`
  return `${key} at offsets ${first!.offset} to ${records[records.length - 1]!.offset}`
}

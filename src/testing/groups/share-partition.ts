import type { Clock, ClockTimer } from '../clock.ts'
import type { ErrorName } from '../error-codes.ts'
import { GroupError } from './group-error.ts'

/** What became of a record, as an acknowledgement says it (Java's `AcknowledgeType`). */
export const acknowledgeTypes = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

export interface AcknowledgementBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  /** One for each offset, or one for all. */
  readonly types: readonly number[]
}

export interface AcquiredRange {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly deliveryCount: number
}

/** What a fetch may acquire. */
export interface AcquireOptions {
  readonly memberId: string
  /** Last offset that was read. */
  readonly lastOffset: number
  readonly maxRecords: number
  /** `maxRecords` is not to be passed, even where that cuts a batch in two (KIP-1206). */
  readonly strict: boolean
  /** Offsets at which the batches of what was read end. */
  readonly batchEnds: readonly number[]
  /** About how many records a range of new ones is to have. */
  readonly batchSize: number
  readonly lockMs: number
  /** `share.partition.max.record.locks` */
  readonly maxLocks: number
}

/** Records that were acquired together. */
interface InFlightBatch {
  /** It has been dealt with offset by offset: messages then speak of these. */
  isSplit: boolean
  readonly size: number
}

interface Lock {
  readonly memberId: string
  timer: ClockTimer
}

interface InFlight {
  readonly batch: InFlightBatch
  state: 'available' | 'acquired' | 'acknowledged' | 'archived'
  deliveryCount: number
  /** While it is acquired. */
  lock: Lock | null
}

/** What is to become of a record once all of a request has been found right. */
type Outcome = 'acknowledged' | 'archived' | 'available' | 'renewed'

/**
 * Where a share group is in one partition (Java's `SharePartition`, KIP-932): from `startOffset` up to `endOffset` each
 * record is available, acquired by a member for a time, or done with.
 */
export class SharePartition {
  readonly #clock: Clock
  readonly #records = new Map<number, InFlight>()
  readonly #watchers = new Set<() => void>()
  #startOffset = -1
  #endOffset = -1
  /** As a restart would find it: null before anything has been written. */
  #stored: { startOffset: number; deliveryComplete: number } | null = null
  /** `share.delivery.count.limit`, as of the last fetch. */
  deliveryLimit = 5
  /** Of the leader that has given records out last. */
  leaderEpoch = -1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is known where to begin. */
  get isStarted(): boolean {
    return this.#startOffset >= 0
  }

  get startOffset(): number {
    return this.#startOffset
  }

  /** Offset behind the last that was ever acquired. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** First offset that is not done with, and how many are behind it, as stored with the last acknowledgement. */
  get stored(): { readonly startOffset: number; readonly deliveryComplete: number } | null {
    return this.#stored
  }

  /** First offset that can be acquired. */
  get nextFetchOffset(): number {
    for (let offset = this.#startOffset; offset < this.#endOffset; offset++) {
      if (this.#records.get(offset)?.state === 'available') return offset
    }
    return this.#endOffset
  }

  /** Begins at an offset, as `share.auto.offset.reset` has it. */
  start(offset: number): void {
    this.#startOffset = offset
    this.#endOffset = offset
  }

  /** Forgets all, and begins at an offset that somebody has set. */
  reset(offset: number): void {
    this.dispose()
    this.#records.clear()
    this.start(offset)
    this.#stored = { startOffset: offset, deliveryComplete: 0 }
  }

  /** Records before it are gone from the log. */
  logStartMoved(logStartOffset: number): void {
    if (!this.isStarted || logStartOffset <= this.#startOffset) return
    for (let offset = this.#startOffset; offset < logStartOffset; offset++) {
      const record = this.#records.get(offset)
      // Who has acquired it may still acknowledge it.
      if (record !== undefined && record.state !== 'acquired') this.#records.delete(offset)
    }
    this.#startOffset = logStartOffset
    this.#endOffset = Math.max(this.#endOffset, logStartOffset)
  }

  /** Calls `watcher` when records can be acquired again. Gives back how to stop it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Acquires what is available up to `lastOffset`, for as long as the lock lasts. */
  acquire(options: AcquireOptions): AcquiredRange[] {
    const ranges: AcquiredRange[] = []
    const from = this.nextFetchOffset
    let count = 0
    for (let offset = from; offset <= options.lastOffset && count < options.maxRecords; ) {
      const known = this.#records.get(offset)
      let last = offset
      if (known === undefined) {
        if (offset < this.#endOffset) {
          offset++
          continue
        }
        const room = Math.min(options.maxRecords - count, this.#startOffset + options.maxLocks - offset)
        if (room <= 0) break
        last = this.#lastOfNew(offset, options, room)
        ranges.push(...this.#acquireNew(offset, last, options))
      } else if (known.state !== 'available') {
        offset++
        continue
      } else {
        last = this.#lastOfSame(offset, options, options.maxRecords - count)
        ranges.push(this.#acquireAgain(offset, last, options))
      }
      count += last - offset + 1
      offset = last + 1
    }
    return ranges
  }

  /**
   * Takes acknowledgements, all or none.
   *
   * @throws GroupError INVALID_RECORD_STATE, INVALID_REQUEST
   */
  acknowledge(memberId: string, batches: readonly AcknowledgementBatch[], lockMs: number): void {
    const outcomes = new Map<number, Outcome>()
    for (const batch of batches) {
      // It is done with already.
      if (batch.lastOffset < this.#startOffset) continue
      this.#checkRange(batch)
      for (let offset = batch.firstOffset; offset <= batch.lastOffset; offset++) {
        const record = this.#records.get(offset)
        if (offset < this.#startOffset || record === undefined) continue
        this.#checkRecord(record, memberId, outcomes.has(offset))
        const type = batch.types.length === 1 ? batch.types[0]! : batch.types[offset - batch.firstOffset]!
        outcomes.set(offset, outcomeOf(type))
      }
    }
    this.#apply(outcomes, memberId, lockMs)
  }

  /** Done with, though a member has just acquired it: nobody is to see it. */
  archive(firstOffset: number, lastOffset: number): void {
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      const record = this.#records.get(offset)
      if (record?.state !== 'acquired') continue
      record.batch.isSplit = true
      record.lock = null
      record.state = 'archived'
    }
    this.#advance()
  }

  /** Gives back all that a member has acquired: it is gone. */
  release(memberId: string): void {
    let any = false
    for (const record of this.#records.values()) {
      if (record.lock?.memberId !== memberId) continue
      this.#giveBack(record)
      any = true
    }
    if (any) this.#store()
  }

  /** Gives back all that anybody has acquired: another broker leads the partition, and knows nothing of it. */
  releaseAll(): void {
    for (const record of this.#records.values()) if (record.lock !== null) this.#giveBack(record)
    this.#advance()
    this.#changed()
  }

  dispose(): void {
    for (const { lock } of this.#records.values()) lock?.timer.cancel()
  }

  /** Whole batches, as long as there is room for another record. */
  #lastOfNew(first: number, options: AcquireOptions, room: number): number {
    if (options.strict) return Math.min(options.lastOffset, first + room - 1)
    const end = options.batchEnds.find((last) => last >= first + room - 1)
    return Math.min(options.lastOffset, end ?? options.lastOffset)
  }

  #acquireNew(first: number, last: number, options: AcquireOptions): AcquiredRange[] {
    const ranges: AcquiredRange[] = []
    let from = first
    for (const end of [...options.batchEnds.filter((one) => one >= first && one < last), last]) {
      if (end !== last && end - from + 1 < options.batchSize) continue
      const batch: InFlightBatch = { isSplit: false, size: end - from + 1 }
      const lock = this.#lock(options.memberId, options.lockMs)
      for (let offset = from; offset <= end; offset++) {
        this.#records.set(offset, { batch, state: 'acquired', deliveryCount: 1, lock })
      }
      ranges.push({ firstOffset: from, lastOffset: end, deliveryCount: 1 })
      from = end + 1
    }
    this.#endOffset = last + 1
    return ranges
  }

  /** Last of those from `first` on that are available for as often as that one. */
  #lastOfSame(first: number, options: AcquireOptions, room: number): number {
    const { deliveryCount, batch } = this.#records.get(first)!
    const limit = options.strict ? Math.min(options.lastOffset, first + room - 1) : options.lastOffset
    let last = first
    while (last < limit) {
      const next = this.#records.get(last + 1)
      if (next?.state !== 'available' || next.deliveryCount !== deliveryCount || next.batch !== batch) break
      last++
    }
    return last
  }

  #acquireAgain(first: number, last: number, { memberId, lockMs }: AcquireOptions): AcquiredRange {
    const lock = this.#lock(memberId, lockMs)
    let deliveryCount = 0
    for (let offset = first; offset <= last; offset++) {
      const record = this.#records.get(offset)!
      if (record.batch.size !== last - first + 1) record.batch.isSplit = true
      record.state = 'acquired'
      record.lock = lock
      deliveryCount = ++record.deliveryCount
    }
    return { firstOffset: first, lastOffset: last, deliveryCount }
  }

  #lock(memberId: string, lockMs: number): Lock {
    const lock: Lock = {
      memberId,
      timer: this.#clock.after(lockMs, () => {
        for (const record of this.#records.values()) if (record.lock === lock) this.#giveBack(record)
        this.#store()
      }),
    }
    return lock
  }

  #giveBack(record: InFlight): void {
    record.lock = null
    record.state = record.deliveryCount >= this.deliveryLimit ? 'archived' : 'available'
  }

  #checkRange({ firstOffset, lastOffset }: AcknowledgementBatch): void {
    if (this.#records.size === 0) {
      throw refused(
        'INVALID_RECORD_STATE',
        'Batch record not found. The request batch offsets are not found in the cache.',
      )
    }
    if (firstOffset >= this.#endOffset) {
      throw refused(
        'INVALID_REQUEST',
        'Batch record not found. The first offset in request is past acquired records.',
      )
    }
    if (lastOffset >= this.#endOffset) {
      throw refused(
        'INVALID_REQUEST',
        'Batch record not found. The last offset in request is past acquired records.',
      )
    }
  }

  #checkRecord(record: InFlight, memberId: string, isTwice: boolean): void {
    const { isSplit } = record.batch
    if (record.lock === null || isTwice) {
      throw refused(
        'INVALID_RECORD_STATE',
        isSplit || isTwice
          ? 'The offset cannot be acknowledged. The offset is not acquired.'
          : 'The batch cannot be acknowledged. The batch is not in the acquired state.',
      )
    }
    if (record.lock.memberId !== memberId) {
      const what = isSplit ? 'offset' : 'batch record'
      throw refused('INVALID_RECORD_STATE', `Member is not the owner of ${what}`)
    }
  }

  #apply(outcomes: ReadonlyMap<number, Outcome>, memberId: string, lockMs: number): void {
    let renewed: Lock | null = null
    const touched = new Map<InFlightBatch, number>()
    for (const [offset, outcome] of outcomes) {
      const record = this.#records.get(offset)!
      touched.set(record.batch, (touched.get(record.batch) ?? 0) + 1)
      if (outcome === 'renewed') {
        renewed ??= this.#lock(memberId, lockMs)
        record.lock = renewed
      } else if (outcome === 'available') {
        this.#giveBack(record)
      } else {
        record.lock = null
        record.state = outcome
      }
    }
    for (const [batch, count] of touched) if (count !== batch.size) batch.isSplit = true
    // Locks are not stored.
    if ([...outcomes.values()].some((outcome) => outcome !== 'renewed')) this.#store()
  }

  /** What is done with at the beginning is forgotten after it has been stored, as in Java: the next store tells of it. */
  #store(): void {
    let deliveryComplete = 0
    for (const { state } of this.#records.values()) {
      if (state === 'acknowledged' || state === 'archived') deliveryComplete++
    }
    this.#stored = { startOffset: this.#startOffset, deliveryComplete }
    this.#advance()
    this.#changed()
  }

  #advance(): void {
    for (; this.#startOffset < this.#endOffset; this.#startOffset++) {
      const state = this.#records.get(this.#startOffset)?.state
      if (state === 'available' || state === 'acquired') return
      this.#records.delete(this.#startOffset)
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

function outcomeOf(type: number): Outcome {
  switch (type) {
    case acknowledgeTypes.accept:
      return 'acknowledged'
    case acknowledgeTypes.release:
      return 'available'
    case acknowledgeTypes.renew:
      return 'renewed'
    default:
      return 'archived'
  }
}

function refused(code: ErrorName, message: string): GroupError {
  return new GroupError(code, message)
}

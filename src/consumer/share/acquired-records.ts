import { ProtocolError } from '../../protocol/errors.ts'
import { decodeRecords, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { asFailure } from '../partition-fetch.ts'
import { offsetDeltaOf, originOf, type ReadSettings } from '../record-origin.ts'
import { type AcknowledgedRange, type AcquiredFrom, acknowledgeTypeIds } from './acknowledgements.ts'
import { ShareRecord, type ShareRecordOrigin } from './share-record.ts'

/** Offsets that were acquired together. */
export interface AcquiredRange {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
}

/** What an answer says was acquired, as numbers. Throws ProtocolError when it cannot be. */
export function acquiredRanges(
  given: readonly {
    readonly firstOffset: bigint
    readonly lastOffset: bigint
    readonly deliveryCount: number
  }[],
): AcquiredRange[] {
  let end = -1
  return given.map(({ firstOffset, lastOffset, deliveryCount }) => {
    const first = Number(firstOffset)
    const last = Number(lastOffset)
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first <= end || last < first) {
      throw new ProtocolError(
        'MALFORMED',
        `acquired records from ${firstOffset} to ${lastOffset}, after those up to ${end}`,
      )
    }
    end = last
    return { first, last, deliveryCount }
  })
}

/**
 * What one answer brought of one partition: records, and which of them are ours. Of each acquired offset comes either a
 * record or a mark: that nothing is there, or that it cannot be read.
 *
 * Marks are ranges, for a range may be as long as a hostile broker likes.
 */
export class AcquiredRecords {
  readonly from: AcquiredFrom
  /** Monotonic milliseconds up to which nobody else is given them, at least. */
  readonly lockEndsAt: number
  readonly #settings: ReadSettings
  readonly #ranges: readonly AcquiredRange[]
  readonly #batches: Iterator<RecordBatch>
  #range = 0
  /** First acquired offset of which nothing has come yet. */
  #at: number
  #batch: RecordBatch | null = null
  #cursor: RecordCursor | null = null
  #origin: ShareRecordOrigin | null = null
  #marks: AcknowledgedRange[] = []
  #failure: ProtocolError | null = null
  #isExhausted = false

  constructor(
    from: AcquiredFrom,
    records: Uint8Array,
    ranges: readonly AcquiredRange[],
    settings: ReadSettings,
    lockEndsAt = Number.POSITIVE_INFINITY,
  ) {
    this.from = from
    this.lockEndsAt = lockEndsAt
    this.#settings = settings
    this.#ranges = ranges
    this.#at = ranges[0]?.first ?? Number.POSITIVE_INFINITY
    // Checksums are compared when a batch is reached: one that is wrong does not stand in the way of the others.
    this.#batches = decodeRecords(records, { checkCrcs: false })[Symbol.iterator]()
  }

  /** Whether nothing more will come of it, neither records nor a failure. */
  get isExhausted(): boolean {
    return (this.#isExhausted || this.#at === Number.POSITIVE_INFINITY) && this.#failure === null
  }

  /**
   * The next records, at most `max`; fewer only at the end, or before a batch that cannot be read. That is told when there
   * are no records before it: a ProtocolError which names its offsets. What comes behind it can be taken after that.
   */
  take(max: number): ShareRecord<unknown, unknown>[] {
    const records: ShareRecord<unknown, unknown>[] = []
    while (records.length < max && this.#failure === null && !this.#isExhausted) {
      try {
        if (this.#cursor !== null || this.#openBatch()) this.#decode(records, max)
      } catch (error) {
        this.#pass(error)
      }
    }
    if (records.length === 0 && this.#failure !== null) {
      const failure = this.#failure
      this.#failure = null
      throw failure
    }
    return records
  }

  /** Nobody wants the rest: it is released. */
  release(): void {
    this.#markUpTo(Number.POSITIVE_INFINITY, acknowledgeTypeIds.release)
    this.#failure = null
  }

  /** What is to be acknowledged of itself: gaps, what cannot be read or is not wanted. Each once. */
  takeMarks(): AcknowledgedRange[] {
    const marks = this.#marks
    this.#marks = []
    return marks
  }

  /** Goes to the next batch with something for us. False: there is none. */
  #openBatch(): boolean {
    for (;;) {
      this.#batch = null
      const next = this.#batches.next()
      if (next.done) {
        // Brokers acquire no further than the batches that they send, so something is missing: somebody may get it whole.
        // A gap would be gone for good (Java takes it for one).
        this.#markUpTo(Number.POSITIVE_INFINITY, acknowledgeTypeIds.release)
        this.#isExhausted = true
        return false
      }
      const batch = next.value
      this.#batch = batch
      const end = batch.lastOffsetNumber + 1
      // A broker gives whole batches, also where only some of one are ours.
      if (end <= this.#at) continue
      if (this.#settings.checkCrcs) batch.checkCrc()
      if (batch.isControl || batch.count === 0) {
        this.#markUpTo(end, acknowledgeTypeIds.gap)
        continue
      }
      const cursor = batch.cursor()
      this.#origin = { ...originOf(batch, cursor, this.from, this.#settings), deliveryCount: 0 }
      this.#cursor = cursor
      return true
    }
  }

  #decode(records: ShareRecord<unknown, unknown>[], max: number): void {
    const cursor = this.#cursor!
    const { lastOffsetDelta } = this.#batch!
    const { baseOffset } = this.#origin!
    while (records.length < max) {
      if (!cursor.next()) {
        this.#cursor = null
        this.#markUpTo(baseOffset + lastOffsetDelta + 1, acknowledgeTypeIds.gap)
        return
      }
      const offset = baseOffset + offsetDeltaOf(cursor, lastOffsetDelta)
      this.#markUpTo(offset, acknowledgeTypeIds.gap)
      if (this.#at !== offset) continue
      const { deliveryCount } = this.#ranges[this.#range]!
      if (this.#origin!.deliveryCount !== deliveryCount) this.#origin = { ...this.#origin!, deliveryCount }
      records.push(new ShareRecord(this.#origin!, cursor))
      this.#moveTo(offset + 1)
    }
  }

  /** Marks the acquired offsets before `end` that nothing has come of. */
  #markUpTo(end: number, type: number): void {
    while (this.#at < end) {
      const { last } = this.#ranges[this.#range]!
      const lastMarked = Math.min(last, end - 1)
      this.#marks.push({ first: this.#at, last: lastMarked, type })
      this.#moveTo(lastMarked + 1)
    }
  }

  #moveTo(offset: number): void {
    this.#at = offset
    if (offset <= this.#ranges[this.#range]!.last) return
    this.#range++
    this.#at = this.#ranges[this.#range]?.first ?? Number.POSITIVE_INFINITY
  }

  /** Leaves out what cannot be read. */
  #pass(error: unknown): void {
    const failure = asFailure(error)
    const first = this.#at
    const end = this.#batchEnd()
    // As in Java, what is corrupt is rejected: it would be for everybody. What others may be able to read (a compression
    // that this Node does not have) is released, and so is all the rest when the batches cannot be told apart any more.
    const isCorrupt = failure instanceof ProtocolError && failure.code !== 'UNSUPPORTED'
    const rejects = isCorrupt && end !== Number.POSITIVE_INFINITY
    this.#markUpTo(end, rejects ? acknowledgeTypeIds.reject : acknowledgeTypeIds.release)
    this.#cursor = null
    if (end === Number.POSITIVE_INFINITY) this.#isExhausted = true
    const { topic, partition } = this.from
    const upTo = end === Number.POSITIVE_INFINITY ? 'and what came behind it' : `up to ${end - 1}`
    const told = new ProtocolError(
      failure instanceof ProtocolError ? failure.code : 'MALFORMED',
      `${topic}-${partition} at offset ${first} ${upTo} cannot be read, and was ` +
        `${rejects ? 'rejected' : 'released'}: ${failure.message}`,
    )
    told.cause = failure
    this.#failure = Object.assign(told, { topic, partition })
  }

  #batchEnd(): number {
    try {
      const last = this.#batch?.lastOffsetNumber ?? Number.POSITIVE_INFINITY
      return Math.max(last + 1, this.#at)
    } catch {
      return Number.POSITIVE_INFINITY
    }
  }
}

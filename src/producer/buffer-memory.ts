import { addAbortListener, removeAbortListener } from '../abort-listeners.ts'
import { type Deadline, longestTimerMs } from '../deadline.ts'
import { TimeoutError } from '../errors.ts'

interface Waiter {
  readonly bytes: number
  readonly deadline: Deadline
  enter(): void
  giveUp(error: Error): void
  readonly onAbort: () => void
}

/** What is measured of those who wait. */
export interface WaitMetrics {
  /** Milliseconds of each. */
  readonly bufferWait: { record(ms: number, now: number): void }
  /** Those for whom there was no room in time. */
  readonly exhausted: { record(count: number, now: number): void }
}

/** The bytes that a producer may hold for delivery, and the line of those who wait for some (Java's BufferPool). */
export class BufferMemory {
  readonly total: number
  #used = 0
  #line: Waiter[] = []
  /** Those of the line who have been served in the present round; they are cut off at its end. */
  #served = 0
  #isServing = false
  #timer: NodeJS.Timeout | undefined
  readonly #drained: (() => void)[] = []
  readonly #drainedBelow: number
  readonly #fullAbove: number
  readonly #waits: WaitMetrics | null

  /**
   * @param total bound of the bytes, `bufferMemory`.
   * @param fullAbove bytes in use from which on `isFull` says to wait. Less than `total` by what one more record may
   *   take, so that it fits all the same.
   * @param waits told how long each waited.
   */
  constructor(total: number, fullAbove: number, waits: WaitMetrics | null = null) {
    this.#waits = waits
    this.total = total
    this.#fullAbove = fullAbove
    this.#drainedBelow = this.#fullAbove / 2
  }

  get used(): number {
    return this.#used
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#line.length - this.#served
  }

  /** Time to wait for `drained` before there is more. */
  get isFull(): boolean {
    return this.#used > this.#fullAbove || this.#hasLine
  }

  /** Whether so many bytes can be had without waiting. Nobody overtakes those who wait already. */
  hasRoom(bytes: number): boolean {
    return !this.#hasLine && this.#used + bytes <= this.total
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  free(bytes: number): void {
    this.#used -= bytes
    this.#serve()
  }

  /**
   * Frees `bytes`, which `take` is about to take again for the same record, and lets nobody else have them in between:
   * whoever came in then would be written before that record.
   */
  exchange(bytes: number, take: () => void): void {
    this.#used -= bytes
    const wasServing = this.#isServing
    this.#isServing = true
    try {
      take()
    } finally {
      this.#isServing = wasServing
      this.#serve()
    }
  }

  /** Calls `enter` when there is room, with the bytes taken; `giveUp` when the deadline comes first or it is aborted. */
  wait(bytes: number, deadline: Deadline, enter: () => void, giveUp: (error: Error) => void): void {
    const onAbort = () => {
      const at = this.#line.indexOf(waiter, this.#served)
      if (at < 0) return
      this.#line.splice(at, 1)
      giveUp(deadline.signal?.reason)
      this.#serve()
      this.#arm()
    }
    const waiter: Waiter = { bytes, deadline, enter, giveUp, onAbort }
    addAbortListener(deadline.signal, onAbort)
    this.#line.push(waiter)
    if (this.#line.length - this.#served === 1) this.#arm()
  }

  /** Resolves when it is worth going on after `isFull`. */
  drained(): Promise<void> {
    if (!this.isFull) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Ends all waiting: the producer is closed. */
  close(error: Error): void {
    const line = this.#line.slice(this.#served)
    this.#line.length = this.#served
    clearTimeout(this.#timer)
    for (const waiter of line) this.#leave(waiter, error)
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  get #hasLine(): boolean {
    return this.#line.length > this.#served
  }

  #serve(): void {
    // Who is let in takes less than was set aside for it and frees the rest: that call comes from inside of this loop,
    // would serve the same waiter again, or the next one before this one is written.
    if (this.#isServing) return
    this.#isServing = true
    try {
      while (this.#hasLine && this.#used + this.#line[this.#served]!.bytes <= this.total) {
        const waiter = this.#line[this.#served++]!
        this.#used += waiter.bytes
        removeAbortListener(waiter.deadline.signal, waiter.onAbort)
        this.#waits?.bufferWait.record(waitedMs(waiter), performance.now())
        waiter.enter()
      }
    } finally {
      this.#isServing = false
      if (this.#served > 0) {
        this.#line.splice(0, this.#served)
        this.#served = 0
        this.#arm()
      }
    }
    if (this.#drained.length > 0 && !this.#hasLine && this.#used <= this.#drainedBelow) {
      for (const resolve of this.#drained.splice(0)) resolve()
    }
  }

  /** One timer, for the first in line: all wait equally long, so it is the first whose time is over. */
  #arm(): void {
    clearTimeout(this.#timer)
    const first = this.#line[this.#served]
    if (first === undefined) return
    this.#timer = setTimeout(
      () => {
        let late = 0
        while (this.#line[late]?.deadline.expired) late++
        for (const waiter of this.#line.splice(0, late)) {
          const { timeoutMs } = waiter.deadline
          const message = `no room for ${waiter.bytes} bytes in bufferMemory (${this.total}) within maxBlockMs (${timeoutMs})`
          this.#waits?.bufferWait.record(waitedMs(waiter), performance.now())
          this.#waits?.exhausted.record(1, performance.now())
          this.#leave(waiter, new TimeoutError('MAX_BLOCK_TIMEOUT', message))
        }
        // A smaller record may fit where the one before it did not.
        this.#serve()
        this.#arm()
      },
      Math.min(longestTimerMs, Math.max(1, Math.ceil(first.deadline.remainingMs))),
    )
  }

  #leave(waiter: Waiter, error: Error): void {
    removeAbortListener(waiter.deadline.signal, waiter.onAbort)
    waiter.giveUp(error)
  }
}

function waitedMs({ deadline }: Waiter): number {
  return deadline.timeoutMs - deadline.remainingMs
}

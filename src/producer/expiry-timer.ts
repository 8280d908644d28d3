import { longestTimerMs } from '../deadline.ts'

/**
 * One timer for the deadlines of all batches: it rings when the oldest one's time is over, and not on a beat, so that
 * nobody is told later than promised, and a producer whose batches are confirmed in time is hardly ever woken.
 */
export class ExpiryTimer {
  readonly #timeoutMs: number
  readonly #expire: (createdBefore: number) => number
  #timer: NodeJS.Timeout | undefined
  /** Creation of what it will ring for; infinity: it is not set. */
  #setFor = Number.POSITIVE_INFINITY

  /**
   * @param timeoutMs how long each batch may take from its creation, `deliveryTimeoutMs`.
   * @param expire fails what was created before that point (monotonic milliseconds), and gives when the oldest of what is
   *   left was created; infinity: nothing is left.
   */
  constructor(timeoutMs: number, expire: (createdBefore: number) => number) {
    this.#timeoutMs = timeoutMs
    this.#expire = expire
  }

  /** Something was created at this point, and is open. */
  watch(createdAt: number): void {
    if (createdAt >= this.#setFor) return
    clearTimeout(this.#timer)
    this.#setFor = createdAt
    const dueInMs = createdAt + this.#timeoutMs - performance.now()
    // Timers ring by a clock that is up to a millisecond behind this one; what is not due by then rings once more.
    const waitMs = Math.min(longestTimerMs, Math.max(1, Math.ceil(dueInMs)))
    this.#timer = setTimeout(() => {
      // First, as what is failed may bring something new, which is to be watched as well.
      this.#setFor = Number.POSITIVE_INFINITY
      this.watch(this.#expire(performance.now() - this.#timeoutMs))
    }, waitMs)
  }

  /** Nothing is open. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#setFor = Number.POSITIVE_INFINITY
  }
}

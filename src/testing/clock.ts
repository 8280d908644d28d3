/** Longest delay that Node's timers take. */
const longestTimerMs = 2 ** 31 - 1

/** A timer of a {@link Clock}. */
export interface ClockTimer {
  cancel(): void
}

interface Pending extends ClockTimer {
  readonly dueMs: number
  readonly run: () => void
  handle: NodeJS.Timeout | null
}

/**
 * The time of a cluster: that of the machine, plus what `advance` has added. Sessions, rebalances, transactions,
 * retention and long polls all go by it, so that a test need not wait for them.
 */
export class Clock {
  readonly #pending = new Set<Pending>()
  readonly #startedAt = Date.now() - performance.now()
  #addedMs = 0

  /** Milliseconds since 1970; never goes back. */
  now(): number {
    return Math.floor(this.#startedAt + performance.now() + this.#addedMs)
  }

  /** Runs `run` once, when `delayMs` are over. */
  after(delayMs: number, run: () => void): ClockTimer {
    const pending: Pending = {
      dueMs: this.now() + Math.max(0, delayMs),
      run,
      handle: null,
      cancel: () => this.#cancel(pending),
    }
    this.#pending.add(pending)
    this.#arm(pending)
    return pending
  }

  /** Resolves when `delayMs` are over. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve))
  }

  /**
   * Jumps `ms` ahead. What falls due on the way goes off in its order, each at its own time; what that sets in motion has
   * a turn of the event loop to do so before the next.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`the clock can be advanced by milliseconds from 0 on, not by ${ms}`)
    }
    const target = this.now() + ms
    for (;;) {
      let next: Pending | null = null
      for (const one of this.#pending)
        if (one.dueMs <= target && (next === null || one.dueMs < next.dueMs)) next = one
      if (next === null) break
      this.#addedMs += Math.max(0, next.dueMs - this.now())
      this.#cancel(next)
      next.run()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#addedMs += Math.max(0, target - this.now())
    for (const one of this.#pending) {
      if (one.handle !== null) clearTimeout(one.handle)
      this.#arm(one)
    }
  }

  /** Nothing goes off any more. */
  close(): void {
    for (const one of this.#pending) this.#cancel(one)
  }

  #arm(pending: Pending): void {
    const delay = Math.min(Math.max(0, pending.dueMs - this.now()), longestTimerMs)
    pending.handle = setTimeout(() => {
      // Node's timers may be a fraction of a millisecond early.
      if (this.now() < pending.dueMs) return this.#arm(pending)
      this.#pending.delete(pending)
      pending.run()
    }, delay)
  }

  #cancel(pending: Pending): void {
    this.#pending.delete(pending)
    if (pending.handle !== null) clearTimeout(pending.handle)
    pending.handle = null
  }
}

import { TimeoutError, type TimeoutErrorCode } from './errors.ts'

/** A point on the monotonic clock, in milliseconds, at which a call as a whole must be over. */
export class Deadline {
  readonly atMs: number
  /** Length of the whole, for messages. */
  readonly timeoutMs: number
  /** Ends the call early: given by the caller. */
  readonly signal: AbortSignal | undefined

  constructor(timeoutMs: number, signal?: AbortSignal) {
    this.timeoutMs = timeoutMs
    this.atMs = performance.now() + timeoutMs
    this.signal = signal
  }

  get remainingMs(): number {
    return Math.max(0, this.atMs - performance.now())
  }

  get expired(): boolean {
    return performance.now() >= this.atMs
  }

  /** Throws the signal's reason once it is aborted. */
  throwIfAborted(): void {
    this.signal?.throwIfAborted()
  }

  error(what: string, code: TimeoutErrorCode = 'API_TIMEOUT', cause?: unknown): TimeoutError {
    return new TimeoutError(code, `${what} did not end within ${this.timeoutMs} ms`, { cause })
  }

  /**
   * `promise`, or an error when the deadline comes first or the signal is aborted. The work behind `promise` is not
   * stopped: its result is dropped, and a late failure of it is no unhandled rejection.
   */
  race<T>(promise: Promise<T>, what: string, code: TimeoutErrorCode = 'API_TIMEOUT'): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => finish(() => reject(this.error(what, code))),
        Math.min(this.remainingMs, 0x7fffffff),
      )
      const onAbort = () => finish(() => reject(this.signal?.reason))
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        this.signal?.removeEventListener('abort', onAbort)
        settle()
      }
      if (this.signal?.aborted) return onAbort()
      this.signal?.addEventListener('abort', onAbort, { once: true })
      promise.then(
        (value) => finish(() => resolve(value)),
        (error: unknown) => finish(() => reject(error)),
      )
    })
  }

  /** Waits `ms`, but not beyond the deadline. Throws the signal's reason when that is aborted meanwhile. */
  async sleep(ms: number): Promise<void> {
    await sleep(Math.min(ms, this.remainingMs), this.signal)
  }
}

/** Waits `ms`; rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

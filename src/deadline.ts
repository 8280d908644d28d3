import { addAbortListener, removeAbortListener } from './abort-listeners.ts'
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
      let timer: NodeJS.Timeout
      // Timers count from the start of the turn in which they are set, so they can go off early by as much as that turn
      // had taken. Whoever is told of a deadline that is not over yet draws wrong conclusions from its own clock.
      const onTimer = () => {
        if (this.expired) finish(() => reject(this.error(what, code)))
        else arm()
      }
      const arm = () => {
        timer = setTimeout(onTimer, Math.min(Math.ceil(this.remainingMs), longestTimerMs))
      }
      const onAbort = () => finish(() => reject(this.signal?.reason))
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        removeAbortListener(this.signal, onAbort)
        settle()
      }
      arm()
      // First of all, or the failure of work that was aborted before it began would be an unhandled rejection.
      promise.then(
        (value) => finish(() => resolve(value)),
        (error: unknown) => finish(() => reject(error)),
      )
      if (this.signal?.aborted) return onAbort()
      addAbortListener(this.signal, onAbort)
    })
  }

  /**
   * Waits `ms`, but not beyond the deadline, nor beyond `end` where that is given. Throws the signal's reason when that
   * is aborted meanwhile.
   */
  async sleep(ms: number, end?: Promise<void>): Promise<void> {
    await sleep(Math.min(ms, this.remainingMs), this.signal, end)
  }
}

/** What a timer takes; one of more milliseconds would go off at once. */
export const longestTimerMs = 0x7fffffff

/** Waits `ms` (at most 24 days) or until `end` settles; rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal, end?: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const onEnd = () => {
      clearTimeout(timer)
      removeAbortListener(signal, onAbort)
      resolve()
    }
    const timer = setTimeout(onEnd, Math.min(ms, longestTimerMs))
    addAbortListener(signal, onAbort)
    end?.then(onEnd, onEnd)
  })
}

import type { Deadline } from '../deadline.ts'
import { TimeoutError } from '../errors.ts'

interface Waiter {
  readonly bytes: number
  readonly deadline: Deadline
  enter(): void
  giveUp(error: Error): void
  readonly onAbort: () => void
}

/** The bytes that a producer may hold for delivery, and the line of those who wait for some (Java's BufferPool). */
export class BufferMemory {
  readonly total: number
  #used = 0
  readonly #line: Waiter[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #drained: (() => void)[] = []
  readonly #drainedBelow: number
  readonly #fullAbove: number

  /** @param reserve bytes that are kept free after `isFull` has become true, so that one more record surely fits. */
  constructor(total: number, reserve: number) {
    this.total = total
    this.#fullAbove = total - reserve
    this.#drainedBelow = this.#fullAbove / 2
  }

  get used(): number {
    return this.#used
  }

  /** Time to wait for `drained` before there is more. */
  get isFull(): boolean {
    return this.#used > this.#fullAbove || this.#line.length > 0
  }

  /** Whether so many bytes can be had without waiting. Nobody overtakes those who wait already. */
  hasRoom(bytes: number): boolean {
    return this.#line.length === 0 && this.#used + bytes <= this.total
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  free(bytes: number): void {
    this.#used -= bytes
    this.#serve()
  }

  /** Calls `enter` when there is room, with the bytes taken; `giveUp` when the deadline comes first or it is aborted. */
  wait(bytes: number, deadline: Deadline, enter: () => void, giveUp: (error: Error) => void): void {
    const onAbort = () => {
      const at = this.#line.indexOf(waiter)
      if (at < 0) return
      this.#line.splice(at, 1)
      giveUp(deadline.signal?.reason)
      this.#serve()
    }
    const waiter: Waiter = { bytes, deadline, enter, giveUp, onAbort }
    deadline.signal?.addEventListener('abort', onAbort, { once: true })
    this.#line.push(waiter)
    this.#arm()
  }

  /** Resolves when it is worth going on after `isFull`. */
  drained(): Promise<void> {
    if (!this.isFull) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Ends all waiting: the producer is closed. */
  close(error: Error): void {
    for (const waiter of this.#line.splice(0)) this.#leave(waiter, error)
    clearTimeout(this.#timer)
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  #serve(): void {
    let served = 0
    while (served < this.#line.length && this.#used + this.#line[served]!.bytes <= this.total) {
      const waiter = this.#line[served++]!
      this.#used += waiter.bytes
      waiter.deadline.signal?.removeEventListener('abort', waiter.onAbort)
      waiter.enter()
    }
    if (served > 0) {
      this.#line.splice(0, served)
      this.#arm()
    }
    if (this.#drained.length > 0 && this.#line.length === 0 && this.#used <= this.#drainedBelow) {
      for (const resolve of this.#drained.splice(0)) resolve()
    }
  }

  /** One timer, for the first in line: all wait equally long, so it is the first whose time is over. */
  #arm(): void {
    clearTimeout(this.#timer)
    const [first] = this.#line
    if (first === undefined) return
    this.#timer = setTimeout(
      () => {
        while (this.#line[0]?.deadline.expired) {
          const waiter = this.#line.shift()!
          const { timeoutMs } = waiter.deadline
          const message = `no room for ${waiter.bytes} bytes in bufferMemory (${this.total}) within maxBlockMs (${timeoutMs})`
          this.#leave(waiter, new TimeoutError('MAX_BLOCK_TIMEOUT', message))
        }
        // A smaller record may fit where the one before it did not.
        this.#serve()
        this.#arm()
      },
      Math.max(1, Math.ceil(first.deadline.remainingMs)),
    )
  }

  #leave(waiter: Waiter, error: Error): void {
    waiter.deadline.signal?.removeEventListener('abort', waiter.onAbort)
    waiter.giveUp(error)
  }
}

/** Calls again and again, until it is stopped. */
export class RepeatingTimer {
  #timer: NodeJS.Timeout | undefined

  start(intervalMs: number, work: () => void): void {
    clearInterval(this.#timer)
    this.#timer = setInterval(work, Math.min(Math.max(intervalMs, 100), 0x7fffffff))
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

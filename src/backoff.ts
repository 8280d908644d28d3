/** Exponential backoff with jitter (KIP-580): `initialMs`, doubling, 20 % up or down, and never more than `maxMs`. */
export class Backoff {
  readonly #initialMs: number
  readonly #maxMs: number
  #failures = 0

  constructor(initialMs: number, maxMs: number) {
    this.#initialMs = initialMs
    this.#maxMs = maxMs
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const plain = Math.min(this.#initialMs * 2 ** this.#failures, this.#maxMs)
    // Bounded, as 2 ** 1024 is Infinity, and 0 times that is no number.
    if (this.#failures < 60) this.#failures++
    return Math.min(plain * (0.8 + Math.random() * 0.4), this.#maxMs)
  }

  reset(): void {
    this.#failures = 0
  }
}

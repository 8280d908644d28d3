/** Exponential backoff with jitter (KIP-580): `initialMs`, doubling up to `maxMs`, each 20 % up or down. */
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
    this.#failures++
    return plain * (0.8 + Math.random() * 0.4)
  }

  reset(): void {
    this.#failures = 0
  }
}

/**
 * Counts unsettled batches by generation. A flush ends a generation: it is over when no batch of that one or of an
 * earlier one is left, however many have been added since.
 */
export class FlushTracker {
  #generation = 0
  readonly #open = new Map<number, number>()
  #waiters: { readonly generation: number; readonly resolve: () => void }[] = []
  #holds = 0

  /** For a batch that is created now. */
  get generation(): number {
    return this.#generation
  }

  /** Whether somebody waits for everything to be sent. */
  get isFlushing(): boolean {
    return this.#holds > 0
  }

  /** `count` batches more of this generation are unsettled. */
  add(generation: number, count = 1): void {
    this.#open.set(generation, (this.#open.get(generation) ?? 0) + count)
  }

  settled(generation: number): void {
    const left = this.#open.get(generation)! - 1
    if (left > 0) {
      this.#open.set(generation, left)
      return
    }
    this.#open.delete(generation)
    if (this.#waiters.length === 0) return
    const over = this.#waiters.filter((waiter) => this.#isOver(waiter.generation))
    this.#waiters = this.#waiters.filter((waiter) => !over.includes(waiter))
    for (const waiter of over) waiter.resolve()
  }

  /** Batches do not wait for more records until the function that this gives is called. */
  hold(): () => void {
    this.#holds++
    let held = true
    return () => {
      if (held) this.#holds--
      held = false
    }
  }

  /** Resolves when all batches created so far are settled. */
  end(): Promise<void> {
    const generation = this.#generation++
    if (this.#isOver(generation)) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ generation, resolve }))
  }

  #isOver(generation: number): boolean {
    for (const open of this.#open.keys()) if (open <= generation) return false
    return true
  }
}

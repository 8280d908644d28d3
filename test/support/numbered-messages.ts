import type { Producer, RecordMetadata } from '../../src/index.ts'

/** What became of messages whose value is their number. */
export class NumberedMessages {
  readonly confirmed = new Map<number, RecordMetadata>()
  readonly failed = new Map<number, Error>()
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = []

  /**
   * Sends the numbers from `from` up to `to` (not included) as fast as the producer takes them, spread by key over the
   * partitions: numbers of one key are in the order of sending.
   */
  async send(producer: Producer, topic: string, from: number, to: number, keys = 100): Promise<void> {
    for (let n = from; n < to; n++) {
      const goOn = producer.produce({ topic, key: `k${n % keys}`, value: String(n) }, (error, metadata) => {
        if (error !== null) this.failed.set(n, error)
        else if (metadata !== null) this.confirmed.set(n, metadata)
        this.#wake()
      })
      if (!goOn) await producer.drained()
      // Answers and kills must come in between.
      if (n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when so many are confirmed. */
  reached(count: number): Promise<void> {
    if (this.confirmed.size >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ count, resolve }))
  }

  #wake(): void {
    while (this.#waiters.length > 0 && this.confirmed.size >= this.#waiters[0]!.count) {
      this.#waiters.shift()!.resolve()
    }
  }
}

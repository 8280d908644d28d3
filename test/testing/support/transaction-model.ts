/** One partition as it should be: every record and marker that was written, and what a reader is to see of it. */
export class PartitionModel {
  /** By offset; null: a marker. */
  readonly #log: ({ value: string; transaction: number | null } | null)[] = []
  /** First offset of each open transaction, by producer. */
  readonly #open = new Map<number, number>()
  /** Whether it was committed, by the number of the transaction; what is in none always counts. */
  readonly #results = new Map<number | null, boolean>([[null, true]])
  readonly #aborted: { producer: number; firstOffset: number }[] = []

  get end(): number {
    return this.#log.length
  }

  get lastStableOffset(): number {
    return Math.min(this.end, ...this.#open.values())
  }

  /** @param transaction a number of its own for each; null: outside of any. */
  write(value: string, producer: number, transaction: number | null): void {
    if (transaction !== null && !this.#open.has(producer)) this.#open.set(producer, this.end)
    this.#log.push({ value, transaction })
  }

  /** The partition took part in the transaction that ends; `transaction` may have written nothing to it. */
  mark(producer: number, transaction: number, commit: boolean): void {
    this.#log.push(null)
    const firstOffset = this.#open.get(producer)
    this.#open.delete(producer)
    this.#results.set(transaction, commit)
    if (!commit && firstOffset !== undefined) this.#aborted.push({ producer, firstOffset })
  }

  committed(): string[] {
    return this.#log
      .slice(0, this.lastStableOffset)
      .flatMap((entry) => (entry !== null && this.#results.get(entry.transaction) ? [entry.value] : []))
  }

  /** Those that a reader from the start up to the last stable offset has to know, by first offset. */
  aborted(): { producer: number; firstOffset: number }[] {
    return this.#aborted
      .filter(({ firstOffset }) => firstOffset < this.lastStableOffset)
      .sort((a, b) => a.firstOffset - b.firstOffset)
  }
}

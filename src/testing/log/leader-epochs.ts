/** Which leader epoch began at which offset (Java's `LeaderEpochFileCache`, KIP-101). */
export class LeaderEpochs {
  readonly #entries: { epoch: number; startOffset: number }[] = []

  /** Called before each append; takes note when `epoch` is a later one than the last. */
  assign(epoch: number, startOffset: number): void {
    const last = this.#entries.at(-1)
    if (last === undefined || epoch > last.epoch) this.#entries.push({ epoch, startOffset })
  }

  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** Epoch that `offset` was, or would be, written in; -1 before all. */
  epochOf(offset: number): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i]!
      if (entry.startOffset <= offset) return entry.epoch
    }
    return -1
  }

  /**
   * End of `epoch`: the largest known epoch that is not later, and the offset at which the one behind it begins (Java's
   * `endOffsetFor`). (-1, -1) when nothing is known of it.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === -1) return { epoch: -1, endOffset: -1 }
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset }
    const next = this.#entries.find((entry) => entry.epoch > epoch)
    if (next === undefined) return { epoch: -1, endOffset: -1 }
    const floor = this.#entries.findLast((entry) => entry.epoch <= epoch)
    return { epoch: floor?.epoch ?? epoch, endOffset: next.startOffset }
  }

  /** Forgets the epochs that began at `offset` or behind it. */
  truncateFrom(offset: number): void {
    while (this.#entries.length > 1 && this.#entries.at(-1)!.startOffset >= offset) this.#entries.pop()
  }

  /** Forgets what lies before `offset`, but for the epoch that holds it. */
  truncateBefore(offset: number): void {
    while (this.#entries.length > 1 && this.#entries[1]!.startOffset <= offset) this.#entries.shift()
    const first = this.#entries[0]
    if (first !== undefined && first.startOffset < offset) first.startOffset = offset
  }
}

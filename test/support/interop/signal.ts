/** Lets tests wait for what clients report by callbacks. */
export class Signal {
  readonly #waiters = new Set<() => void>()

  /** Something changed that somebody may wait for. */
  notify(): void {
    for (const look of this.#waiters) look()
  }

  /** Resolves when `condition` holds. It is looked at now and after each `notify`. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#waiters.delete(look)
        resolve()
      }
      this.#waiters.add(look)
      look()
    })
  }
}

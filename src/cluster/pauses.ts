import { type Deadline, sleep } from '../deadline.ts'
import { IllegalStateError } from '../errors.ts'

/** Waits between tries that end with the client: after `close()` no timer of them is left. */
export class Pauses {
  readonly #ends = new Set<() => void>()
  #closed = false

  /**
   * Waits `ms`, but not beyond the deadline.
   *
   * @throws IllegalStateError once the client is closed, or the reason of the deadline's signal.
   */
  async wait(ms: number, deadline?: Deadline): Promise<void> {
    if (!this.#closed) {
      // A promise for each wait: one for all would keep every wait that ever was.
      let end = () => {}
      const ended = new Promise<void>((resolve) => {
        end = resolve
      })
      this.#ends.add(end)
      try {
        await (deadline === undefined ? sleep(ms, undefined, ended) : deadline.sleep(ms, ended))
      } finally {
        this.#ends.delete(end)
      }
    }
    this.throwIfClosed()
  }

  throwIfClosed(): void {
    if (this.#closed) throw new IllegalStateError('the client is closed')
  }

  close(): void {
    this.#closed = true
    for (const end of this.#ends) end()
  }
}

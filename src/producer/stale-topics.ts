import type { Metadata } from '../cluster/metadata.ts'
import { longestTimerMs } from '../deadline.ts'

/** Topics whose leaders have to be asked for; again, a little later, as long as asking fails and somebody waits. */
export class StaleTopics {
  readonly #metadata: Metadata
  readonly #retryMs: number
  readonly #isWanted: (topic: string) => boolean
  readonly #failed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param isWanted whether a topic still has records that wait. */
  constructor(metadata: Metadata, retryMs: number, isWanted: (topic: string) => boolean) {
    this.#metadata = metadata
    this.#retryMs = retryMs
    this.#isWanted = isWanted
  }

  refresh(topics: Iterable<string>): void {
    if (this.#isClosed) return
    const names = [...topics]
    this.#metadata.refresh(names).catch(() => this.#retry(names))
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #retry(names: readonly string[]): void {
    if (this.#isClosed) return
    for (const name of names) this.#failed.add(name)
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        const wanted = [...this.#failed].filter(this.#isWanted)
        this.#failed.clear()
        if (wanted.length > 0) this.refresh(wanted)
      },
      Math.min(this.#retryMs, longestTimerMs),
    )
  }
}

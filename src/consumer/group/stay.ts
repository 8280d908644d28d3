import { isGraver, type Verdict } from './verdict.ts'

/**
 * A member's time in the group up to the verdict that ends it. Whatever works for it reports to this object and to no
 * other: so an answer that comes late speaks of a stay that nobody looks at any more.
 */
export class Stay {
  readonly #ended = new AbortController()
  readonly #over = new AbortController()
  #verdict: Verdict | null = null

  /** The gravest verdict so far; null while all is well. */
  get verdict(): Verdict | null {
    return this.#verdict
  }

  /** Aborted by the first verdict. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Aborted by a verdict other than `rejoin`: we are no member any more, and may not commit. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  end(verdict: Verdict): void {
    if (!isGraver(verdict, this.#verdict)) return
    this.#verdict = verdict
    if (verdict.kind !== 'rejoin') this.#over.abort()
    this.#ended.abort()
  }

  /** The verdict, once there is one. */
  whenEnded(): Promise<Verdict> {
    if (this.#verdict !== null) return Promise.resolve(this.#verdict)
    return new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve(this.#verdict!), { once: true })
    })
  }
}

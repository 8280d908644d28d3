/** A record that a member has in hand. */
export interface InHand {
  readonly owner: string
  readonly key: string
  readonly offset: number
}

interface PartitionPage {
  /** How often each offset was handled. */
  readonly handled: number[]
  /** All before it was handled. */
  firstUnhandled: number
  /** Confirmed to its producer. */
  written: number
  committed: number
  /** What a seek allows a commit to go back to; null: nothing. */
  seekTo: number | null
  readonly inHand: Set<InHand>
  /** Monotonic milliseconds since when it has had something to read and nothing was handled. */
  waitsSince: number
  longestWaitMs: number
}

/** What was written, handled and committed, by whom, and whether that is what a group promises. */
export class GroupLedger {
  readonly #pages = new Map<string, PartitionPage>()
  /** By generation and partition: who has had a record of it. */
  readonly #owners = new Map<string, string>()
  readonly #problems: string[] = []
  /** Why something may have been handled twice. */
  readonly #excuses: string[] = []
  readonly #overlaps: string[] = []
  readonly #waiters = new Set<() => void>()
  #written = 0
  #handledOnce = 0
  handled = 0
  commits = 0
  #isExcused = false

  get written(): number {
    return this.#written
  }

  /** What cannot be right whatever happened. */
  problem(what: string): void {
    this.#problems.push(what)
  }

  /** Something has happened after which records are handled again. */
  excuse(why: string): void {
    this.#isExcused = true
    this.#excuses.push(why)
  }

  get excuses(): readonly string[] {
    return this.#excuses
  }

  wrote(key: string, offset: number): void {
    const page = this.#page(key)
    this.#written++
    if (page.written === page.firstUnhandled) page.waitsSince = performance.now()
    page.written = Math.max(page.written, offset + 1)
    this.#changed()
  }

  /** @param generation -1: in none. */
  received(owner: string, key: string, offset: number, generation: number): InHand {
    const page = this.#page(key)
    for (const other of page.inHand) {
      if (other.owner !== owner)
        this.#overlaps.push(`${key}@${offset} came to ${owner} while ${other.owner} had ${other.offset}`)
    }
    if (generation >= 0) {
      const stay = `${generation} ${key}`
      const before = this.#owners.get(stay)
      if (before !== undefined && before !== owner) {
        this.problem(`${key} had two owners in generation ${generation}: ${before} and ${owner}`)
      }
      this.#owners.set(stay, owner)
    }
    const hand = { owner, key, offset }
    page.inHand.add(hand)
    return hand
  }

  /** Its handler has come to its end. */
  handledOne(hand: InHand): void {
    const page = this.#page(hand.key)
    page.inHand.delete(hand)
    this.handled++
    const times = page.handled[hand.offset] ?? 0
    page.handled[hand.offset] = times + 1
    if (times > 0) return
    this.#handledOnce++
    while ((page.handled[page.firstUnhandled] ?? 0) > 0) page.firstUnhandled++
    const now = performance.now()
    page.longestWaitMs = Math.max(page.longestWaitMs, now - page.waitsSince)
    page.waitsSince = now
    this.#changed()
  }

  /** Its process is gone: what it had in hand is nobody's. */
  gone(owner: string): void {
    for (const { inHand } of this.#pages.values()) {
      for (const hand of inHand) if (hand.owner === owner) inHand.delete(hand)
    }
  }

  /** Nobody could read until now. */
  readableFromNow(): void {
    for (const page of this.#pages.values()) page.waitsSince = performance.now()
  }

  sought(key: string, offset: number): void {
    const page = this.#page(key)
    page.seekTo = Math.min(page.seekTo ?? offset, offset)
  }

  /** The broker has taken a commit. */
  committed(key: string, offset: number): void {
    const page = this.#page(key)
    this.commits++
    if (offset > page.firstUnhandled) {
      this.problem(`${key} was committed up to ${offset}, and ${page.firstUnhandled} is not handled`)
    }
    if (offset < page.committed) {
      const isSought = page.seekTo !== null && offset >= page.seekTo
      if (!isSought) this.problem(`the commit of ${key} went back from ${page.committed} to ${offset}`)
    }
    page.committed = offset
  }

  committedOffset(key: string): number {
    return this.#page(key).committed
  }

  /** Why these, given up by `owner`, may be read again by who comes next; null: they may not. */
  notHandedOver(owner: string, key: string, position: number): string | null {
    const page = this.#page(key)
    for (const hand of page.inHand)
      if (hand.owner === owner) return `${owner} gave up ${key} with ${hand.offset} in hand`
    if (page.committed < position) {
      return `${owner} gave up ${key} at ${position}, and committed is ${page.committed}`
    }
    return null
  }

  get isComplete(): boolean {
    return this.#handledOnce === this.#written
  }

  /** Resolves when all that was written is handled. */
  async complete(): Promise<void> {
    while (!this.isComplete) await new Promise<void>((resolve) => this.#waiters.add(resolve))
  }

  /** What is written and was not handled. */
  unhandled(): string {
    const open = [...this.#pages].filter(([, page]) => page.firstUnhandled < page.written)
    return open.map(([key, page]) => `${key} from ${page.firstUnhandled} of ${page.written}`).join(', ')
  }

  /** Whether it is certain that nothing was to be handled twice. */
  get isStrict(): boolean {
    return !this.#isExcused
  }

  /**
   * @param stuckMs no partition may have waited for longer.
   * @param commitsAll the last commits are at the ends, where nothing was lost.
   */
  problems(stuckMs: number, commitsAll: boolean): string[] {
    const problems = [...this.#problems]
    for (const [key, page] of this.#pages) {
      for (let offset = 0; offset < page.written; offset++) {
        const times = page.handled[offset] ?? 0
        if (times === 0) problems.push(`${key}@${offset} was not handled`)
        if (times > 1 && this.isStrict) problems.push(`${key}@${offset} was handled ${times} times`)
      }
      if (page.longestWaitMs > stuckMs) {
        problems.push(`${key} stood still for ${Math.round(page.longestWaitMs)} ms`)
      }
      if (commitsAll && this.isStrict && page.committed !== page.written && page.written > 0) {
        problems.push(`${key} ends at ${page.written}, and committed at the end is ${page.committed}`)
      }
    }
    return this.isStrict ? [...problems, ...this.#overlaps] : problems
  }

  #page(key: string): PartitionPage {
    let page = this.#pages.get(key)
    if (page === undefined) {
      page = {
        handled: [],
        firstUnhandled: 0,
        written: 0,
        committed: 0,
        seekTo: null,
        inHand: new Set(),
        waitsSince: performance.now(),
        longestWaitMs: 0,
      }
      this.#pages.set(key, page)
    }
    return page
  }

  #changed(): void {
    if (!this.isComplete) return
    for (const resolve of this.#waiters) resolve()
    this.#waiters.clear()
  }
}

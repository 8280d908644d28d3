/** Calls that take the time of the one before them. */
const most = 3

/**
 * The time for records that come by the thousand in one turn of the event loop: looking at the clock is then a tenth of
 * what a record costs, and most of these get the same millisecond. So some calls take the time of the one before, but
 * never that of an earlier turn, nor when the calls come so slowly that it would not be theirs.
 */
export class RecordClock {
  #now = 0
  #left = 0
  #isTurnWatched = false

  /** Milliseconds since 1970. */
  now(): number {
    if (this.#left > 0) {
      this.#left--
      return this.#now
    }
    const now = Date.now()
    const sinceLast = now - this.#now
    this.#now = now
    if (sinceLast === 0) this.#reuse()
    return now
  }

  #reuse(): void {
    this.#left = most
    if (this.#isTurnWatched) return
    this.#isTurnWatched = true
    queueMicrotask(() => {
      this.#isTurnWatched = false
      this.#left = 0
    })
  }
}

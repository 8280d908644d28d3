import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import type { Deadline } from '../deadline.ts'
import type { Assignment } from './assignment.ts'
import type { PositionFinder } from './position-finder.ts'
import type { RecordReader } from './record-reader.ts'

export interface PositionWaitParts {
  readonly assignment: Assignment
  readonly reader: RecordReader
  readonly retryBackoffMs: number
  finder(): PositionFinder
  /** Whether positions are looked for by fetching already. */
  isStarted(): boolean
  /** Throws IllegalStateError. */
  checkNotClosed(): void
}

/** Who waits for a position that is being looked for. */
export class PositionWait {
  readonly #parts: PositionWaitParts
  readonly #waiters = new Set<() => void>()

  constructor(parts: PositionWaitParts) {
    this.#parts = parts
  }

  /** A search is over, whatever it has found. */
  searched(): void {
    for (const resolve of this.#waiters) resolve()
    this.#waiters.clear()
  }

  /** @throws TimeoutError at the deadline; the partition's error when it has one. */
  async position(partition: TopicPartition, deadline: Deadline): Promise<number> {
    const { assignment, reader, retryBackoffMs } = this.#parts
    const found = assignment.require(partition)
    while (found.position < 0) {
      this.#parts.checkNotClosed()
      if (found.hasFailed) reader.throwErrorOf(found)
      if (!found.isAssigned) assignment.require(partition)
      if (!this.#parts.isStarted() || !found.isReady || found.isPaused)
        void this.#parts.finder().find([found])
      const what = `finding the position of ${partitionKey(partition)}`
      let stop = () => {}
      const searched = new Promise<void>((resolve) => {
        stop = resolve
        this.#waiters.add(resolve)
      })
      try {
        await deadline.race(searched, what)
      } finally {
        this.#waiters.delete(stop)
      }
      if (found.position < 0 && !found.hasFailed) await deadline.sleep(retryBackoffMs)
    }
    return found.position
  }
}

import type { AssignedPartition } from '../assigned-partition.ts'
import type { AnyBatch, AnyRecord } from './run-options.ts'

/** One call of the handler, and its repetitions. */
export interface WorkItem {
  readonly work: PartitionWork
  readonly message: AnyRecord | AnyBatch
  /** What it is about: one, but for a batch. */
  readonly records: readonly AnyRecord[]
  /** Tries so far, the one under way included. */
  attempt: number
  /** Monotonic milliseconds; -1 while no handler is at work on it. */
  startedAt: number
  isDone: boolean
}

/**
 * What was taken of one partition and is not finished. Handlers end in any order; the partition is done up to the first
 * record that is not: a commit beyond it would lose that one, if this process came to an end now.
 */
export class PartitionWork {
  readonly partition: AssignedPartition
  readonly #jumps: number
  readonly #isCommitted: boolean
  #items: WorkItem[] = []
  #first = 0
  #held = 0

  /** @param isCommitted all of it is committed before it is handled: nothing here says what is done. */
  constructor(partition: AssignedPartition, isCommitted: boolean) {
    this.partition = partition
    this.#isCommitted = isCommitted
    this.#jumps = partition.jumps
  }

  /** False after a seek or a revocation: what was taken is no longer wanted. */
  get isCurrent(): boolean {
    return this.partition.isAssigned && this.partition.jumps === this.#jumps
  }

  /** Whether something of it has to come to its end before the partition is handed over. */
  get isHeld(): boolean {
    return this.#held > 0
  }

  /** Records from the first that is not finished on. */
  get unfinished(): number {
    return this.#items.length - this.#first
  }

  add(item: WorkItem): void {
    this.#items.push(item)
    if (!this.#isCommitted) this.partition.taken++
  }

  /** This one is to come to its end before the partition is handed over. */
  hold(): void {
    this.#held++
    this.partition.held++
  }

  release(): void {
    if (this.#held === 0) return
    this.#held--
    this.partition.held--
  }

  /** Nothing of it is waited for any more. */
  releaseAll(): void {
    while (this.#held > 0) this.release()
  }

  /** Moves what is done as far as the finished ones reach without a gap. */
  finish(item: WorkItem): void {
    item.isDone = true
    if (!this.isCurrent) return
    const { partition } = this
    let last: WorkItem | null = null
    while (this.#first < this.#items.length && this.#items[this.#first]!.isDone) {
      last = this.#items[this.#first]!
      this.#first++
    }
    if (last === null || this.#isCommitted) return
    partition.taken = this.unfinished
    if (partition.taken === 0) {
      this.#items = []
      this.#first = 0
      partition.settle()
      return
    }
    // The next that is not finished, and not the one after the last that is: offsets may be missing between them.
    const next = this.#items[this.#first]!
    partition.done = next.records[0]!.offset
    // What is missing between them may be of another leader: then there is none that is right for certain.
    const { leaderEpoch } = last.records[last.records.length - 1]!
    partition.doneEpoch = next.records[0]!.leaderEpoch === leaderEpoch ? leaderEpoch : -1
    if (this.#first < 1024) return
    this.#items = this.#items.slice(this.#first)
    this.#first = 0
  }
}

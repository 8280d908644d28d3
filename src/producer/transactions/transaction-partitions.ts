import type { PartitionQueue } from '../partition-queue.ts'

/**
 * The partitions of a transaction that the coordinator was told of, before the first batch of each leaves (KIP-98; with
 * KIP-890 nobody needs to). Those that are new in one turn go in one request; while it is on its way others are collected
 * for the next. Batches of partitions that are known do not wait for either.
 */
export class TransactionPartitions {
  readonly #add: (queues: readonly PartitionQueue[]) => Promise<void>
  readonly #onAdded: () => void
  readonly #added = new Set<PartitionQueue>()
  readonly #wanted = new Set<PartitionQueue>()
  /** Those that the request on its way names. */
  #asked: ReadonlySet<PartitionQueue> = new Set()
  #adding: Promise<void> | null = null

  /** @param add asks the coordinator. Never rejects before the transaction has an error: its partitions are then not added. */
  constructor(add: (queues: readonly PartitionQueue[]) => Promise<void>, onAdded: () => void) {
    this.#add = add
    this.#onAdded = onAdded
  }

  admits(queue: PartitionQueue): boolean {
    if (this.#added.has(queue)) return true
    if (this.#asked.has(queue)) return false
    this.#wanted.add(queue)
    // After the microtasks of this turn, in which other senders look at their queues.
    this.#adding ??= Promise.resolve().then(() => this.#run())
    return false
  }

  /** Resolves when nothing is on its way to the coordinator. */
  async idle(): Promise<void> {
    await this.#adding
  }

  /** The transaction is over. Only when idle: an answer that came later would count for the next one. */
  clear(): void {
    this.#wanted.clear()
    this.#added.clear()
  }

  async #run(): Promise<void> {
    try {
      while (this.#wanted.size > 0) {
        this.#asked = new Set(this.#wanted)
        this.#wanted.clear()
        await this.#add([...this.#asked])
        for (const queue of this.#asked) this.#added.add(queue)
        this.#asked = new Set()
        this.#onAdded()
      }
    } catch {
      this.#wanted.clear()
    } finally {
      this.#asked = new Set()
      this.#adding = null
    }
  }
}

/** What a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: not told. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedAtMs: number
  /** Only with the retention that OffsetCommit had up to version 4; null: the broker's. */
  readonly expiresAtMs: number | null
}

/** A partition with its committed offset. */
export interface OffsetEntry {
  readonly topic: string
  readonly partition: number
  readonly committed: CommittedOffset
}

interface Kept {
  readonly committed: CommittedOffset
  /** Counts up with each commit, as the offsets in `__consumer_offsets` do. */
  readonly order: number
}

type ByTopic = Map<string, Map<number, Kept>>

/** Committed offsets of one group, and those that wait for the end of a transaction (KIP-98, KIP-447). */
export class GroupOffsets {
  readonly #committed: ByTopic = new Map()
  /** By producer id. */
  readonly #pending = new Map<bigint, ByTopic>()
  #lastOrder = 0

  get isEmpty(): boolean {
    return this.#committed.size === 0 && this.#pending.size === 0
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(topic)?.get(partition)?.committed
  }

  *entries(): Generator<OffsetEntry, void, undefined> {
    for (const [topic, partitions] of this.#committed) {
      for (const [partition, { committed }] of partitions) yield { topic, partition, committed }
    }
  }

  /** What waits for the end of a transaction. */
  *pendingEntries(): Generator<OffsetEntry & { readonly producerId: bigint }, void, undefined> {
    for (const [producerId, topics] of this.#pending) {
      for (const [topic, partitions] of topics) {
        for (const [partition, { committed }] of partitions) yield { producerId, topic, partition, committed }
      }
    }
  }

  set(topic: string, partition: number, committed: CommittedOffset): void {
    put(this.#committed, topic, partition, { committed, order: ++this.#lastOrder })
  }

  /** Also what waits for a transaction. Whether there was a committed one. */
  delete(topic: string, partition: number): boolean {
    for (const offsets of this.#pending.values()) take(offsets, topic, partition)
    return take(this.#committed, topic, partition)
  }

  /** Forgets all of a topic that is deleted. */
  deleteTopic(topic: string): void {
    this.#committed.delete(topic)
    for (const offsets of this.#pending.values()) offsets.delete(topic)
  }

  /** Keeps an offset back until the producer's transaction ends. */
  setPending(producerId: bigint, topic: string, partition: number, committed: CommittedOffset): void {
    let offsets = this.#pending.get(producerId)
    if (offsets === undefined) {
      offsets = new Map()
      this.#pending.set(producerId, offsets)
    }
    put(offsets, topic, partition, { committed, order: ++this.#lastOrder })
  }

  /** Whether a transaction that is open holds an offset of that partition: it is not stable (KIP-447). */
  isPending(topic: string, partition: number): boolean {
    for (const offsets of this.#pending.values()) if (offsets.get(topic)?.has(partition)) return true
    return false
  }

  /** The transaction is over: its offsets count, or never were. What was committed after them stays. */
  endTransaction(producerId: bigint, commit: boolean): void {
    const offsets = this.#pending.get(producerId)
    if (offsets === undefined) return
    this.#pending.delete(producerId)
    if (!commit) return
    for (const [topic, partitions] of offsets) {
      for (const [partition, kept] of partitions) {
        const later = this.#committed.get(topic)?.get(partition)
        if (later === undefined || later.order < kept.order) put(this.#committed, topic, partition, kept)
      }
    }
  }
}

function put(into: ByTopic, topic: string, partition: number, kept: Kept): void {
  let partitions = into.get(topic)
  if (partitions === undefined) {
    partitions = new Map()
    into.set(topic, partitions)
  }
  partitions.set(partition, kept)
}

function take(from: ByTopic, topic: string, partition: number): boolean {
  const partitions = from.get(topic)
  if (partitions === undefined || !partitions.delete(partition)) return false
  if (partitions.size === 0) from.delete(topic)
  return true
}

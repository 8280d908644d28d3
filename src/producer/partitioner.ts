import { murmur2, toPositive } from '../protocol/murmur2.ts'

export interface PartitionerArgs {
  readonly topic: string
  /** As serialized. */
  readonly key: Uint8Array | null
  /** As serialized. */
  readonly value: string | Uint8Array | null
  readonly partitionCount: number
}

/** Gives the partition of a record, from 0 to `partitionCount - 1` (Java's Partitioner). */
export type Partitioner = (args: PartitionerArgs) => number

/** What a choice of partition can know of a topic. */
export interface PartitionLoad {
  readonly partitionCount: number
  hasLeader(partition: number): boolean
  /** Batches that wait or are in flight. */
  queued(partition: number): number
}

/** Java's choice for a key: murmur2, the sign bit off, modulo. */
export function partitionOfKey(key: string | Uint8Array, partitionCount: number): number {
  const bytes = typeof key === 'string' ? keyBytes(key) : key
  return toPositive(murmur2(bytes)) % partitionCount
}

let scratch = Buffer.allocUnsafeSlow(0)

/** UTF-8 of a key, good until the next call. */
function keyBytes(key: string): Uint8Array {
  const needed = key.length * 3
  if (scratch.length < needed) scratch = Buffer.allocUnsafeSlow(Math.max(256, needed))
  return scratch.subarray(0, scratch.write(key, 'utf8'))
}

/**
 * The partition of records without a key: stays with one until it got `batchSize` bytes, then moves on, so that
 * batches fill (KIP-480, KIP-794). The next one is drawn by lot; with `adaptive`, the shorter a partition's queue the
 * better its odds, so that a slow broker gets less.
 */
export class StickyPartition {
  readonly #batchSize: number
  readonly #adaptive: boolean
  readonly #random: () => number
  #current = -1
  #bytes = 0

  constructor(batchSize: number, adaptive: boolean, random: () => number = Math.random) {
    this.#batchSize = Math.max(1, batchSize)
    this.#adaptive = adaptive
    this.#random = random
  }

  next(load: PartitionLoad): number {
    const isOver = this.#bytes >= this.#batchSize
    if (
      this.#current < 0 ||
      isOver ||
      this.#current >= load.partitionCount ||
      !load.hasLeader(this.#current)
    ) {
      this.#current = this.#draw(load)
      this.#bytes = 0
    }
    return this.#current
  }

  /** So many bytes went to the partition that `next` gave. */
  used(bytes: number): void {
    this.#bytes += bytes
  }

  #draw(load: PartitionLoad): number {
    const count = load.partitionCount
    if (count === 1) return 0
    let longest = 0
    let available = 0
    for (let i = 0; i < count; i++) {
      if (!load.hasLeader(i)) continue
      available++
      longest = Math.max(longest, load.queued(i))
    }
    const weight = (partition: number) => {
      if (available > 0 && !load.hasLeader(partition)) return 0
      return this.#adaptive ? longest + 1 - Math.min(longest, load.queued(partition)) : 1
    }
    let total = 0
    for (let i = 0; i < count; i++) total += weight(i)
    let drawn = Math.floor(this.#random() * total)
    for (let i = 0; i < count; i++) {
      drawn -= weight(i)
      if (drawn < 0) return i
    }
    return count - 1
  }
}

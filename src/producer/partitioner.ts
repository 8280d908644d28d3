import { crc32 } from '../protocol/crc32.ts'
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

/** How good a choice a partition is; of the best that there are, one is drawn. */
export const suitability = {
  /** Nobody leads it. */
  leaderless: 0,
  /** Its broker has taken nothing for `partitionerAvailabilityTimeoutMs`. */
  blocked: 1,
  available: 2,
  /** Its leader is in the rack of this client, and `partitionerRackAware` is on. */
  near: 3,
} as const

/** What a choice of partition can know of a topic. */
export interface PartitionLoad {
  readonly partitionCount: number
  hasLeader(partition: number): boolean
  suitability(partition: number): number
  /** Batches of `batchSize` that wait or are in flight. */
  queued(partition: number): number
}

/** Java's choice for a key: murmur2, the sign bit off, modulo. */
export function partitionOfKey(key: string | Uint8Array, partitionCount: number): number {
  const bytes = typeof key === 'string' ? keyBytes(key) : key
  return toPositive(murmur2(bytes)) % partitionCount
}

/** librdkafka's choice for a key: CRC-32, modulo. */
export function consistentPartition(key: string | Uint8Array | null, partitionCount: number): number {
  if (key === null) return 0
  return crc32(typeof key === 'string' ? keyBytes(key) : key) % partitionCount
}

let scratch = Buffer.allocUnsafeSlow(0)

/** UTF-8 of a key, good until the next call. */
function keyBytes(key: string): Uint8Array {
  const needed = key.length * 3
  if (scratch.length < needed) scratch = Buffer.allocUnsafeSlow(Math.max(256, needed))
  return scratch.subarray(0, scratch.write(key, 'utf8'))
}

/**
 * How long a look at all partitions holds: with a thousand of them it costs as much as a batch of one. Java looks with
 * each pass of its sender.
 */
const candidatesMs = 2

/**
 * The partition of records without a key: stays with one until it got `batchSize` bytes, then moves on, so that
 * batches fill (KIP-480, KIP-794). The next one is drawn by lot among those that suit best; with `adaptive`, the shorter
 * a partition's queue the better its odds, so that a slow broker gets less.
 */
export class StickyPartition {
  readonly #batchSize: number
  readonly #adaptive: boolean
  readonly #random: () => number
  #current = -1
  #bytes = 0
  /** Partitions that may be drawn and their queues, kept from draw to draw: a topic may have thousands. */
  readonly #candidates: number[] = []
  readonly #sizes: number[] = []
  /** How many of them there are, their longest queue, and of how many partitions they were found. */
  #found = 0
  #someLed = false
  #longest = 0
  #foundOf = 0
  #foundAt = Number.NEGATIVE_INFINITY

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
    const now = performance.now()
    if (count !== this.#foundOf || now - this.#foundAt >= candidatesMs) this.#find(load, now)
    const drawn = this.#drawOne()
    if (load.hasLeader(drawn) || !this.#someLed) return drawn
    // It has lost its leader since.
    this.#find(load, now)
    return this.#drawOne()
  }

  #find(load: PartitionLoad, now: number): void {
    const count = load.partitionCount
    const partitions = this.#candidates
    const sizes = this.#sizes
    let best = -1
    let candidates = 0
    let longest = 0
    for (let i = 0; i < count; i++) {
      const suits = load.suitability(i)
      if (suits < best) continue
      if (suits > best) {
        best = suits
        candidates = 0
        longest = 0
      }
      const size = this.#adaptive ? load.queued(i) : 0
      longest = Math.max(longest, size)
      partitions[candidates] = i
      sizes[candidates++] = size
    }
    this.#found = candidates
    this.#someLed = best > suitability.leaderless
    this.#longest = longest
    this.#foundOf = count
    this.#foundAt = now
  }

  #drawOne(): number {
    const candidates = this.#found
    const longest = this.#longest
    const sizes = this.#sizes
    // Java's weights: the longest queue gets 1, an empty one as much more as the longest has batches.
    let total = 0
    for (let i = 0; i < candidates; i++) total += longest + 1 - sizes[i]!
    let drawn = Math.floor(this.#random() * total)
    for (let i = 0; i < candidates; i++) {
      drawn -= longest + 1 - sizes[i]!
      if (drawn < 0) return this.#candidates[i]!
    }
    return this.#foundOf - 1
  }
}

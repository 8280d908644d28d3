/** One stored batch: where it is, and what of its header is asked for again and again. */
export interface StoredBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly leaderEpoch: number
  readonly position: number
  readonly size: number
}

/** From this size on the next batch begins another segment. */
const segmentBytes = 8 * 1024 * 1024

/**
 * A stretch of a partition's log: whole batches, one behind the other, as they go to consumers. Bytes that are written
 * are never changed, so that what was read stays valid while more is appended.
 */
export class Segment {
  readonly baseOffset: number
  readonly batches: StoredBatch[] = []
  #bytes: Uint8Array
  #length = 0

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset
    this.#bytes = new Uint8Array(0)
  }

  get sizeInBytes(): number {
    return this.#length
  }

  get lastOffset(): number {
    return this.batches.at(-1)?.lastOffset ?? this.baseOffset - 1
  }

  get maxTimestamp(): number {
    return this.batches.reduce((max, batch) => Math.max(max, batch.maxTimestamp), -1)
  }

  hasRoomFor(size: number): boolean {
    return this.#length === 0 || this.#length + size <= segmentBytes
  }

  /** Copies `bytes`, which are one batch that is described by `batch`. */
  append(bytes: Uint8Array, batch: Omit<StoredBatch, 'position' | 'size'>): StoredBatch {
    const position = this.#length
    const needed = position + bytes.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(segmentBytes, needed * 2)))
      grown.set(this.#bytes.subarray(0, position))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, position)
    this.#length = needed
    const stored = { ...batch, position, size: bytes.length }
    this.batches.push(stored)
    return stored
  }

  /** A view. */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, Math.min(end, this.#length))
  }

  bytesOf(batch: StoredBatch): Uint8Array {
    return this.#bytes.subarray(batch.position, batch.position + batch.size)
  }

  /** Index of the first batch whose last offset is `offset` or later; their number when there is none. */
  indexOf(offset: number): number {
    let low = 0
    let high = this.batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.batches[middle]!.lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

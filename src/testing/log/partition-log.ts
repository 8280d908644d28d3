import { attributeBit, batchField, batchHeaderBytes } from '../../protocol/records/batch-header.ts'
import { decodeRecords } from '../../protocol/records/record-batch.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { type AbortedTransaction, ProducerStates } from './producer-states.ts'
import { Segment, type StoredBatch } from './segment.ts'

/** A stretch of a log, as a fetch gets it. */
export interface LogSlice {
  /** Whole batches, the last of which may be cut short. A view. */
  readonly bytes: Uint8Array
  readonly lastStableOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
}

/** An offset found by time. */
export interface TimestampOffset {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/**
 * The log of one partition: batches of magic 2 in memory. All replicas share it, and are never behind; so the high
 * watermark is its end, unless it is held back.
 */
export class PartitionLog {
  readonly epochs = new LeaderEpochs()
  readonly producers: ProducerStates
  #segments: Segment[] = []
  #logStartOffset = 0
  #logEndOffset = 0
  #heldAt: number | null = null
  #rewrites = 0
  readonly #watchers = new Set<() => void>()

  /** @param partition its name, for messages. */
  constructor(partition: string) {
    this.producers = new ProducerStates(partition)
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }

  get logEndOffset(): number {
    return this.#logEndOffset
  }

  get highWatermark(): number {
    return this.#heldAt === null ? this.#logEndOffset : Math.min(this.#heldAt, this.#logEndOffset)
  }

  /** Everything before it is committed or aborted. */
  get lastStableOffset(): number {
    const open = this.producers.firstOpenOffset
    if (open === null) return this.highWatermark
    // DeleteRecords may take away where it began.
    return Math.min(Math.max(open, this.#logStartOffset), this.highWatermark)
  }

  /** Grows when batches that were there are gone or others: what has been read of them is no more the log. */
  get rewrites(): number {
    return this.#rewrites
  }

  get sizeInBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeInBytes, 0)
  }

  /** Holds the high watermark where it is, as replicas that do not follow would; null lets it go on. */
  holdHighWatermark(at: number | null): void {
    this.#heldAt = at
    this.#changed()
  }

  /** For changes that are not of the log: another leader, the end of the topic. */
  wakeReaders(): void {
    this.#changed()
  }

  /** Calls `watcher` after each change that may give readers more. Gives back how to stop it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /**
   * Appends a copy of one batch of magic 2, with the next offset and `leaderEpoch` in it. Everything else has been checked
   * and stamped. Gives the offset of its first record.
   */
  append(batch: Uint8Array, leaderEpoch: number): number {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
    const baseOffset = this.#logEndOffset
    const lastOffset = baseOffset + view.getInt32(batchField.lastOffsetDelta)
    this.epochs.assign(leaderEpoch, baseOffset)
    const stored = this.#segmentFor(batch.length, baseOffset)
    const { position } = stored.append(batch, {
      baseOffset,
      lastOffset,
      maxTimestamp: Number(view.getBigInt64(batchField.maxTimestamp)),
      leaderEpoch,
    })
    // Neither field is covered by the checksum. The copy is stamped, not what was given: a client may send that again.
    const mine = stored.slice(position, position + batchHeaderBytes)
    const written = new DataView(mine.buffer, mine.byteOffset, mine.byteLength)
    written.setBigInt64(batchField.baseOffset, BigInt(baseOffset))
    written.setInt32(batchField.partitionLeaderEpoch, leaderEpoch)
    this.#logEndOffset = lastOffset + 1
    this.#changed()
    return baseOffset
  }

  /**
   * Batches from the one that holds `offset` on, up to `endOffset` and about `maxBytes`: the last batch may be cut short,
   * as Kafka does it, but the first is whole when `minOneBatch`. Null when the offset is out of range.
   */
  read(offset: number, maxBytes: number, endOffset: number, minOneBatch: boolean): LogSlice | null {
    if (offset < this.#logStartOffset || offset > this.#logEndOffset) return null
    const { highWatermark, lastStableOffset, logStartOffset } = this
    return {
      bytes: this.#slice(offset, maxBytes, endOffset, minOneBatch),
      highWatermark,
      lastStableOffset,
      logStartOffset,
    }
  }

  /** Bytes that a fetch at `offset` would find. */
  bytesFrom(offset: number, endOffset: number): number {
    let bytes = 0
    for (const segment of this.#segments) {
      if (segment.lastOffset < offset) continue
      const from = segment.batches[segment.indexOf(offset)]
      if (from === undefined || from.baseOffset >= endOffset) continue
      const last = segment.batches[segment.indexOf(endOffset)]
      const end = last === undefined ? segment.sizeInBytes : last.position
      bytes += end - from.position
    }
    return bytes
  }

  /** Aborted transactions that have records from `offset` on and before `endOffset`. */
  abortedBetween(offset: number, endOffset: number): AbortedTransaction[] {
    return this.producers.aborted.filter(
      ({ firstOffset, lastOffset }) => lastOffset >= offset && firstOffset < endOffset,
    )
  }

  /** The first record whose timestamp is `timestamp` or later (KIP-79). */
  offsetForTimestamp(timestamp: number): TimestampOffset | null {
    for (const segment of this.#segments) {
      for (const batch of segment.batches) {
        if (batch.maxTimestamp < timestamp || batch.lastOffset < this.#logStartOffset) continue
        for (const record of this.#recordsOf(segment, batch)) {
          if (record.timestamp >= timestamp && record.offset >= this.#logStartOffset) {
            return { ...record, leaderEpoch: batch.leaderEpoch }
          }
        }
      }
    }
    return null
  }

  /** The first record of the largest timestamp (KIP-734). */
  offsetOfMaxTimestamp(): TimestampOffset | null {
    let found: { segment: Segment; batch: StoredBatch } | null = null
    for (const segment of this.#segments) {
      for (const batch of segment.batches) {
        if (found === null || batch.maxTimestamp > found.batch.maxTimestamp) found = { segment, batch }
      }
    }
    if (found === null) return null
    for (const record of this.#recordsOf(found.segment, found.batch)) {
      if (record.timestamp === found.batch.maxTimestamp)
        return { ...record, leaderEpoch: found.batch.leaderEpoch }
    }
    return null
  }

  /** Moves the log's start, and frees what lies before it (DeleteRecords, retention). Never back. */
  deleteBefore(offset: number): void {
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = Math.min(offset, this.#logEndOffset)
    this.#rewrites++
    while (this.#segments.length > 1 && this.#segments[0]!.lastOffset < this.#logStartOffset) {
      this.#segments.shift()
    }
    if (this.#segments.length === 1 && this.#segments[0]!.lastOffset < this.#logStartOffset)
      this.#segments = []
    this.epochs.truncateBefore(this.#logStartOffset)
    this.producers.forgetAbortedBefore(this.#logStartOffset)
    this.#changed()
  }

  /**
   * Takes away the batch that holds `offset` and all behind it: a log that ends earlier, as that of a replica that was
   * behind. Gives its new end.
   */
  truncateTo(offset: number): number {
    const all = [...this.batches()]
    const kept = all.filter(({ batch }) => batch.lastOffset < offset)
    const first = all[kept.length]?.batch
    if (first === undefined) return this.#logEndOffset
    const end = Math.max(first.baseOffset, this.#logStartOffset)
    this.#logEndOffset = end
    this.epochs.truncateFrom(end)
    this.producers.truncateFrom(end)
    this.replaceAll(kept.map(({ bytes }) => bytes))
    return end
  }

  /** Every stored batch with its bytes, oldest first. */
  *batches(): Generator<{ readonly batch: StoredBatch; readonly bytes: Uint8Array }, void, undefined> {
    for (const segment of this.#segments) {
      for (const batch of segment.batches) yield { batch, bytes: segment.bytesOf(batch) }
    }
  }

  /**
   * Puts other batches in the place of all that are there, as compaction does. They keep their offsets, and the log its
   * end.
   */
  replaceAll(batches: Iterable<Uint8Array>): void {
    this.#segments = []
    for (const bytes of batches) this.#store(bytes)
    this.#rewrites++
    this.#changed()
  }

  /** Appends a batch that was in a log before, as it is. */
  restore(bytes: Uint8Array): StoredBatch {
    const stored = this.#store(bytes)
    this.epochs.assign(stored.leaderEpoch, stored.baseOffset)
    this.#logEndOffset = stored.lastOffset + 1
    return stored
  }

  /** For a log that is read back from a folder: where it begins and ends. */
  restoreBounds(logStartOffset: number, logEndOffset: number): void {
    this.#logStartOffset = logStartOffset
    this.#logEndOffset = logEndOffset
  }

  #store(bytes: Uint8Array): StoredBatch {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const baseOffset = Number(view.getBigInt64(batchField.baseOffset))
    return this.#segmentFor(bytes.length, baseOffset).append(bytes, {
      baseOffset,
      lastOffset: baseOffset + view.getInt32(batchField.lastOffsetDelta),
      maxTimestamp: Number(view.getBigInt64(batchField.maxTimestamp)),
      leaderEpoch: view.getInt32(batchField.partitionLeaderEpoch),
    })
  }

  #segmentFor(size: number, baseOffset: number): Segment {
    const last = this.#segments.at(-1)
    if (last?.hasRoomFor(size)) return last
    const segment = new Segment(baseOffset)
    this.#segments.push(segment)
    return segment
  }

  #slice(offset: number, maxBytes: number, endOffset: number, minOneBatch: boolean): Uint8Array {
    for (const segment of this.#segments) {
      if (segment.lastOffset < offset) continue
      const first = segment.batches[segment.indexOf(offset)]!
      if (first.baseOffset >= endOffset) break
      const behind = segment.batches[segment.indexOf(endOffset)]
      const readable = behind === undefined ? segment.sizeInBytes : behind.position
      let end = Math.min(readable, first.position + Math.max(0, maxBytes))
      if (minOneBatch) end = Math.max(end, first.position + first.size)
      return segment.slice(first.position, end)
    }
    return new Uint8Array(0)
  }

  *#recordsOf(
    segment: Segment,
    { baseOffset }: StoredBatch,
  ): Generator<{ offset: number; timestamp: number }> {
    const batch = segment.batches[segment.indexOf(baseOffset)]!
    for (const decoded of decodeRecords(segment.bytesOf(batch), { checkCrcs: false })) {
      if (decoded.attributes & attributeBit.control) continue
      for (const { offset, timestamp } of decoded) {
        yield { offset: Number(offset), timestamp: Number(timestamp) }
      }
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

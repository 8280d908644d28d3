import { KafkaError, ProtocolError } from '../protocol/errors.ts'
import { decodeRecords, type RecordBatch } from '../protocol/records/record-batch.ts'
import type { RecordCursor } from '../protocol/records/record-cursor.ts'
import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { ConsumerRecord, type RecordOrigin } from './consumer-record.ts'
import { offsetDeltaOf, originOf, type ReadSettings } from './record-origin.ts'

export type { ReadSettings } from './record-origin.ts'

/**
 * What one answer brought of one partition. Its batches are looked at when they are reached: checksum, decompression
 * and records cost nothing for what is never read.
 */
export class PartitionFetch {
  readonly partition: AssignedPartition
  /** Records that are decoded and not all delivered: from `index` on. */
  chunk: ConsumerRecord<unknown, unknown>[] = []
  index = 0
  /** Where the partition stands once the chunk is delivered. */
  chunkEnd: number
  /** Leader epoch of the batch before that. */
  chunkEpoch: number
  /** Offset after the last whole batch; where the next fetch begins. */
  readonly endOffset: number
  /** Leader epoch of the last whole batch; -1 where batches have none. */
  readonly endEpoch: number
  readonly #version: number
  readonly #settings: ReadSettings
  readonly #aborted: AbortedTransactions | null
  readonly #batches: RecordBatch[] = []
  #nextBatch = 0
  #batch: RecordBatch | null = null
  #origin: RecordOrigin | null = null
  #cursor: RecordCursor | null = null
  /** What is wrong behind the batches and records before it. */
  #failure: KafkaError | RangeError | null = null
  #onRelease: (() => void) | null

  /**
   * @param aborted what the broker tells of aborted transactions; null with `read_uncommitted`.
   * @param onRelease called once: the bytes are no longer needed here.
   */
  constructor(
    partition: AssignedPartition,
    records: Uint8Array,
    aborted: readonly AbortedTransaction[] | null,
    settings: ReadSettings,
    onRelease: () => void,
  ) {
    this.partition = partition
    this.chunkEnd = partition.fetchOffset
    this.chunkEpoch = partition.fetchEpoch
    this.#version = partition.version
    this.#settings = settings
    this.#aborted = aborted === null ? null : new AbortedTransactions(aborted)
    this.#onRelease = onRelease
    let endOffset = partition.fetchOffset
    let endEpoch = partition.fetchEpoch
    try {
      // Only headers here. Checksums are compared when a batch is reached, so that one that is wrong does not stand in
      // the way of those before it.
      for (const batch of decodeRecords(records, { checkCrcs: false })) {
        const batchEnd = batch.lastOffsetNumber + 1
        // Before magic 2 there is no such field: to tell it the batch would have to be decompressed, here and again later.
        if (batch.magic === 2 && batch.lastOffsetDelta < 0)
          throw new ProtocolError('MALFORMED', 'a batch ends before it begins')
        endOffset = Math.max(endOffset, batchEnd)
        endEpoch = batch.partitionLeaderEpoch
        this.#batches.push(batch)
      }
    } catch (error) {
      this.#failure = asFailure(error)
    }
    this.endOffset = endOffset
    this.endEpoch = endEpoch
  }

  /** Whether it brought nothing from the position on, and has nothing to report. */
  get isEmpty(): boolean {
    return this.endOffset <= this.chunkEnd && this.#failure === null
  }

  /** Still what the partition wants: no seek, reset or revocation since. */
  get isCurrent(): boolean {
    return this.partition.version === this.#version
  }

  /** Whether all was decoded; the chunk may still wait for delivery. */
  get isExhausted(): boolean {
    return this.#cursor === null && this.#nextBatch === this.#batches.length && this.#failure === null
  }

  /**
   * Decodes the next records into `chunk`, at most `max`. With none left the chunk is empty, and `chunkEnd` tells how far
   * the partition has come all the same. Throws for a broken batch, after all before it was delivered; the error names
   * partition and offset.
   */
  fill(max: number): void {
    const chunk: ConsumerRecord<unknown, unknown>[] = []
    this.chunk = chunk
    this.index = 0
    try {
      while (chunk.length < max && (this.#cursor !== null || this.#openBatch())) this.#decode(chunk, max)
    } catch (error) {
      this.#failure = asFailure(error)
      this.#cursor = null
      this.#nextBatch = this.#batches.length
    }
    if (this.#failure !== null && chunk.length === 0) {
      const failure = this.#failure
      throw this.#describe(failure)
    }
  }

  /** The bytes are no longer needed. */
  release(): void {
    this.#onRelease?.()
    this.#onRelease = null
  }

  /** Goes to the next batch that has records for us. False: there is none. */
  #openBatch(): boolean {
    for (;;) {
      const batch = this.#batches[this.#nextBatch]
      if (batch === undefined) return false
      const batchEnd = batch.lastOffsetNumber + 1
      // A broker gives whole batches: those before the position come along.
      if (batchEnd > this.chunkEnd) {
        this.#batch = batch
        if (this.#settings.checkCrcs) batch.checkCrc()
        const isExcluded = this.#aborted?.excludes(batch) ?? false
        if (!isExcluded && !batch.isControl && batch.count !== 0) {
          this.#cursor = batch.cursor()
          this.#origin = originOf(batch, this.#cursor, this.partition, this.#settings)
          // Not before all this: of a batch that cannot be read it may be anything, and would be committed and held
          // against the logs of leaders.
          this.chunkEpoch = batch.partitionLeaderEpoch
          this.#nextBatch++
          return true
        }
        this.chunkEnd = batchEnd
        this.chunkEpoch = batch.partitionLeaderEpoch
      } else {
        // Skipped, but an aborted transaction may end in it.
        this.#aborted?.excludes(batch)
      }
      this.#nextBatch++
    }
  }

  #decode(chunk: ConsumerRecord<unknown, unknown>[], max: number): void {
    const cursor = this.#cursor!
    const origin = this.#origin!
    const batch = this.#batch!
    const { baseOffset } = origin
    const { lastOffsetDelta } = batch
    let next = this.chunkEnd
    while (chunk.length < max) {
      if (!cursor.next()) {
        this.#cursor = null
        // Compaction may have taken the last records: their offsets are gone, not to come.
        next = baseOffset + lastOffsetDelta + 1
        break
      }
      const offset = baseOffset + offsetDeltaOf(cursor, lastOffsetDelta)
      if (offset < next) continue
      chunk.push(new ConsumerRecord(origin, cursor))
      next = offset + 1
      this.chunkEnd = next
    }
    this.chunkEnd = next
  }

  #describe(failure: KafkaError | RangeError): KafkaError {
    const { topic, partition } = this.partition
    const at = `${topic}-${partition} at offset ${this.chunkEnd}`
    const batch = this.#batch
    const isInBatch = batch !== null && this.chunkEnd <= batch.lastOffsetNumber
    const skip = isInBatch ? `; seek to ${batch.lastOffsetNumber + 1} skips the batch` : ''
    const code = failure instanceof ProtocolError ? failure.code : 'MALFORMED'
    const error = new ProtocolError(code, `${at} cannot be read: ${failure.message}${skip}`)
    error.cause = failure
    return Object.assign(error, { topic, partition })
  }
}

/** Only what says that the bytes are wrong; anything else is a mistake of ours and must show as such. */
export function asFailure(error: unknown): KafkaError | RangeError {
  if (error instanceof KafkaError || error instanceof RangeError) return error
  throw error
}

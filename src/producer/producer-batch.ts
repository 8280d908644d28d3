import type { Compressor } from '../protocol/compression/codec.ts'
import { restampBatch } from '../protocol/records/batch-header.ts'
import type { RecordBatchWriter } from '../protocol/records/record-batch-writer.ts'
import { readHeaders } from '../protocol/records/record-header.ts'
import type { BatchDelivered, Delivery } from './delivery.ts'
import type { WriterPool } from './writer-pool.ts'

/** The producer's name in the log of one partition, and where its numbering of records stands. */
export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional?: boolean
}

export const noStamp: ProducerStamp = { producerId: -1n, producerEpoch: -1, baseSequence: -1 }

/** Records of one partition that are sent, answered and repeated together. */
export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  /** Place in its queue: batches of one queue are written in this order. */
  readonly ordinal: number
  /** Monotonic milliseconds of the first record: `deliveryTimeoutMs` counts from here. */
  readonly createdAt: number
  /** Requests that it was part of. */
  attempts = 0
  /** A request with it went out, and its answer never came or left it open: it may be in the log. */
  maybePersisted = false
  /** The application has been told. */
  isSettled = false
  stamp: ProducerStamp = noStamp
  /** Bytes of the buffer that it holds. */
  reserved = 0
  /** Bytes of its largest record. */
  largestRecord = 0
  readonly #writer: RecordBatchWriter
  readonly #pool: WriterPool
  #deliveries: Delivery[] = []
  #compressed: Uint8Array | null = null
  #isReleased = false
  /** Room for ordinals up to the next batch of the queue. */
  #span = 1

  /** Of which `flush` it is a part: those that come later do not wait for it. */
  readonly generation: number

  constructor(
    topic: string,
    partition: number,
    ordinal: number,
    generation: number,
    createdAt: number,
    pool: WriterPool,
  ) {
    this.topic = topic
    this.partition = partition
    this.ordinal = ordinal
    this.generation = generation
    this.createdAt = createdAt
    this.#pool = pool
    this.#writer = pool.take()
  }

  get count(): number {
    return this.#writer.count
  }

  /** Bytes, before compression. */
  get size(): number {
    return this.#writer.size
  }

  /** Bytes that a request carries: after compression, once that is done. */
  get sentSize(): number {
    return this.#compressed?.length ?? this.#writer.size
  }

  sizeOf(
    timestamp: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: Parameters<RecordBatchWriter['append']>[3],
  ): number {
    return this.#writer.sizeOf(timestamp, key, value, headers)
  }

  append(
    timestamp: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: Parameters<RecordBatchWriter['append']>[3],
    delivery: Delivery,
  ): void {
    const before = this.#writer.size
    const index = this.#writer.append(timestamp, key, value, headers)
    const added = this.#writer.size - before
    if (added > this.largestRecord) this.largestRecord = added
    if (this.#deliveries[this.#deliveries.length - 1]?.takes(delivery)) return
    const mine = delivery.own()
    mine.start = index
    mine.count = 1
    this.#deliveries.push(mine)
  }

  /** The bytes to be sent. Not compressed: at once; a view into the buffer of this batch, good until `release`. */
  bytes(): Uint8Array {
    if (this.#compressed !== null) {
      restampBatch(this.#compressed, this.stamp)
      return this.#compressed
    }
    return this.#writer.finish(this.stamp)
  }

  /** Compresses once; repeated sends use the same bytes again. */
  async compress(codec: Compressor): Promise<void> {
    this.#compressed ??= await this.#writer.finishCompressed(this.stamp, codec)
  }

  compressSync(codec: Compressor): void {
    this.#compressed ??= this.#writer.finishCompressedSync(this.stamp, codec)
  }

  delivered(where: BatchDelivered): void {
    if (this.isSettled) return
    this.isSettled = true
    for (const delivery of this.#deliveries) delivery.delivered(where)
    this.#deliveries = []
  }

  failed(error: Error): void {
    if (this.isSettled) return
    this.isSettled = true
    for (const delivery of this.#deliveries) delivery.failed(error)
    this.#deliveries = []
  }

  /** Fails each record with an error of its own. Neighbours of one sender with the same error are told together. */
  failedEach(errorOf: (index: number) => Error): void {
    if (this.isSettled) return
    this.isSettled = true
    for (const delivery of this.#deliveries) {
      const end = delivery.start + delivery.count
      for (let from = delivery.start; from < end; ) {
        const error = errorOf(from)
        let to = from + 1
        while (to < end && errorOf(to) === error) to++
        const part = delivery.part(from - delivery.start, to - from)
        part.start = from
        part.count = to - from
        part.failed(error)
        from = to
      }
    }
    this.#deliveries = []
  }

  /** Gives the buffer back. Only when no request holds it any more. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#compressed = null
    this.#pool.give(this.#writer)
  }

  /**
   * The same records in batches of at most about `maxBytes`, for a broker that takes no larger ones. This batch is of
   * no use afterwards. Sequence numbers are not carried over: the parts are counted anew, which gives the same ones.
   */
  split(maxBytes: number): ProducerBatch[] {
    const parts: ProducerBatch[] = []
    const cursor = this.#writer.cursor()
    const base = this.#writer.baseTimestamp
    const runs = this.#deliveries.values()
    let run = runs.next().value
    let part = this.#part(this.ordinal)
    for (let index = 0; cursor.next(); index++) {
      while (run !== undefined && index >= run.start + run.count) run = runs.next().value
      const headers =
        cursor.headerCount === 0
          ? undefined
          : readHeaders(cursor.bytes, cursor.headersStart, cursor.headerCount, cursor.headersEnd)
      const timestamp = base + cursor.timestampDelta
      const key = cursor.key()
      const value = cursor.value()
      if (part.count > 0 && part.size + part.sizeOf(timestamp, key, value, headers) > maxBytes) {
        parts.push(part)
        // Each part's place is between this batch and the next one of the queue.
        part = this.#part(this.ordinal + (this.#span * index) / this.count)
      }
      part.append(timestamp, key, value, headers, (run as Delivery).part(index - run!.start, 1))
    }
    parts.push(part)
    for (const one of parts) {
      one.reserved = one.size
      one.maybePersisted = this.maybePersisted
      one.#span = (this.#span * one.count) / this.count
    }
    this.#deliveries = []
    this.isSettled = true
    return parts
  }

  #part(ordinal: number): ProducerBatch {
    return new ProducerBatch(this.topic, this.partition, ordinal, this.generation, this.createdAt, this.#pool)
  }
}

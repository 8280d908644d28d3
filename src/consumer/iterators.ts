import type { ConsumerRecord } from './consumer-record.ts'
import type { Chunk, RecordReader } from './record-reader.ts'

/** What the iterators have in common: ending. Leaving a loop leaves the consumer open. */
abstract class ReadIterator<T> implements AsyncIterableIterator<T, undefined> {
  protected readonly reader: RecordReader
  protected isEnded = false

  constructor(reader: RecordReader) {
    this.reader = reader
  }

  abstract next(): Promise<IteratorResult<T, undefined>>

  protected end(): IteratorReturnResult<undefined> {
    this.isEnded = true
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.isEnded) {
      this.isEnded = true
      this.reader.drop()
      this.reader.wake()
    }
    return this.end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/**
 * Record by record. Written by hand and not as an async generator: those cost several turns of the microtask queue for
 * each record.
 */
export class RecordIterator<K, V> extends ReadIterator<ConsumerRecord<K, V>> {
  next(): Promise<IteratorResult<ConsumerRecord<K, V>, undefined>> {
    const record = this.isEnded ? null : this.reader.record()
    if (record === null) return this.#wait()
    return Promise.resolve({ done: false, value: record as ConsumerRecord<K, V> })
  }

  async #wait(): Promise<IteratorResult<ConsumerRecord<K, V>, undefined>> {
    if (this.isEnded) return this.end()
    const record = await this.reader.readRecord(() => this.isEnded)
    return record === null ? this.end() : { done: false, value: record as ConsumerRecord<K, V> }
  }
}

/** Chunk by chunk. */
export class BatchIterator<B> extends ReadIterator<B> {
  readonly #batchOf: (chunk: Chunk) => B

  constructor(reader: RecordReader, batchOf: (chunk: Chunk) => B) {
    super(reader)
    this.#batchOf = batchOf
  }

  async next(): Promise<IteratorResult<B, undefined>> {
    if (this.isEnded) return this.end()
    const chunk = await this.reader.readChunk(() => this.isEnded)
    return chunk === null ? this.end() : { done: false, value: this.#batchOf(chunk) }
  }
}

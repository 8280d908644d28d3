import type { ConsumerRecord } from './consumer-record.ts'
import type { Chunk, RecordReader } from './record-reader.ts'

/**
 * Record by record. Written by hand and not as an async generator: those cost several turns of the microtask queue for
 * each record.
 */
export class RecordIterator<K, V> implements AsyncIterableIterator<ConsumerRecord<K, V>, undefined> {
  readonly #reader: RecordReader
  #isEnded = false

  constructor(reader: RecordReader) {
    this.#reader = reader
  }

  next(): Promise<IteratorResult<ConsumerRecord<K, V>, undefined>> {
    const record = this.#isEnded ? null : this.#reader.record()
    if (record === null) return this.#wait()
    return Promise.resolve({ done: false, value: record as ConsumerRecord<K, V> })
  }

  async #wait(): Promise<IteratorResult<ConsumerRecord<K, V>, undefined>> {
    if (this.#isEnded) return { done: true, value: undefined }
    const record = await this.#reader.readRecord(() => this.#isEnded)
    if (record === null) {
      this.#isEnded = true
      return { done: true, value: undefined }
    }
    return { done: false, value: record as ConsumerRecord<K, V> }
  }

  async return(): Promise<IteratorResult<ConsumerRecord<K, V>, undefined>> {
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#reader.drop()
      this.#reader.wake()
    }
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/** Chunk by chunk. */
export class BatchIterator<B> implements AsyncIterableIterator<B, undefined> {
  readonly #reader: RecordReader
  readonly #batchOf: (chunk: Chunk) => B
  #isEnded = false

  constructor(reader: RecordReader, batchOf: (chunk: Chunk) => B) {
    this.#reader = reader
    this.#batchOf = batchOf
  }

  async next(): Promise<IteratorResult<B, undefined>> {
    if (this.#isEnded) return { done: true, value: undefined }
    const chunk = await this.#reader.readChunk(() => this.#isEnded)
    if (chunk === null) {
      this.#isEnded = true
      return { done: true, value: undefined }
    }
    return { done: false, value: this.#batchOf(chunk) }
  }

  async return(): Promise<IteratorResult<B, undefined>> {
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#reader.drop()
      this.#reader.wake()
    }
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

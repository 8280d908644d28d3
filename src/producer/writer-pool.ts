import { RecordBatchWriter } from '../protocol/records/record-batch-writer.ts'

/** Buffers of finished batches, for the next ones. The last one given is the first taken: it is still in the cache. */
export class WriterPool {
  readonly #capacity: number
  readonly #maxIdle: number
  readonly #idle: RecordBatchWriter[] = []

  /**
   * @param capacity first size of a new buffer, in bytes.
   * @param maxIdle buffers kept while nobody needs them.
   */
  constructor(capacity: number, maxIdle: number) {
    this.#capacity = capacity
    this.#maxIdle = maxIdle
  }

  take(): RecordBatchWriter {
    return this.#idle.pop() ?? new RecordBatchWriter(this.#capacity)
  }

  give(writer: RecordBatchWriter): void {
    writer.reset()
    if (this.#idle.length < this.#maxIdle) this.#idle.push(writer)
  }

  clear(): void {
    this.#idle.length = 0
  }
}

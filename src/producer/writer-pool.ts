import { RecordBatchWriter } from '../protocol/records/record-batch-writer.ts'

/** Most that a new buffer holds before it grows: a topic of a thousand partitions may have as many open batches. */
const mostAtFirst = 4096

/** Buffers of finished batches, for the next ones. The last one given is the first taken: it is still in the cache. */
export class WriterPool {
  readonly #capacity: number
  readonly #maxIdleBytes: number
  readonly #idle: RecordBatchWriter[] = []
  #idleBytes = 0

  /**
   * @param capacity what a batch will hold, in bytes.
   * @param maxIdleBytes of the buffers kept while nobody needs them.
   */
  constructor(capacity: number, maxIdleBytes: number) {
    this.#capacity = Math.min(capacity, mostAtFirst)
    this.#maxIdleBytes = maxIdleBytes
  }

  take(): RecordBatchWriter {
    const writer = this.#idle.pop()
    if (writer === undefined) return new RecordBatchWriter(this.#capacity)
    this.#idleBytes -= writer.capacity
    return writer
  }

  give(writer: RecordBatchWriter): void {
    writer.reset()
    if (this.#idleBytes + writer.capacity > this.#maxIdleBytes) return
    this.#idleBytes += writer.capacity
    this.#idle.push(writer)
  }

  clear(): void {
    this.#idle.length = 0
    this.#idleBytes = 0
  }
}

import { Deadline } from '../../deadline.ts'
import type { ShareRecord } from './share-record.ts'

/** The part of `ShareReader` that a loop needs: all of it would come into the declarations, with the option schemas. */
export interface ShareReading {
  next(): ShareRecord<unknown, unknown> | null
  read(max: number, deadline: Deadline): Promise<ShareRecord<unknown, unknown>[]>
  leaveLoop(): void
}

/** Where the records come from. */
export interface ShareRecordSource {
  readonly isClosing: boolean
  /** Null: its code was not loaded yet. */
  readonly reader: ShareReading | null
  load(): Promise<ShareReading>
}

/** Record by record. Leaving a loop leaves the consumer open. */
export class ShareRecordIterator<K, V> implements AsyncIterableIterator<ShareRecord<K, V>, undefined> {
  readonly #source: ShareRecordSource
  /** Aborted once the loop is left: nothing is to be handed out after that. */
  readonly #ended = new AbortController()

  constructor(source: ShareRecordSource) {
    this.#source = source
  }

  next(): Promise<IteratorResult<ShareRecord<K, V>, undefined>> {
    try {
      // Without waiting for anything where the record is there already.
      const record = this.#isOver ? null : (this.#source.reader?.next() ?? null)
      if (record === null) return this.#wait()
      return Promise.resolve({ done: false, value: record as ShareRecord<K, V> })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#ended.signal.aborted) {
      this.#ended.abort()
      this.#source.reader?.leaveLoop()
    }
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  get #isOver(): boolean {
    return this.#ended.signal.aborted || this.#source.isClosing
  }

  async #wait(): Promise<IteratorResult<ShareRecord<K, V>, undefined>> {
    const { signal } = this.#ended
    try {
      while (!this.#isOver) {
        const reader = await this.#source.load()
        const [record] = await reader.read(1, new Deadline(Number.POSITIVE_INFINITY, signal))
        if (record !== undefined) return { done: false, value: record as ShareRecord<K, V> }
      }
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error
    }
    return this.return()
  }
}

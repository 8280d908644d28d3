import { KafkaError } from '../protocol/errors.ts'
import type { OnDelivery, ProducerRecord } from './producer-record.ts'

export interface ProducerStreamOptions<K, V> {
  /** Records that the stream itself may hold before `desiredSize` or `write` says to wait. Default 16. */
  readonly highWaterMark?: number | undefined
  /** Told of each record that was not delivered, and the stream goes on. Default: the first one errors the stream. */
  readonly onError?: ((error: Error, record: ProducerRecord<K, V>) => void) | undefined
}

/** What a stream needs of its producer. */
export interface StreamTarget<K, V> {
  produce(record: ProducerRecord<K, V>, onDelivery: OnDelivery): boolean
  /** Resolves when `produce` may go on. */
  drained(): Promise<void>
  /** Sends what waits, and resolves when it is settled. */
  flush(): Promise<void>
}

/** What both kinds of streams write to: a producer with back-pressure, and with an error for the stream. */
export class RecordSink<K, V> {
  readonly #target: StreamTarget<K, V>
  readonly #onError: ProducerStreamOptions<K, V>['onError']
  readonly #onFailure: (error: Error) => void
  #failure: Error | null = null

  /** @param onFailure called once, with the first failure, unless the options have `onError`. */
  constructor(
    target: StreamTarget<K, V>,
    onError: ProducerStreamOptions<K, V>['onError'],
    onFailure: (error: Error) => void,
  ) {
    this.#target = target
    this.#onError = onError
    this.#onFailure = onFailure
  }

  /** Resolves when the producer wants more. Rejects when the record cannot be sent and nobody else is told. */
  async write(record: ProducerRecord<K, V>): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      try {
        if (!this.#target.produce(record, (error) => error !== null && this.#failed(error, record))) {
          await this.#target.drained()
        }
        return
      } catch (error) {
        // Others write to the same producer and have filled it.
        if (error instanceof KafkaError && error.code === 'BUFFER_FULL') await this.#target.drained()
        else return this.#refused(error as Error, record)
      }
    }
  }

  /** Resolves when all that was written is confirmed. */
  async end(): Promise<void> {
    await this.#target.flush()
    if (this.#failure !== null) throw this.#failure
  }

  #refused(error: Error, record: ProducerRecord<K, V>): void {
    if (this.#onError === undefined) throw error
    this.#onError(error, record)
  }

  #failed(error: Error, record: ProducerRecord<K, V>): void {
    if (this.#onError !== undefined) return this.#onError(error, record)
    if (this.#failure !== null) return
    this.#failure = error
    this.#onFailure(error)
  }
}

const defaultHighWaterMark = 16

/** A WHATWG stream of records; disposing of it closes it. */
export type RecordWritableStream<K, V> = WritableStream<ProducerRecord<K, V>> & AsyncDisposable

export function writableOf<K, V>(
  target: StreamTarget<K, V>,
  { highWaterMark = defaultHighWaterMark, onError }: ProducerStreamOptions<K, V>,
): RecordWritableStream<K, V> {
  let controller: WritableStreamDefaultController
  let isOver = false
  const sink = new RecordSink(target, onError, (error) => controller.error(error))
  const stream = new WritableStream<ProducerRecord<K, V>>(
    {
      start(given) {
        controller = given
      },
      write: (record) => sink.write(record),
      close() {
        isOver = true
        return sink.end()
      },
      // What was given to the producer is on its way and stays so; what the stream still held is dropped.
      abort() {
        isOver = true
      },
    },
    { highWaterMark },
  )
  // Leaving the block waits until all is written.
  return Object.assign(stream, {
    [Symbol.asyncDispose]: () => (isOver ? Promise.resolve() : stream.close()),
  })
}

/** The same as a Writable of `node:stream`, in object mode. */
export function nodeWritableOf<K, V>(
  target: StreamTarget<K, V>,
  { highWaterMark = defaultHighWaterMark, onError }: ProducerStreamOptions<K, V>,
): NodeRecordWritable {
  const { Writable } = process.getBuiltinModule('node:stream')
  const sink = new RecordSink(target, onError, (error) => stream.destroy(error))
  const stream = new Writable({
    objectMode: true,
    highWaterMark,
    write(record: ProducerRecord<K, V>, _encoding, done) {
      sink.write(record).then(() => done(), done)
    },
    final(done) {
      sink.end().then(() => done(), done)
    },
  })
  return stream
}

export type NodeRecordWritable = import('node:stream').Writable

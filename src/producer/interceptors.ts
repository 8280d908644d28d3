import { messageOf } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { type BatchDelivered, Delivery } from './delivery.ts'
import type { ProducerRecord, RecordMetadata } from './producer-record.ts'

/**
 * Sees every record on its way out (Java's ProducerInterceptor). What one of its methods throws is told to `onError` and
 * changes nothing: the record goes on as it was, and whoever waits for it is told all the same.
 */
export interface ProducerInterceptor<K = string | Uint8Array | null, V = string | Uint8Array | null> {
  /** Before the record is serialized. What it gives is sent in its place; the next one of the list gets that. */
  onSend?(record: ProducerRecord<K, V>): ProducerRecord<K, V>
  /**
   * Once the record is confirmed (`error` is null) or has failed, before its sender is told. Of a record that failed,
   * `offset` and `timestamp` are -1, and so is `partition` if it had none yet. `record` is what `onSend` gave.
   */
  onAcknowledgement?(metadata: RecordMetadata, error: Error | null, record: ProducerRecord<K, V>): void
  /** The producer is closed. */
  close?(): void
}

type Method = keyof ProducerInterceptor

/** The interceptors of one producer, in their order. */
export class Interceptors<K, V> {
  readonly #all: readonly ProducerInterceptor<K, V>[]
  readonly #onError: ((error: KafkaError) => void) | undefined

  constructor(all: readonly ProducerInterceptor<K, V>[], onError: ((error: KafkaError) => void) | undefined) {
    this.#all = all
    this.#onError = onError
  }

  onSend(record: ProducerRecord<K, V>): ProducerRecord<K, V> {
    let current = record
    for (const one of this.#all) {
      if (one.onSend === undefined) continue
      this.#guard('onSend', current, () => {
        const next: unknown = one.onSend?.(current)
        if (typeof next !== 'object' || next === null || next instanceof Promise) {
          if (next instanceof Promise) next.catch(() => {})
          throw new TypeError(
            `it must give a record, not ${next instanceof Promise ? 'a promise' : String(next)}`,
          )
        }
        current = next as ProducerRecord<K, V>
      })
    }
    return current
  }

  onAcknowledgement(metadata: RecordMetadata, error: Error | null, record: ProducerRecord<K, V>): void {
    for (const one of this.#all) {
      this.#guard('onAcknowledgement', record, () => one.onAcknowledgement?.(metadata, error, record))
    }
  }

  /** A record that no delivery stands for any more. */
  failed(error: Error, record: ProducerRecord<K, V>): void {
    const { topic, partition } = record ?? {}
    const known = error instanceof KafkaError ? error.partition : undefined
    const metadata = { topic, partition: known ?? partition ?? -1, offset: -1, timestamp: -1 }
    this.onAcknowledgement(metadata, error, record)
  }

  /** The delivery of one record that tells the interceptors first. */
  wrap(record: ProducerRecord<K, V>, timestamp: number, delivery: Delivery): Delivery {
    return new InterceptedDelivery(this, record, timestamp, delivery)
  }

  close(): void {
    for (const one of this.#all) this.#guard('close', null, () => one.close?.())
  }

  #guard(method: Method, record: ProducerRecord<K, V> | null, call: () => unknown): void {
    try {
      const result = call()
      // An async method is not waited for, but must not end the process either.
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(method, record, error))
    } catch (error) {
      this.#report(method, record, error)
    }
  }

  #report(method: Method, record: ProducerRecord<K, V> | null, cause: unknown): void {
    const topic = record?.topic
    const of = topic === undefined ? '' : ` for a record of topic ${topic}`
    const error = new KafkaError(
      'INTERCEPTOR_FAILED',
      `${method} of an interceptor${of}: ${messageOf(cause)}`,
      {
        cause,
        ...(topic === undefined ? {} : { topic }),
      },
    )
    try {
      this.#onError?.(error)
    } catch (thrown) {
      // As with callbacks: it becomes an uncaught exception of its own, and stops no work on records.
      queueMicrotask(() => {
        throw thrown
      })
    }
  }
}

/** One record's delivery. With interceptors every record has one: they are told of each. */
class InterceptedDelivery<K, V> extends Delivery {
  readonly #interceptors: Interceptors<K, V>
  readonly #record: ProducerRecord<K, V>
  readonly #timestamp: number
  readonly #inner: Delivery

  constructor(
    interceptors: Interceptors<K, V>,
    record: ProducerRecord<K, V>,
    timestamp: number,
    inner: Delivery,
  ) {
    super()
    this.#interceptors = interceptors
    this.#record = record
    this.#timestamp = timestamp
    this.#inner = inner.own()
  }

  delivered(batch: BatchDelivered): void {
    const { topic, partition, baseOffset, logAppendTime } = batch
    const metadata = {
      topic,
      partition,
      offset: baseOffset < 0 ? -1 : baseOffset + this.start,
      timestamp: logAppendTime < 0 ? this.#timestamp : logAppendTime,
    }
    this.#interceptors.onAcknowledgement(metadata, null, this.#record)
    this.#mine().delivered(batch)
  }

  failed(error: Error): void {
    this.#interceptors.failed(error, this.#record)
    this.#mine().failed(error)
  }

  own(): Delivery {
    return this
  }

  takes(): boolean {
    return false
  }

  part(): Delivery {
    return this
  }

  #mine(): Delivery {
    this.#inner.start = this.start
    this.#inner.count = 1
    return this.#inner
  }
}

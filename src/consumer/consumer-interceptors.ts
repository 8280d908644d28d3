import { messageOf } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { OffsetToCommit } from './offset-committer.ts'
import { tell } from './tell.ts'

/**
 * Sees records on their way in, and commits (Java's ConsumerInterceptor). What one of its methods throws is told to
 * `onError` and changes nothing: the records go on as they were.
 */
export interface ConsumerInterceptor<K = Buffer | null, V = Buffer | null> {
  /**
   * Records of one partition, right before they are handed out: a batch, or what a loop or poll takes one by one. What it
   * gives is handed out in their place; the next one of the list gets that. It may leave records out, which count as done
   * with those around them, and put others in their place (`record.with`), but their order stays.
   */
  onConsume?(records: readonly ConsumerRecord<K, V>[]): readonly ConsumerRecord<K, V>[]
  /** These offsets were committed, whether by the application or automatically. */
  onCommit?(offsets: readonly OffsetToCommit[]): void
  /** The consumer is closed. */
  close?(): void
}

type AnyRecord = ConsumerRecord<unknown, unknown>

/** The interceptors of one consumer, in their order. */
export class ConsumerInterceptors {
  readonly #all: readonly ConsumerInterceptor<unknown, unknown>[]
  readonly #onError: ((error: KafkaError) => void) | undefined

  constructor(
    all: readonly ConsumerInterceptor<unknown, unknown>[],
    onError: ((error: KafkaError) => void) | undefined,
  ) {
    this.#all = all
    this.#onError = onError
  }

  onConsume(records: AnyRecord[], partition: AssignedPartition): AnyRecord[] {
    let current = records
    for (const one of this.#all) {
      if (one.onConsume === undefined || current.length === 0) continue
      this.#guard('onConsume', partition, () => {
        // A list of its own for each: one that empties the list it was given has still left nothing out.
        const next: unknown = one.onConsume?.([...current])
        checkOrder(next, current)
        current = next
      })
    }
    return current
  }

  onCommit(offsets: readonly OffsetToCommit[]): void {
    for (const one of this.#all) this.#guard('onCommit', null, () => one.onCommit?.(offsets))
  }

  close(): void {
    for (const one of this.#all) this.#guard('close', null, () => one.close?.())
  }

  #guard(method: keyof ConsumerInterceptor, partition: AssignedPartition | null, call: () => unknown): void {
    try {
      const result = call()
      // An async method is not waited for, but must not end the process either.
      if (result instanceof Promise) {
        result.catch((error: unknown) => this.#report(method, partition, error))
      }
    } catch (error) {
      this.#report(method, partition, error)
    }
  }

  #report(method: keyof ConsumerInterceptor, about: AssignedPartition | null, cause: unknown): void {
    const of = about === null ? '' : ` for records of ${about.key}`
    const context = about === null ? {} : { topic: about.topic, partition: about.partition }
    const message = `${method} of an interceptor${of}: ${messageOf(cause)}`
    tell(this.#onError, new KafkaError('INTERCEPTOR_FAILED', message, { cause, ...context }))
  }
}

/** The position goes by the offsets of what is handed out, so these have to be some of those that came, in their order. */
function checkOrder(next: unknown, given: readonly AnyRecord[]): asserts next is AnyRecord[] {
  if (!Array.isArray(next)) {
    if (next instanceof Promise) next.catch(() => {})
    const what = next instanceof Promise ? 'a promise' : String(next)
    throw new TypeError(`it must give an array of records, not ${what}`)
  }
  let at = 0
  for (const one of next as readonly (Partial<AnyRecord> | null | undefined)[]) {
    while (at < given.length && given[at]!.offset !== one?.offset) at++
    if (at === given.length) {
      const offset = one?.offset ?? 'something without an offset'
      throw new TypeError(
        `it gave ${offset}, which is not among the records that it got, or not in their order`,
      )
    }
    at++
  }
}

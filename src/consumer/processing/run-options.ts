import { InvalidArgumentError } from '../../errors.ts'
import type { HeadersInput } from '../../protocol/records/record-header.ts'
import type { ConsumerRecord } from '../consumer-record.ts'
import type { MessageBatch } from '../message-batch.ts'

/** What a handler gets beside its message. */
export interface HandlerContext {
  /** 1 at first, one more with each retry. */
  readonly attempt: number
  /** Aborted when nobody waits for the handler any more: `stop` or `close` has run out of time. */
  readonly signal: AbortSignal
}

/**
 * What becomes of a message whose handler failed. `retry`: again after a backoff. `skip`: it counts as done. `deadLetter`: it
 * is sent to that topic, and counts as done once that is confirmed. `stop`: `run()` rejects with the error, and the message
 * is read again by the next owner of its partition.
 */
export type FailureDecision = 'retry' | 'skip' | 'stop' | { readonly deadLetter: string }

/** Decides by the error, by what was being handled and by how often it was tried (1 at first). */
export type FailureHandler<M> = (
  error: unknown,
  message: M,
  attempt: number,
) => FailureDecision | PromiseLike<FailureDecision>

/** Where dead letters go out: a producer without serializers, as they are sent as the bytes that came. */
export interface DeadLetterProducer {
  send(record: DeadLetter): Promise<unknown>
}

export interface DeadLetter {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: HeadersInput
}

interface CommonRunOptions<M> {
  /** Most handlers at work at the same time. Default 1. */
  readonly concurrency?: number | undefined
  /**
   * What is handled strictly one after the other, in the order of the log: the messages of a `partition`, those of a `key`
   * (messages without a key then have no order), or `none`. Default `partition`. Batches are always by partition.
   */
  readonly ordering?: 'partition' | 'key' | 'none' | undefined
  /** A decision for all failures, or a function that decides. Default `stop`. */
  readonly onError?: FailureDecision | FailureHandler<M> | undefined
  /** Between two tries of a message. Default `{ initialMs: 100, maxMs: 30000 }`, doubled with each. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number } | undefined
  /** Needed for `deadLetter`. */
  readonly deadLetterProducer?: DeadLetterProducer | undefined
  /** Commits messages before they are handed out, so that none is handled twice; one may be lost. Default false. */
  readonly atMostOnce?: boolean | undefined
  /** How long handlers at work are waited for when it ends by an error or by `signal`, in milliseconds. Default 30000. */
  readonly drainTimeoutMs?: number | undefined
  /** Ends it as `stop()` does. */
  readonly signal?: AbortSignal | undefined
}

export interface EachMessageOptions<K, V> extends CommonRunOptions<ConsumerRecord<K, V>> {
  /** What it returns is awaited. */
  readonly eachMessage: (message: ConsumerRecord<K, V>, context: HandlerContext) => unknown
  readonly eachBatch?: undefined
}

export interface EachBatchOptions<K, V> extends CommonRunOptions<MessageBatch<K, V>> {
  /** What it returns is awaited. */
  readonly eachBatch: (batch: MessageBatch<K, V>, context: HandlerContext) => unknown
  readonly eachMessage?: undefined
}

/** Options of `run`: one handler, for messages or for batches. */
export type RunOptions<K, V> = EachMessageOptions<K, V> | EachBatchOptions<K, V>

export type AnyRecord = ConsumerRecord<unknown, unknown>
export type AnyBatch = MessageBatch<unknown, unknown>

/** The options with their defaults, the same for messages and batches. */
export interface ParsedRunOptions {
  readonly handler: (message: never, context: HandlerContext) => unknown
  readonly isByBatch: boolean
  readonly concurrency: number
  readonly ordering: 'partition' | 'key' | 'none'
  readonly onError: FailureHandler<AnyRecord | AnyBatch>
  readonly backoff: { readonly initialMs: number; readonly maxMs: number }
  readonly deadLetterProducer: DeadLetterProducer | null
  readonly atMostOnce: boolean
  readonly drainTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

const orderings: readonly unknown[] = ['partition', 'key', 'none']

/** Throws InvalidArgumentError. */
export function parseRunOptions<K, V>(given: RunOptions<K, V>): ParsedRunOptions {
  const { eachMessage, eachBatch, concurrency = 1, ordering = 'partition' } = given
  const { backoff = { initialMs: 100, maxMs: 30_000 }, drainTimeoutMs = 30_000, onError = 'stop' } = given
  const handler = eachMessage ?? eachBatch
  const isOne = (eachMessage === undefined) !== (eachBatch === undefined)
  if (!isOne || typeof handler !== 'function') refuse('takes one function: eachMessage or eachBatch')
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    refuse(`concurrency must be an integer, at least 1, not ${concurrency}`)
  }
  if (!orderings.includes(ordering)) refuse(`ordering must be 'partition', 'key' or 'none', not ${ordering}`)
  const { initialMs, maxMs } = backoff
  if (!(initialMs >= 0 && maxMs >= initialMs)) {
    refuse(`backoff must have initialMs, at least 0, and maxMs, no less, not ${initialMs} and ${maxMs}`)
  }
  if (!(drainTimeoutMs >= 0)) {
    refuse(`drainTimeoutMs must be a number of milliseconds, at least 0, not ${drainTimeoutMs}`)
  }
  const isFunction = typeof onError === 'function'
  const decide = isFunction ? (onError as FailureHandler<unknown>) : () => onError
  if (!isFunction) checkDecision(onError, given.deadLetterProducer)
  return {
    handler: handler as ParsedRunOptions['handler'],
    isByBatch: eachBatch !== undefined,
    concurrency,
    ordering: eachBatch === undefined ? ordering : 'partition',
    onError: decide,
    backoff,
    deadLetterProducer: given.deadLetterProducer ?? null,
    atMostOnce: given.atMostOnce === true,
    drainTimeoutMs,
    signal: given.signal,
  }
}

/** Throws InvalidArgumentError for what is no decision, or cannot be carried out. */
export function checkDecision(
  decision: FailureDecision,
  producer: DeadLetterProducer | null | undefined,
): FailureDecision {
  if (decision === 'retry' || decision === 'skip' || decision === 'stop') return decision
  const topic = typeof decision === 'object' && decision !== null ? decision.deadLetter : undefined
  if (typeof topic !== 'string' || topic === '') {
    return refuse("onError must decide for 'retry', 'skip', 'stop' or { deadLetter: topic }")
  }
  if (producer === null || producer === undefined)
    refuse(`{ deadLetter: '${topic}' } needs deadLetterProducer`)
  return decision
}

function refuse(what: string): never {
  throw new InvalidArgumentError(`run(): ${what}`)
}

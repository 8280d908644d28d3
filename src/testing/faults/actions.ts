import { InvalidArgumentError } from '../../errors.ts'
import { type ErrorName, errors } from '../error-codes.ts'

/** A request that a control sees before the broker does. */
export interface ControlledRequest {
  /** Kafka's name, as `Fetch`. */
  readonly api: string
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly brokerId: number
  /** Counts the connections of the cluster from 1 on. */
  readonly connectionId: number
  /** The decoded request. */
  readonly body: Readonly<Record<string, unknown>>
}

/** The decoded answer, to be changed in place. */
export type AnswerBody = Record<string, unknown>

/** What is to become of a request. Made by the functions below. */
export type Action =
  | { readonly kind: 'respond'; readonly body: AnswerBody }
  | { readonly kind: 'fail'; readonly code: ErrorName }
  | { readonly kind: 'change'; readonly change: (answer: AnswerBody) => void }
  | { readonly kind: 'disconnect'; readonly when: DisconnectTime }
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'throttle'; readonly throttleTimeMs: number }

/** `before`: the request is not carried out; `after`: it is; `halfway`: it is, and half of the answer is sent. */
export type DisconnectTime = 'before' | 'after' | 'halfway'

/** Answers with `body` in the place of the broker, which does nothing. */
export function respond(body: AnswerBody): Action {
  return { kind: 'respond', body }
}

/**
 * Answers with an error for everything that the request names; the broker does nothing.
 *
 * @throws InvalidArgumentError for a name that is none of Kafka's.
 */
export function failWith(code: ErrorName): Action {
  if (!Object.hasOwn(errors, code)) {
    throw new InvalidArgumentError(
      `there is no error ${String(code)}; allowed are Kafka's names, as NOT_COORDINATOR`,
    )
  }
  return { kind: 'fail', code }
}

/** Lets the broker carry the request out, and then `change` its answer. */
export function changeAnswer(change: (answer: AnswerBody) => void): Action {
  return { kind: 'change', change }
}

/** Ends the connection, by default before the request is carried out. */
export function disconnect(when: DisconnectTime = 'before'): Action {
  return { kind: 'disconnect', when }
}

/**
 * Gives no answer, by default not carrying the request out either. As with a broker that hangs, what comes behind it on
 * the connection is not answered either.
 */
export function drop(when: 'before' | 'after' = 'before'): Action {
  return { kind: 'drop', when }
}

/** Waits, by default before the request is carried out. Goes by the clock of the cluster. */
export function delay(delayMs: number, when: 'before' | 'after' = 'before'): Action {
  checkDuration('delayMs', delayMs)
  return { kind: 'delay', delayMs, when }
}

/** Carries the request out, and tells the client to be quiet for as long (KIP-219). */
export function throttle(throttleTimeMs: number): Action {
  checkDuration('throttleTimeMs', throttleTimeMs)
  return { kind: 'throttle', throttleTimeMs }
}

function checkDuration(name: string, ms: number): void {
  if (!(Number.isInteger(ms) && ms >= 0 && ms <= 2 ** 31 - 1)) {
    throw new InvalidArgumentError(`${name} is ${ms}; allowed: an integer from 0 to 2147483647`)
  }
}

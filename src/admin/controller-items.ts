import { Backoff } from '../backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Deadline } from '../deadline.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'

/** What the controller said about one item. */
export type ItemOutcome<R> = { readonly value: R } | { readonly error: KafkaError }

export interface ControllerAnswer<R> {
  readonly throttleTimeMs: number
  readonly outcomes: ReadonlyMap<string, ItemOutcome<R>>
}

interface ControllerCall {
  readonly deadline: Deadline
  /** Kafka's name of the API, for errors. */
  readonly api: string
  readonly retryOnQuotaViolation: boolean
}

/**
 * Asks the controller about items by their keys, and again for those that a quota has put off (KIP-599), after the time
 * that the broker wants.
 *
 * @returns an outcome for each key. An item whose wait would go beyond the deadline keeps its
 *   THROTTLING_QUOTA_EXCEEDED.
 * @throws what failed the first request as a whole. A later one fails only the items in it: what became of the others
 *   is known, and the caller must hear of it.
 */
export async function askController<R>(
  cluster: Cluster,
  keys: readonly string[],
  { deadline, api, retryOnQuotaViolation }: ControllerCall,
  ask: (keys: readonly string[]) => Promise<ControllerAnswer<R>>,
): Promise<Map<string, ItemOutcome<R>>> {
  const done = new Map<string, ItemOutcome<R>>()
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  let open = keys
  while (open.length > 0) {
    let answer: ControllerAnswer<R>
    try {
      answer = await ask(open)
    } catch (error) {
      deadline.throwIfAborted()
      if (done.size === 0 || !(error instanceof KafkaError)) throw error
      for (const key of open) done.set(key, { error })
      return done
    }
    const throttled: string[] = []
    for (const key of open) {
      const outcome = answer.outcomes.get(key) ?? { error: unanswered(api, key) }
      done.set(key, outcome)
      if ('error' in outcome && isQuotaViolation(outcome.error)) throttled.push(key)
    }
    const waitMs = Math.max(answer.throttleTimeMs, backoff.next())
    if (!retryOnQuotaViolation || throttled.length === 0 || waitMs >= deadline.remainingMs) return done
    await cluster.pause(waitMs, deadline)
    open = throttled
  }
  return done
}

function isQuotaViolation(error: KafkaError): boolean {
  return error instanceof BrokerError && error.code === 'THROTTLING_QUOTA_EXCEEDED'
}

function unanswered(api: string, key: string): KafkaError {
  return new KafkaError('INVALID_RESPONSE', `${api}: the broker's answer leaves out ${key}`, { api })
}

/** NOT_CONTROLLER is told for each item and means the request: a broker before KRaft has moved that role elsewhere. */
export function controllerError(items: readonly { readonly errorCode: number }[]): number {
  return items.some(({ errorCode }) => errorCode === errorCodes.notController)
    ? errorCodes.notController
    : errorCodes.none
}

/** Milliseconds for the broker's own waiting: it should say that it took too long before we stop listening. */
export function brokerTimeoutMs(cluster: Cluster, deadline: Deadline): number {
  return Math.max(1, Math.min(cluster.options.requestTimeoutMs, Math.floor(deadline.remainingMs)))
}

import { InvalidOptionError } from '../errors.ts'
import type { ParsedProducerOptions } from './producer-options.ts'

/** Null: on, unless the brokers do not know it. */
export function checkIdempotence(options: ParsedProducerOptions): boolean | null {
  const { acks, maxInFlightRequestsPerConnection: inFlight, retries, enableIdempotence } = options
  const { transactionalId } = options
  const against =
    acks !== 'all' && acks !== -1
      ? `acks is ${acks}; allowed: "all"`
      : inFlight > 5
        ? `maxInFlightRequestsPerConnection is ${inFlight}; allowed: at most 5`
        : retries === 0
          ? 'retries is 0; allowed: at least 1'
          : transactionalId !== undefined && enableIdempotence === false
            ? 'enableIdempotence is false; allowed: true'
            : null
  if (against === null) return transactionalId === undefined ? (enableIdempotence ?? null) : true
  if (transactionalId !== undefined) {
    throw new InvalidOptionError(`producer options: with transactionalId, ${against}`)
  }
  if (enableIdempotence === true) {
    throw new InvalidOptionError(`producer options: with enableIdempotence, ${against}`)
  }
  // As Java does: not asked for by name, it gives way to what was.
  return false
}

/** As Java does: a default that is too short grows, one that was given is an error. */
export function deliveryTimeoutOf(options: ParsedProducerOptions, isGiven: boolean): number {
  const { deliveryTimeoutMs, lingerMs, requestTimeoutMs } = options
  const least = lingerMs + requestTimeoutMs
  if (deliveryTimeoutMs >= least) return deliveryTimeoutMs
  if (!isGiven) return least
  throw new InvalidOptionError(
    `producer options: deliveryTimeoutMs is ${deliveryTimeoutMs}; allowed: at least lingerMs + requestTimeoutMs, ${least}`,
  )
}

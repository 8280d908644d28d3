import { InvalidArgumentError } from '../../errors.ts'
import type { ErrorName } from '../error-codes.ts'
import { Random } from '../random.ts'
import { type Action, delay, disconnect, drop, failWith, throttle } from './actions.ts'
import type { ControlHandler } from './controls.ts'

/** A fault of a kind; `fail:<code>` answers with that error. */
export type FaultKind =
  | 'disconnect-before'
  | 'disconnect-after'
  | 'disconnect-halfway'
  | 'delay'
  | 'drop'
  | 'throttle'
  | `fail:${ErrorName}`

export interface RandomFaultsOptions {
  /** The same seed gives the same faults to the same requests, in the order in which they come. */
  readonly seed: number
  /** Which part of the requests has a fault, from 0 to 1. */
  readonly rate: number
  /** Each is as likely as the others; one named twice is twice as likely. */
  readonly kinds: readonly FaultKind[]
  /** Longest delay and throttling. @default 50 */
  readonly maxDelayMs?: number
  /** After so many faults all is well. @default no end */
  readonly limit?: number
}

/**
 * Faults by chance, to be given to `kafka.control`:
 *
 * ```ts
 * kafka.control('Produce', randomFaults({ seed: 1, rate: 0.2, kinds: ['disconnect-after', 'fail:NOT_LEADER_OR_FOLLOWER'] }))
 * ```
 *
 * @throws InvalidArgumentError
 */
export function randomFaults(options: RandomFaultsOptions): ControlHandler {
  const { seed, rate, kinds, maxDelayMs = 50, limit = Number.POSITIVE_INFINITY } = options
  if (!(rate >= 0 && rate <= 1)) throw new InvalidArgumentError(`rate is ${rate}; allowed: from 0 to 1`)
  if (kinds.length === 0) throw new InvalidArgumentError('kinds is empty; at least one is needed')
  for (const kind of kinds) actionOf(kind, 1)
  const random = new Random(seed)
  let faults = 0
  return () => {
    // All three are drawn each time: whether one request has a fault must not change what becomes of the others.
    const chance = random.next()
    const kind = kinds[random.below(kinds.length)]!
    const forMs = 1 + random.below(Math.max(1, maxDelayMs))
    if (chance >= rate || faults >= limit) return undefined
    faults++
    return actionOf(kind, forMs)
  }
}

function actionOf(kind: FaultKind, forMs: number): Action {
  switch (kind) {
    case 'disconnect-before':
      return disconnect('before')
    case 'disconnect-after':
      return disconnect('after')
    case 'disconnect-halfway':
      return disconnect('halfway')
    case 'delay':
      return delay(forMs)
    case 'drop':
      return drop()
    case 'throttle':
      return throttle(forMs)
    default: {
      if (kind.startsWith('fail:')) return failWith(kind.slice(5) as ErrorName)
      throw new InvalidArgumentError(`there is no fault ${JSON.stringify(kind)}`)
    }
  }
}

import { type Action, changeAnswer, type ErrorName } from '../../../src/testing/index.ts'
import type { Dice } from '../schedules/dice.ts'
import {
  actionOf,
  type Disturbance as SharedDisturbance,
  type PlannedFault as SharedFault,
  type TransportFault,
  transportFaults,
  type Upheaval,
} from '../schedules/fault-runner.ts'

/** Requests that have faults. */
export const faultyApis = ['Produce', 'Metadata', 'InitProducerId', 'ApiVersions'] as const
export type FaultyApi = (typeof faultyApis)[number]

/** `appended:<code>`: the broker does what it was asked to, and answers with the error all the same. */
export type ScheduledFault = TransportFault | `fail:${ErrorName}` | `appended:${ErrorName}`

/** What becomes of the `at`-th request of an API, counted from 0 over all brokers. */
export interface PlannedFault extends SharedFault {
  readonly api: FaultyApi
  readonly kind: ScheduledFault
}

/** What happens to the cluster when the `at`-th Produce request comes. */
export type Disturbance = (SharedDisturbance | Upheaval) & { readonly at: number }

/** The producer is to try again after these, until all is confirmed. */
const retried: Readonly<Record<FaultyApi, readonly ScheduledFault[]>> = {
  Produce: [
    ...transportFaults,
    'fail:NOT_LEADER_OR_FOLLOWER',
    'fail:NOT_LEADER_OR_FOLLOWER',
    'fail:NOT_ENOUGH_REPLICAS',
    'fail:NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'fail:REQUEST_TIMED_OUT',
    'fail:KAFKA_STORAGE_ERROR',
    'fail:CORRUPT_MESSAGE',
    'fail:UNKNOWN_TOPIC_OR_PARTITION',
    'fail:LEADER_NOT_AVAILABLE',
    'appended:REQUEST_TIMED_OUT',
    'appended:NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    // With acks=all, of a leader that was replaced while it waited for its followers (Java's DelayedProduce).
    'appended:NOT_LEADER_OR_FOLLOWER',
    'appended:KAFKA_STORAGE_ERROR',
    'appended:UNKNOWN_TOPIC_OR_PARTITION',
  ],
  Metadata: [...transportFaults, 'fail:LEADER_NOT_AVAILABLE', 'fail:UNKNOWN_TOPIC_OR_PARTITION'],
  InitProducerId: [
    ...transportFaults,
    'fail:COORDINATOR_LOAD_IN_PROGRESS',
    'fail:COORDINATOR_NOT_AVAILABLE',
    'fail:NOT_COORDINATOR',
    'fail:REQUEST_TIMED_OUT',
  ],
  ApiVersions: transportFaults,
}

/** Records fail with these. */
const failing: readonly ScheduledFault[] = [
  'fail:TOPIC_AUTHORIZATION_FAILED',
  'fail:INVALID_RECORD',
  'fail:UNKNOWN_PRODUCER_ID',
  'fail:INVALID_PRODUCER_EPOCH',
  'fail:UNKNOWN_SERVER_ERROR',
]

export function drawFaults(dice: Dice, rushAt: number | null): PlannedFault[] {
  const mayFail = dice.chance(0.25)
  return Array.from({ length: dice.between(0, 10) }, (): PlannedFault => {
    const api = dice.pick(['Produce', 'Produce', 'Produce', 'Produce', ...faultyApis])
    const kind =
      api === 'Produce' && mayFail && dice.chance(0.3) ? dice.pick(failing) : dice.pick(retried[api])
    const at = api === 'Produce' ? drawRequest(dice, rushAt) : dice.between(0, 4)
    return { api, at, kind, ms: dice.pick([dice.between(1, 30), dice.between(1, 30), dice.between(1, 300)]) }
  })
}

/** Any of the first requests; or, where all comes at once, one of those around that time. */
function drawRequest(dice: Dice, rushAt: number | null): number {
  return rushAt === null ? dice.between(0, 40) : rushAt + dice.between(0, 9)
}

export function drawDisturbances(dice: Dice, rushAt: number | null): Disturbance[] {
  return Array.from({ length: dice.pick([0, 0, 1, 2, 3, 4]) }, () => ({
    at: drawRequest(dice, rushAt),
    kind: dice.pick(['move', 'move', 'stop', 'freeze', 'grow']),
    ms: dice.pick([dice.between(1, 50), dice.between(50, 400)]),
    pick: dice.between(0, 11),
  }))
}

/** The topic made anew, brokers that come back elsewhere. */
export function drawUpheavals(
  dice: Dice,
  { mayRecreate, mayReaddress }: { readonly mayRecreate: boolean; readonly mayReaddress: boolean },
): Disturbance[] {
  const drawn: Disturbance[] = []
  const draw = (kind: Upheaval['kind'], most: number, ms: number) => {
    for (let left = dice.between(1, most); left > 0; left--) {
      drawn.push({ at: dice.between(1, 30), kind, ms, pick: dice.between(0, 11) })
    }
  }
  if (dice.chance(0.25) && mayRecreate) draw('recreate', 3, dice.pick([0, dice.between(1, 100)]))
  if (dice.chance(0.25) && mayReaddress) draw('readdress', 2, dice.between(1, 200))
  return drawn
}

/** Codes with which these faults make records fail. */
export function codesOf(faults: readonly PlannedFault[]): string[] {
  return faults.filter(({ kind }) => failing.includes(kind)).map(({ kind }) => kind.slice('fail:'.length))
}

/** What a broker is to do for a fault of a producer's schedule. */
export function producerAction(fault: SharedFault): Action {
  const [name, detail] = fault.kind.split(':') as [string, ErrorName]
  if (name !== 'appended') return actionOf(fault)
  return changeAnswer((answer) => refuseAppended(answer, detail))
}

interface ProduceAnswer {
  readonly responses: { readonly partitionResponses: { errorCode: number }[] }[]
}

const codes: Partial<Record<ErrorName, number>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  KAFKA_STORAGE_ERROR: 56,
}

/** As Java does it, the offset stays in the answer. */
function refuseAppended(answer: Record<string, unknown>, code: ErrorName): void {
  for (const { partitionResponses } of (answer as unknown as ProduceAnswer).responses) {
    for (const one of partitionResponses) if (one.errorCode === 0) one.errorCode = codes[code]!
  }
}

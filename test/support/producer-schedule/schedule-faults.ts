import {
  type Action,
  changeAnswer,
  delay,
  disconnect,
  drop,
  type ErrorName,
  failWith,
  type TestKafka,
  throttle,
} from '../../../src/testing/index.ts'
import type { Dice } from './draw-schedule.ts'

/** Requests that have faults. */
export const faultyApis = ['Produce', 'Metadata', 'InitProducerId', 'ApiVersions'] as const
export type FaultyApi = (typeof faultyApis)[number]

/** `appended:<code>`: the broker does what it was asked to, and answers with the error all the same. */
export type ScheduledFault =
  | `disconnect:${'before' | 'after' | 'halfway'}`
  | `drop:${'before' | 'after'}`
  | `delay:${'before' | 'after'}`
  | 'throttle'
  | `fail:${ErrorName}`
  | `appended:${ErrorName}`

/** What becomes of the `at`-th request of an API, counted from 0 over all brokers. */
export interface PlannedFault {
  readonly api: FaultyApi
  readonly at: number
  readonly kind: ScheduledFault
  readonly ms: number
}

/** What happens to the cluster when the `at`-th Produce request comes; `stop` and `freeze` end after `ms`. */
export interface Disturbance {
  readonly at: number
  readonly kind: 'move' | 'stop' | 'freeze' | 'grow'
  readonly ms: number
  /** Which partition or broker: modulo how many there are. */
  readonly pick: number
}

const onAll: readonly ScheduledFault[] = [
  'disconnect:before',
  'disconnect:after',
  'disconnect:halfway',
  'drop:before',
  'drop:after',
  'delay:before',
  'delay:after',
  'throttle',
]

/** The producer is to try again after these, until all is confirmed. */
const retried: Readonly<Record<FaultyApi, readonly ScheduledFault[]>> = {
  Produce: [
    ...onAll,
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
  Metadata: [...onAll, 'fail:LEADER_NOT_AVAILABLE', 'fail:UNKNOWN_TOPIC_OR_PARTITION'],
  InitProducerId: [
    ...onAll,
    'fail:COORDINATOR_LOAD_IN_PROGRESS',
    'fail:COORDINATOR_NOT_AVAILABLE',
    'fail:NOT_COORDINATOR',
    'fail:REQUEST_TIMED_OUT',
  ],
  ApiVersions: onAll,
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

/** Codes with which these faults make records fail. */
export function codesOf(faults: readonly PlannedFault[]): string[] {
  return faults.filter(({ kind }) => failing.includes(kind)).map(({ kind }) => kind.slice('fail:'.length))
}

function actionOf({ kind, ms }: PlannedFault): Action {
  const [name, detail] = kind.split(':') as [string, string]
  switch (name) {
    case 'disconnect':
      return disconnect(detail as 'before' | 'after' | 'halfway')
    case 'drop':
      return drop(detail as 'before' | 'after')
    case 'delay':
      return delay(ms, detail as 'before' | 'after')
    case 'throttle':
      return throttle(ms)
    case 'appended':
      return changeAnswer((answer) => refuseAppended(answer, detail as ErrorName))
    default:
      return failWith(detail as ErrorName)
  }
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

/** Carries faults and disturbances out, each when its request comes. */
export class FaultRunner {
  readonly #kafka: TestKafka
  readonly #topic: string
  readonly #counts = new Map<string, number>()
  readonly #pending = new Set<{ readonly end: () => Promise<void>; readonly timer: NodeJS.Timeout }>()
  readonly #running = new Set<Promise<void>>()
  readonly #failures: unknown[] = []
  readonly #control: { remove(): void }

  constructor(
    kafka: TestKafka,
    topic: string,
    faults: readonly PlannedFault[],
    disturbances: readonly Disturbance[],
  ) {
    this.#kafka = kafka
    this.#topic = topic
    this.#control = kafka.control('*', ({ api }) => {
      const at = this.#counts.get(api) ?? 0
      this.#counts.set(api, at + 1)
      if (api === 'Produce') for (const one of disturbances) if (one.at === at) this.#disturb(one)
      return faults.filter((fault) => fault.api === api && fault.at === at).map(actionOf)
    })
  }

  /** How many requests of this API have come. */
  count(api: FaultyApi): number {
    return this.#counts.get(api) ?? 0
  }

  /** All is well from now on. */
  async lift(): Promise<void> {
    this.#control.remove()
    for (const one of this.#pending) {
      clearTimeout(one.timer)
      this.#run(one.end)
    }
    this.#pending.clear()
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#failures.length > 0) throw new AggregateError(this.#failures, 'a disturbance failed')
  }

  #disturb({ kind, ms, pick }: Disturbance): void {
    const kafka = this.#kafka
    const { cluster } = kafka
    const brokerId = kafka.brokerIds[pick % kafka.brokerIds.length]!
    const broker = cluster.brokers.get(brokerId)!
    const topic = cluster.topics.get(this.#topic)!
    switch (kind) {
      case 'move': {
        if (!cluster.isAlive(brokerId)) return
        const { index, leader } = topic.partitions[pick % topic.partitions.length]!
        if (leader !== brokerId) kafka.moveLeader(this.#topic, index, brokerId)
        return
      }
      case 'grow': {
        const replicas = topic.partitions[0]!.replicas.length
        if (replicas > cluster.liveBrokerIds().length) return
        cluster.topics.addPartitions(topic, cluster.topics.assign(1, replicas, topic.partitions.length))
        return
      }
      case 'freeze':
        if (!cluster.isAlive(brokerId)) return
        kafka.freezeBroker(brokerId)
        return this.#later(ms, async () => {
          if (broker.isRunning) kafka.thawBroker(brokerId)
        })
      case 'stop':
        if (!broker.isRunning) return
        this.#run(() => kafka.stopBroker(brokerId))
        return this.#later(ms, async () => {
          if (!broker.isRunning) await kafka.startBroker(brokerId)
        })
    }
  }

  #later(ms: number, end: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#pending.delete(one)
      this.#run(end)
    }, ms)
    const one = { end, timer }
    this.#pending.add(one)
  }

  #run(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#failures.push(error)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

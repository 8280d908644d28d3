import type { Topic } from '../../../src/testing/cluster/topic.ts'
import {
  type Action,
  delay,
  disconnect,
  drop,
  type ErrorName,
  failWith,
  type TestKafka,
  throttle,
} from '../../../src/testing/index.ts'

/** What becomes of a request or its answer on the way. */
export type TransportFault =
  | `disconnect:${'before' | 'after' | 'halfway'}`
  | `drop:${'before' | 'after'}`
  | `delay:${'before' | 'after'}`
  | 'throttle'

export const transportFaults: readonly TransportFault[] = [
  'disconnect:before',
  'disconnect:after',
  'disconnect:halfway',
  'drop:before',
  'drop:after',
  'delay:before',
  'delay:after',
  'throttle',
]

/** What becomes of the `at`-th request of an API, counted from 0 over all brokers. */
export interface PlannedFault {
  readonly api: string
  readonly at: number
  /** A TransportFault, `fail:` with the name of an error, or what the kind of schedule has besides. */
  readonly kind: string
  readonly ms: number
}

/** What happens to the cluster; `stop` and `freeze` end after `ms`. */
export interface Disturbance {
  readonly kind: 'move' | 'stop' | 'freeze' | 'grow'
  readonly ms: number
  /** Which partition or broker: modulo how many there are. */
  readonly pick: number
}

/**
 * What is worse: with `readdress` a broker stops, and comes back after `ms` at other ports; with `recreate` the topic is
 * deleted, and made anew after `ms`.
 */
export interface Upheaval extends Omit<Disturbance, 'kind'> {
  readonly kind: 'readdress' | 'recreate'
}

export interface FaultPlan {
  readonly topic: string
  readonly faults: readonly PlannedFault[]
  /** Requests of others pass, and are not counted. @default everybody's count */
  readonly concerns?: (clientId: string | null) => boolean
  /** @default `actionOf` */
  readonly toAction?: (fault: PlannedFault) => Action
  /** Told of each request before its fault, with its number. */
  readonly onRequest?: (api: string, at: number) => void
}

export function actionOf({ kind, ms }: PlannedFault): Action {
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
    case 'fail':
      return failWith(detail as ErrorName)
    default:
      throw new RangeError(`there is no fault ${kind}`)
  }
}

/** Carries faults and disturbances out on brokers in memory. */
export class FaultRunner {
  readonly #kafka: TestKafka
  readonly #topic: string
  readonly #counts = new Map<string, number>()
  readonly #pending = new Set<{ readonly end: () => Promise<void>; readonly timer: NodeJS.Timeout }>()
  readonly #running = new Set<Promise<void>>()
  readonly #failures: unknown[] = []
  readonly #incarnations: Topic[]
  readonly #control: { remove(): void }

  constructor(kafka: TestKafka, plan: FaultPlan) {
    const { faults, concerns, toAction = actionOf, onRequest } = plan
    this.#kafka = kafka
    this.#topic = plan.topic
    this.#incarnations = [kafka.cluster.topics.get(plan.topic)!]
    this.#control = kafka.control('*', ({ api, clientId }) => {
      if (concerns?.(clientId) === false) return []
      const at = this.#counts.get(api) ?? 0
      this.#counts.set(api, at + 1)
      onRequest?.(api, at)
      return faults.filter((fault) => fault.api === api && fault.at === at).map(toAction)
    })
  }

  /** How many requests of this API have come. */
  count(api: string): number {
    return this.#counts.get(api) ?? 0
  }

  /** The topics that have had the name so far, the first one first. */
  get incarnations(): readonly Topic[] {
    return this.#incarnations
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

  /** Where it can be done; else nothing happens. */
  disturb({ kind, ms, pick }: Disturbance | Upheaval): void {
    const kafka = this.#kafka
    const { cluster } = kafka
    const brokerId = kafka.brokerIds[pick % kafka.brokerIds.length]!
    const broker = cluster.brokers.get(brokerId)!
    const topic = cluster.topics.get(this.#topic)
    // It is about to be made anew.
    if (topic === undefined) return
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
      case 'readdress':
      case 'stop': {
        if (!broker.isRunning) return
        // One stays where the client has learned to look.
        const newPorts = kind === 'readdress' && brokerId !== kafka.brokerIds[0]
        this.#run(() => kafka.stopBroker(brokerId))
        return this.#later(ms, async () => {
          if (!broker.isRunning) await kafka.startBroker(brokerId, { newPorts })
        })
      }
      case 'recreate':
        cluster.topics.delete(topic)
        if (ms === 0) this.#createLike(topic)
        else this.#later(ms, async () => this.#createLike(topic))
    }
  }

  /** Another topic, with the name, the partitions and the configs of this one. */
  #createLike({ name, partitions, config }: Topic): void {
    const assignment = partitions.map(({ replicas }) => replicas)
    const configs = Object.fromEntries(config.overrides())
    this.#incarnations.push(this.#kafka.cluster.topics.create({ name, assignment, configs }))
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

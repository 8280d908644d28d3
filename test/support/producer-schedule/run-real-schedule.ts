import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { allOrThrow } from '../../../src/admin/admin.ts'
import { adminOptions } from '../../../src/admin/admin-options.ts'
import { Cluster } from '../../../src/cluster/cluster.ts'
import { Deadline } from '../../../src/deadline.ts'
import { Kafka } from '../../../src/kafka.ts'
import { clusterOptions } from '../../../src/options/cluster-options.ts'
import { parseOptions } from '../../../src/options/parse-options.ts'
import { alterPartitionReassignments } from '../../../src/protocol/apis/alter-partition-reassignments.ts'
import { electLeaders } from '../../../src/protocol/apis/elect-leaders.ts'
import { FaultProxy, type ProxyFault } from '../fault-proxy.ts'
import { readLog } from '../read-log.ts'
import type { RealKafka } from '../real-kafka/index.ts'
import { longMs, type ProducerSchedule } from './draw-schedule.ts'
import { RecordLedger } from './record-ledger.ts'
import { finish, promisedBy, type ScheduleReport } from './run-schedule.ts'
import type { Disturbance, FaultyApi, PlannedFault } from './schedule-faults.ts'
import { sendBursts } from './send-bursts.ts'

const apis: Readonly<Record<number, FaultyApi>> = {
  0: 'Produce',
  3: 'Metadata',
  18: 'ApiVersions',
  22: 'InitProducerId',
}

/** A real broker takes its time: all time-outs are so many times as long. */
const slower = 6

const longRealMs = 90_000

/**
 * Plays a schedule against a real cluster of three. Faults are those of the network: an error that a broker in memory would
 * answer with is a request, or its answer, that gets lost. Confirmed by the leader alone is nothing that outlives it, so
 * acks are always `all`.
 */
export async function runRealSchedule(
  schedule: ProducerSchedule,
  cluster: RealKafka,
): Promise<ScheduleReport> {
  const { options, faults, bursts } = schedule
  const { numPartitions } = schedule.topic
  const startedAt = performance.now()
  const topic = `schedule-${schedule.seed}-${randomUUID()}`
  const { bootstrapServers } = cluster
  const kafka = new Kafka({ bootstrapServers })
  const ledger = new RecordLedger()
  const replicationFactor = schedule.seed % 4 === 0 ? 1 : 3
  const configs = { ...schedule.topic.configs, 'min.insync.replicas': replicationFactor === 3 ? '2' : '1' }
  await using admin = kafka.admin()
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions, replicationFactor, configs }]))
  await using disturber = new Disturber(cluster, topic, schedule.disturbances)
  const counts = new Map<number, number>()
  await using proxy = new FaultProxy((apiKey) => {
    const at = counts.get(apiKey) ?? 0
    counts.set(apiKey, at + 1)
    if (apis[apiKey] === 'Produce') disturber.at(at)
    const fault = faults.find((one) => one.api === apis[apiKey] && one.at === at)
    return fault === undefined ? null : onTheWay(fault)
  })
  const times = (ms: number | undefined) => (ms === longMs ? longRealMs : ms! * slower)
  const producer = kafka.producer({
    ...options,
    connect: proxy.connect,
    acks: 'all',
    requestTimeoutMs: times(options.requestTimeoutMs),
    deliveryTimeoutMs: times(options.deliveryTimeoutMs),
    maxBlockMs: times(options.maxBlockMs),
    socketConnectionSetupTimeoutMs: 1500,
    socketConnectionSetupTimeoutMaxMs: 3000,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 200,
    reconnectBackoffMs: 20,
    reconnectBackoffMaxMs: 200,
  })
  const target = { producer, topic, numPartitions, forgetProducers: () => {}, stuckMs: longRealMs + 10_000 }
  await sendBursts(bursts, target, ledger)
  proxy.isOn = false
  await disturber.lift()
  await finish(producer, ledger, target.stuckMs)
  const log = [...(await readLog(cluster, bootstrapServers, topic)).values()].flat()
  await admin.deleteTopics([topic])
  return {
    problems: ledger.problems(
      log.map(({ partition, offset, value }) => ({
        partition,
        offset,
        number: Number.parseInt(String(value), 10),
      })),
      { ...promisedBy(schedule), acks: 'all' },
    ),
    sent: ledger.sent,
    produceRequests: counts.get(0) ?? 0,
    ms: performance.now() - startedAt,
  }
}

function onTheWay({ kind, ms }: PlannedFault): ProxyFault {
  const [name, when] = kind.split(':') as [string, 'before' | 'after']
  switch (name) {
    case 'disconnect':
    case 'drop':
      return { kind: name, when }
    case 'delay':
      return { kind: 'delay', when, ms: ms * slower }
    case 'throttle':
      return { kind: 'delay', when: 'after', ms: ms * slower }
    default:
      return { kind: 'disconnect', when: name === 'appended' ? 'after' : 'before' }
  }
}

/** Kills, freezes and moves, one at a time. */
class Disturber implements AsyncDisposable {
  readonly #kafka: RealKafka
  readonly #topic: string
  readonly #disturbances: readonly Disturbance[]
  readonly #cluster: Cluster
  #running: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(kafka: RealKafka, topic: string, disturbances: readonly Disturbance[]) {
    this.#kafka = kafka
    this.#topic = topic
    this.#disturbances = disturbances
    const { bootstrapServers } = kafka
    const options = parseOptions('admin', adminOptions, { bootstrapServers, clientId: 'disturber' })
    this.#cluster = new Cluster(clusterOptions(options, { allowAutoTopicCreation: false }))
  }

  /** The `count`-th Produce request has come. */
  at(count: number): void {
    for (const one of this.#disturbances) {
      if (one.at !== count) continue
      this.#running = this.#running.then(async () => {
        if (!this.#isOver) await this.#disturb(one)
      })
      // Told by `lift`.
      this.#running.catch(() => {})
    }
  }

  /** Waits for what is under way; what has not begun does not happen. */
  async lift(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lift().catch(() => {})
    this.#cluster.close()
  }

  async #disturb({ kind, ms, pick }: Disturbance): Promise<void> {
    const { nodes } = this.#kafka
    const { id } = nodes[pick % nodes.length]!
    switch (kind) {
      case 'freeze':
        this.#kafka.freeze(id)
        await sleep(ms * 2 * slower)
        this.#kafka.thaw(id)
        return
      case 'stop':
        await (pick % 2 === 0 ? this.#kafka.kill(id) : this.#kafka.shutdown(id))
        await sleep(ms)
        await this.#kafka.restart(id)
        return
      case 'grow': {
        const { partitions } = await this.#cluster.metadata.topic(this.#topic, new Deadline(30_000))
        await using admin = new Kafka({ bootstrapServers: this.#kafka.bootstrapServers }).admin()
        // By another one, meanwhile, it can have grown already.
        await admin.createPartitions([{ topic: this.#topic, totalCount: partitions.length + 1 }])
        return
      }
      case 'move':
        return await this.#move(pick)
    }
  }

  /** The last replica becomes the preferred leader, and the leader. Where it is not in sync, nothing happens. */
  async #move(pick: number): Promise<void> {
    const deadline = new Deadline(30_000)
    const { partitions } = await this.#cluster.metadata.topic(this.#topic, deadline)
    const { partition: partitionIndex, replicas } = partitions[pick % partitions.length]!
    const turned = [replicas.at(-1)!, ...replicas.slice(0, -1)]
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex, replicas: turned }] }]
    await this.#cluster.request(alterPartitionReassignments, { topics }, { to: 'controller', deadline })
    const topicPartitions = [{ topic: this.#topic, partitions: [partitionIndex] }]
    await this.#cluster.request(
      electLeaders,
      { electionType: 0, topicPartitions },
      { to: 'controller', deadline },
    )
    await this.#cluster.metadata.refresh([this.#topic])
  }
}

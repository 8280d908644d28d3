import { randomUUID } from 'node:crypto'
import { allOrThrow } from '../../../src/admin/admin.ts'
import { Kafka } from '../../../src/kafka.ts'
import { FaultProxy } from '../fault-proxy.ts'
import { readLog } from '../read-log.ts'
import type { RealKafka } from '../real-kafka/index.ts'
import { onTheWay, slower } from '../schedules/on-the-way.ts'
import { RealDisturber } from '../schedules/real-disturber.ts'
import type { ScheduleReport } from '../schedules/run-schedules.ts'
import { longMs, type ProducerSchedule } from './draw-schedule.ts'
import { RecordLedger } from './record-ledger.ts'
import { finish, promisedBy } from './run-schedule.ts'
import type { FaultyApi } from './schedule-faults.ts'
import { sendBursts } from './send-bursts.ts'

const apis: Readonly<Record<number, FaultyApi>> = {
  0: 'Produce',
  3: 'Metadata',
  18: 'ApiVersions',
  22: 'InitProducerId',
}

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
  await using disturber = new RealDisturber(cluster, topic)
  const counts = new Map<number, number>()
  await using proxy = new FaultProxy((apiKey) => {
    const at = counts.get(apiKey) ?? 0
    counts.set(apiKey, at + 1)
    if (apis[apiKey] === 'Produce') {
      for (const one of schedule.disturbances) if (one.at === at) disturber.disturb(one)
    }
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
    sums: { records: ledger.sent, 'Produce requests': counts.get(0) ?? 0 },
    ms: performance.now() - startedAt,
  }
}

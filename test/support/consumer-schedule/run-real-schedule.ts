import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { allOrThrow } from '../../../src/admin/admin.ts'
import { Deadline } from '../../../src/deadline.ts'
import { Kafka } from '../../../src/kafka.ts'
import { FaultProxy } from '../fault-proxy.ts'
import type { RealKafka } from '../real-kafka/index.ts'
import { onTheWay, slower } from '../schedules/on-the-way.ts'
import { RealDisturber } from '../schedules/real-disturber.ts'
import type { ScheduleReport } from '../schedules/run-schedules.ts'
import type { ConsumerSchedule } from './draw-schedule.ts'
import { GroupLedger } from './group-ledger.ts'
import { ScheduleCast } from './schedule-cast.ts'

const apis: Readonly<Record<number, string>> = {
  1: 'Fetch',
  2: 'ListOffsets',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  11: 'JoinGroup',
  12: 'Heartbeat',
  13: 'LeaveGroup',
  14: 'SyncGroup',
  18: 'ApiVersions',
  68: 'ConsumerGroupHeartbeat',
}

const stuckMs = 60_000

/**
 * Plays a schedule against a real cluster of three. Faults are those of the network. Commits are not seen one by one: what
 * is committed is looked at at the end.
 */
export async function runRealSchedule(
  schedule: ConsumerSchedule,
  cluster: RealKafka,
): Promise<ScheduleReport> {
  const { seed, faults, steps } = schedule
  const startedAt = performance.now()
  const topic = `schedule-${seed}-${randomUUID()}`
  const groupId = `group-${randomUUID()}`
  const { bootstrapServers } = cluster
  const kafka = new Kafka({ bootstrapServers })
  const ledger = new GroupLedger()
  await using admin = kafka.admin()
  const { numPartitions } = schedule.topic
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions, replicationFactor: 3 }]))
  await using disturber = new RealDisturber(cluster, topic)
  const counts = new Map<string, number>()
  await using proxy = new FaultProxy((apiKey) => {
    const api = apis[apiKey]
    if (api === undefined) return null
    const at = counts.get(api) ?? 0
    counts.set(api, at + 1)
    const fault = faults.find((one) => one.api === api && one.at === at)
    return fault === undefined ? null : onTheWay(fault)
  })
  const patient = { ...schedule, stuckMs }
  const times = {
    sessionTimeoutMs: 6000,
    heartbeatIntervalMs: 300,
    maxPollIntervalMs: 6000,
    requestTimeoutMs: 1500,
    defaultApiTimeoutMs: 20_000,
    socketConnectionSetupTimeoutMs: 1500,
    socketConnectionSetupTimeoutMaxMs: 3000,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 200,
  }
  const where = { bootstrapServers, connect: proxy.connect, groupId, topic }
  const cast = new ScheduleCast(patient, ledger, { ...where, options: times, isCalm: false })
  await using producer = kafka.producer()
  try {
    for (const step of steps) {
      switch (step.do) {
        case 'produce':
          for (let i = 0; i < step.count; i++) {
            producer.produce({ topic, key: `${i % 7}`, value: `${i}` }, (error, metadata) => {
              if (metadata === null) ledger.problem(`a record could not be written: ${error?.stack}`)
              else ledger.wrote(`${topic}-${metadata.partition}`, metadata.offset)
            })
          }
          break
        case 'coordinator':
          // There is no such thing but by the end of a broker, and that is drawn by itself.
          break
        case 'move':
        case 'stop':
        case 'freeze':
        case 'grow':
          disturber.disturb({ kind: step.do, ms: step.ms, pick: step.pick })
          break
        default:
          cast.play({ ...step, ms: step.ms * slower })
      }
      if (step.afterMs > 0) await sleep(step.afterMs * slower)
    }
    proxy.isOn = false
    await disturber.lift()
    await cast.allReturn()
    await producer.flush()
    try {
      await new Deadline(stuckMs).race(ledger.complete(), 'the rest')
    } catch {
      ledger.problem(`${ledger.unhandled()} was not handled after all was well; ${cast.describe()}`)
    }
  } finally {
    await cast.allLeave()
  }
  await admin.deleteTopics([topic])
  const problems = ledger.problems(stuckMs, false)
  return {
    problems: problems.length === 0 ? [] : [`excused by: ${ledger.excuses.join('; ')}`, ...problems],
    ms: performance.now() - startedAt,
    sums: { records: ledger.written, handled: ledger.handled, joins: cast.joins },
  }
}

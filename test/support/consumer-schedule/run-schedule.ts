import { setTimeout as sleep } from 'node:timers/promises'
import { Deadline } from '../../../src/deadline.ts'
import { dial } from '../../../src/network/dial.ts'
import { Producer } from '../../../src/producer/producer.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { FaultRunner } from '../schedules/fault-runner.ts'
import type { ScheduleKind, ScheduleReport } from '../schedules/run-schedules.ts'
import { type ConsumerSchedule, drawSchedule } from './draw-schedule.ts'
import { GroupLedger } from './group-ledger.ts'
import { ScheduleCast } from './schedule-cast.ts'

const topic = 'schedule'
const groupId = 'group'

/** Plays a schedule against brokers in memory, and looks at what was handled and committed. */
export async function runSchedule(schedule: ConsumerSchedule): Promise<ScheduleReport> {
  const { cluster, seed, faults, steps, stuckMs } = schedule
  const startedAt = performance.now()
  const ledger = new GroupLedger()
  await using kafka = await startKafka({
    ...cluster,
    seed,
    autoCreateTopics: false,
    topics: [{ name: topic, ...schedule.topic }],
    configs: {
      'group.min.session.timeout.ms': 1,
      'group.initial.rebalance.delay.ms': seed % 4 === 0 ? 20 : 0,
      ...(schedule.groupProtocol === 'consumer' ? consumerGroupConfigs(schedule) : {}),
    },
    onError: (error) => ledger.problem(`the broker failed: ${error.stack}`),
  })
  watchCommits(kafka, ledger)
  if (schedule.chunkBytes !== null) kafka.shapeSockets({ chunkBytes: schedule.chunkBytes })
  const connect = cluster.transport === 'memory' ? kafka.connect : dial
  const runner = new FaultRunner(kafka, {
    topic,
    faults,
    // The producer writes what they read, and is not under test here.
    concerns: (clientId) => clientId?.startsWith('member') === true,
  })
  const cast = new ScheduleCast(schedule, ledger, {
    bootstrapServers: kafka.bootstrapServers,
    connect,
    groupId,
    topic,
  })
  const producer = new Producer({
    bootstrapServers: kafka.bootstrapServers,
    connect,
    clientId: 'writer',
    requestTimeoutMs: 300,
    retryBackoffMs: 2,
    retryBackoffMaxMs: 20,
    reconnectBackoffMs: 2,
    reconnectBackoffMaxMs: 20,
    metadataMaxAgeMs: 100,
  })
  try {
    for (const step of steps) {
      switch (step.do) {
        case 'produce':
          write(producer, schedule, step, ledger)
          break
        case 'coordinator':
          kafka.rehashCoordinators()
          break
        case 'move':
        case 'stop':
        case 'freeze':
        case 'grow':
          runner.disturb({ kind: step.do, ms: step.ms, pick: step.pick })
          break
        default:
          cast.play(step)
      }
      if (step.afterMs > 0) await sleep(step.afterMs)
    }
    await runner.lift()
    await cast.allReturn()
    await new Deadline(20_000).race(producer.flush(), 'the last flush')
    try {
      await new Deadline(stuckMs).race(ledger.complete(), 'the rest')
    } catch {
      const who = cast.describe()
      ledger.problem(`${ledger.unhandled()} was not handled within ${stuckMs} ms after all was well; ${who}`)
    }
  } finally {
    await cast.allLeave()
    await producer.close()
    await runner.lift()
  }
  const isWhole =
    steps.every((step) => step.do !== 'double') &&
    schedule.members.every(({ commits }) => commits !== 'hasty')
  const problems = ledger.problems(stuckMs, isWhole)
  return {
    problems:
      problems.length === 0 ? [] : [`excused by: ${ledger.excuses.join('; ') || 'nothing'}`, ...problems],
    ms: performance.now() - startedAt,
    sums: {
      records: ledger.written,
      handled: ledger.handled,
      commits: ledger.commits,
      joins: cast.joins,
      rebalances: runner.count('SyncGroup') + runner.count('ConsumerGroupHeartbeat'),
      'with nothing handled twice': ledger.isStrict ? 1 : 0,
    },
  }
}

function write(
  producer: Producer,
  { topic: { numPartitions } }: ConsumerSchedule,
  { count, pick }: { readonly count: number; readonly pick: number },
  ledger: GroupLedger,
): void {
  for (let i = 0; i < count; i++) {
    const partition = pick % 2 === 0 ? { partition: (pick + i) % numPartitions } : {}
    producer.produce({ topic, key: `${i % 7}`, value: `${i}`, ...partition }, (error, metadata) => {
      if (metadata === null) ledger.problem(`a record could not be written: ${error?.stack}`)
      else ledger.wrote(`${topic}-${metadata.partition}`, metadata.offset)
    })
  }
}

/** Tells the ledger of each offset that the group takes, in the order in which it does. */
function watchCommits(kafka: TestKafka, ledger: GroupLedger): void {
  const { offsets } = kafka.cluster.groups.classic(groupId)
  const set = offsets.set.bind(offsets)
  offsets.set = (name, partition, committed) => {
    ledger.committed(`${name}-${partition}`, committed.offset)
    set(name, partition, committed)
  }
}

function consumerGroupConfigs({ isCalm }: ConsumerSchedule): Record<string, number> {
  return {
    'group.consumer.min.session.timeout.ms': 1,
    'group.consumer.session.timeout.ms': isCalm ? 6000 : 400,
    'group.consumer.min.heartbeat.interval.ms': 1,
    'group.consumer.heartbeat.interval.ms': 30,
  }
}

/**
 * As `runSchedules` takes them.
 *
 * @param protocols group protocols to draw from.
 */
export function consumerSchedules(
  ...protocols: ConsumerSchedule['groupProtocol'][]
): ScheduleKind<ConsumerSchedule> {
  return {
    clients: protocols.length === 1 ? `consumer --protocol ${protocols[0]}` : 'consumer',
    draw: (seed) => drawSchedule(seed, protocols),
    run: runSchedule,
    shown: (schedule) => schedule,
  }
}

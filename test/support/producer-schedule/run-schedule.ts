import { Producer } from '../../../src/producer/producer.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { storedRecords } from '../../../src/testing/log/stored-records.ts'
import { FaultRunner } from '../schedules/fault-runner.ts'
import type { ScheduleKind, ScheduleReport } from '../schedules/run-schedules.ts'
import { drawSchedule, longMs, type ProducerSchedule } from './draw-schedule.ts'
import { type LoggedNumber, type Promised, RecordLedger } from './record-ledger.ts'
import { codesOf, producerAction } from './schedule-faults.ts'
import { sendBursts, within } from './send-bursts.ts'

const topic = 'schedule'

/** Plays a schedule against brokers in memory, and compares what the producer said with what is in the log. */
export async function runSchedule(schedule: ProducerSchedule): Promise<ScheduleReport> {
  const { cluster, seed, faults, disturbances, options, bursts } = schedule
  const { numPartitions } = schedule.topic
  const startedAt = performance.now()
  const ledger = new RecordLedger()
  await using kafka = await startKafka({
    ...cluster,
    seed,
    autoCreateTopics: false,
    topics: [{ name: topic, ...schedule.topic }],
    onError: (error) => ledger.problem(`the broker failed: ${error.stack}`),
  })
  if (schedule.chunkBytes !== null) kafka.shapeSockets({ chunkBytes: schedule.chunkBytes })
  const runner: FaultRunner = new FaultRunner(kafka, {
    topic,
    faults,
    toAction: producerAction,
    onRequest: (api, at) => {
      if (api === 'Produce') for (const one of disturbances) if (one.at === at) runner.disturb(one)
    },
  })
  ledger.incarnationNow = () => runner.incarnations.length - 1
  const producer = new Producer({
    ...options,
    bootstrapServers: kafka.bootstrapServers,
    ...(cluster.transport === 'memory' ? { connect: kafka.connect } : {}),
  })
  await sendBursts(bursts, { producer, topic, numPartitions, forgetProducers: () => forget(kafka) }, ledger)
  await runner.lift()
  await finish(producer, ledger)
  return {
    problems: ledger.problems(logOf(runner), promisedBy(schedule)),
    sums: { records: ledger.sent, 'Produce requests': runner.count('Produce') },
    ms: performance.now() - startedAt,
  }
}

/** As `runSchedules` takes them. */
export const producerSchedules: ScheduleKind<ProducerSchedule> = {
  clients: 'producer',
  draw: drawSchedule,
  run: runSchedule,
  shown: ({ bursts, ...rest }) => ({ ...rest, bursts: bursts.length }),
}

/** All is well again: what is left is delivered, and nothing is kept of it. */
export async function finish(producer: Producer, ledger: RecordLedger, stuckMs?: number): Promise<void> {
  await within(ledger, 'the last flush', producer.flush(), stuckMs)
  await within(ledger, 'the settling of all records', ledger.settled(), stuckMs)
  await within(ledger, 'close', producer.close(), stuckMs)
  // The memory of what was in flight is free once its request has failed, which it does when its connection is closed.
  for (let turn = 0; turn < 10 && producer.bufferedBytes !== 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (producer.bufferedBytes !== 0) ledger.problem(`${producer.bufferedBytes} bytes are held after close`)
}

export function promisedBy({
  options,
  faults,
  bursts,
  cluster,
  topic: { configs },
}: ProducerSchedule): Promised {
  const isPatient = options.deliveryTimeoutMs === longMs && options.retries === undefined
  const allowedCodes = new Set(['BUFFER_FULL', 'AbortError', ...codesOf(faults)])
  if (options.maxBlockMs !== longMs) {
    for (const code of ['MAX_BLOCK_TIMEOUT', 'API_TIMEOUT']) allowedCodes.add(code)
  }
  // Before Kafka 2.5 a broker that has forgotten a producer does not let it go on, and cannot tell what it has of it.
  if (cluster.version === '2.1' && bursts.some(({ afterwards }) => afterwards === 'forget')) {
    allowedCodes.add('UNKNOWN_PRODUCER_ID')
  }
  if ('max.message.bytes' in configs) allowedCodes.add('MESSAGE_TOO_LARGE')
  return {
    isIdempotent: options.enableIdempotence === true,
    isOneByOne: options.maxInFlightRequestsPerConnection === 1,
    acks: options.acks as 'all' | 0 | 1,
    allowedCodes: isPatient && options.maxBlockMs === longMs ? allowedCodes : null,
  }
}

function forget(kafka: TestKafka): void {
  for (const { log } of kafka.cluster.topics.get(topic)?.partitions ?? []) {
    log.producers.forgetAllExpired(Number.POSITIVE_INFINITY)
  }
}

function logOf({ incarnations }: FaultRunner): LoggedNumber[] {
  return incarnations.flatMap((one, incarnation) =>
    storedRecords(one).map(({ partition, offset, value }) => ({
      incarnation,
      partition,
      offset,
      number: Number.parseInt(String(value), 10),
    })),
  )
}

/**
 * Plays schedules of faults against the clients, each drawn from its seed.
 *
 * Of the producer: what it confirms must be in the log, once and in order; what it says is not there must not be; and no
 * record is forgotten. Of the consumer: members come and go, crash, are cut off and thrown out; each record must be handled,
 * by one owner in each generation and once where nobody was lost; no commit goes back or ahead of the work; nothing stands
 * still.
 *
 * All of a schedule follows from its seed, but for the time that things take: a failure that comes of a race is found again
 * by playing the seed several times.
 *
 *   npm run schedules                                     1,000 schedules of the producer on brokers in memory
 *   npm run schedules -- --clients consumer               500 of the consumer
 *   npm run schedules -- --clients consumer --protocol classic    or consumer: those of one group protocol
 *   npm run schedules -- --count 5000 --seed 7            from seed 7 on
 *   npm run schedules -- --count 1 --seed 7 --repeat 50   one of them, fifty times
 *   npm run schedules -- --kafka real                     20 schedules on a Kafka of three nodes; needs Java and Maven
 *
 * Exit code 1 when a schedule failed, or when timers or sockets are left at the end.
 */
import { parseArgs } from 'node:util'
import { runRealSchedule as runRealConsumerSchedule } from '../test/support/consumer-schedule/run-real-schedule.ts'
import { consumerSchedules } from '../test/support/consumer-schedule/run-schedule.ts'
import { runRealSchedule } from '../test/support/producer-schedule/run-real-schedule.ts'
import { producerSchedules } from '../test/support/producer-schedule/run-schedule.ts'
import { type RealKafka, startRealKafka } from '../test/support/real-kafka/index.ts'
import {
  describeFailure,
  runSchedules,
  type ScheduleKind,
  type ScheduleReport,
} from '../test/support/schedules/run-schedules.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: 'producer' },
    protocol: { type: 'string', default: 'both' },
    count: { type: 'string' },
    seed: { type: 'string' },
    repeat: { type: 'string' },
    concurrency: { type: 'string' },
    kafka: { type: 'string', default: 'memory' },
  },
})

function positive(name: 'count' | 'seed' | 'repeat' | 'concurrency', otherwise: number): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`--${name} must be an integer above 0, not ${text}`)
  process.exit(2)
}

function oneOf(name: 'clients' | 'kafka' | 'protocol', allowed: readonly string[]): string {
  const value = values[name]
  if (allowed.includes(value)) return value
  console.error(`--${name} must be ${allowed.join(' or ')}, not ${value}`)
  process.exit(2)
}

const isReal = oneOf('kafka', ['memory', 'real']) === 'real'
const isConsumer = oneOf('clients', ['producer', 'consumer']) === 'consumer'
const protocol = oneOf('protocol', ['both', 'classic', 'consumer'])
const protocols =
  protocol === 'both' ? (['classic', 'consumer'] as const) : ([protocol as 'classic' | 'consumer'] as const)
const count = positive('count', isReal ? 20 : isConsumer ? 500 : 1000)
const first = positive('seed', 1)
const repeat = positive('repeat', 1)
const seeds = Array.from({ length: count * repeat }, (_, i) => first + (i % count))

let unhandled = 0
process.on('unhandledRejection', (error) => {
  unhandled++
  console.error('unhandled rejection:', error)
})

const startedAt = performance.now()
const onDone = (done: number, failed: readonly unknown[]) => {
  if (process.stdout.isTTY) process.stdout.write(`\r${done} schedules, ${failed.length} failures `)
}

async function run<S>(
  kind: ScheduleKind<S>,
  runReal: (schedule: S, kafka: RealKafka) => Promise<ScheduleReport>,
) {
  if (!isReal) return await runSchedules({ kind, seeds, concurrency: positive('concurrency', 10), onDone })
  await using kafka = await startRealKafka({ nodes: 3 })
  // One at a time: they kill each other's brokers otherwise.
  return await runSchedules({
    kind,
    seeds,
    concurrency: 1,
    run: (schedule) => runReal(schedule, kafka),
    onDone,
  })
}

const { failed, sums, slowest } = isConsumer
  ? await run(consumerSchedules(...protocols), runRealConsumerSchedule)
  : await run(producerSchedules, runRealSchedule)
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
console.log(
  `\n${seeds.length} schedules in ${seconds} s; the slowest, seed ${slowest.seed}: ${Math.round(slowest.ms)} ms`,
)
const summed = Object.entries(sums).map(([name, sum]) => `${sum} ${name}`)
console.log(summed.join(', '))
for (const one of failed) console.error(`\n${describeFailure(one)}`)

// Sockets are closed in the turns after their end was asked for.
await new Promise((resolve) => setTimeout(resolve, 100))
const left = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind.startsWith('TCP'))
if (left.length > 0) console.error(`left at the end: ${left.join(', ')}`)
if (failed.length > 0 || unhandled > 0 || left.length > 0) process.exitCode = 1
else console.log('no failures')

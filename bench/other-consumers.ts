/**
 * Consumers of other languages and this one, in the same run: `npm run bench -- other-consumers`. Java's own measuring
 * tool, librdkafka by Python's confluent-kafka (`.ci/install-interop`), and franz-go where Go is; what is missing is left
 * out.
 *
 * Values of 100 bytes in batches of 64 kB, one partition, each value touched, the defaults of each otherwise but for what
 * its program says. The time is from the first record to the last, without that of joining a group. Each reads in a new
 * process or a new JVM, but ours. The median of the runs counts; they alternate between the clients.
 */
import { Kafka } from '../src/index.ts'
import { kafkaTools } from '../test/support/interop/index.ts'
import {
  type Contestant,
  compare,
  javaProgram,
  otherLanguages,
  recordCount,
  value,
} from './support/other-clients.ts'

const contestants = new Map<string, Contestant>([
  ['kafkawire, batches', readBatches],
  ['kafkawire, message by message', readEach],
])
const java = await javaProgram()
if (java !== null) contestants.set('Java, ConsumerPerformance', consumerPerformance(java))
for (const [name, contestant] of otherLanguages('consume')) contestants.set(name, contestant)
await compare(contestants, fill)

async function fill(bootstrapServers: string, topic: string): Promise<number> {
  await using producer = new Kafka({ bootstrapServers }).producer({ maxRequestSize: 65_536 })
  for (let sent = 0; sent < recordCount; sent++) {
    if (!producer.produce({ topic, value })) await producer.drained()
  }
  await producer.flush()
  return recordCount
}

async function readBatches(bootstrapServers: string, topic: string): Promise<number> {
  await using consumer = new Kafka({ bootstrapServers, clientId: 'bench' }).consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  let begun = 0
  let bytes = 0
  let count = 0
  for await (const batch of consumer.batches()) {
    begun ||= performance.now()
    for (const record of batch) bytes += record.value!.length
    count += batch.length
    if (count >= recordCount) break
  }
  return rateOf(bytes, begun)
}

async function readEach(bootstrapServers: string, topic: string): Promise<number> {
  await using consumer = new Kafka({ bootstrapServers, clientId: 'bench' }).consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  let begun = 0
  let bytes = 0
  let count = 0
  for await (const record of consumer) {
    begun ||= performance.now()
    bytes += record.value!.length
    if (++count >= recordCount) break
  }
  return rateOf(bytes, begun)
}

function rateOf(bytes: number, begun: number): number {
  const seconds = (performance.now() - begun) / 1000
  if (bytes !== recordCount * value.length)
    throw new Error(`${bytes} bytes of values, which is not what was sent`)
  return recordCount / seconds
}

function consumerPerformance(run: NonNullable<typeof java>): Contestant {
  return async (bootstrapServers, topic) => {
    const stdout = await run(kafkaTools.consumerPerformance, [
      ...['--bootstrap-server', bootstrapServers, '--topic', topic, '--num-records', String(recordCount)],
    ])
    // Names of columns, then their values; the last is the rate without the time of the rebalance.
    const rate = Number(stdout.trim().split('\n').at(-1)?.split(',').at(-1))
    if (!(rate > 0)) throw new Error(`no rate in what ConsumerPerformance has printed:\n${stdout}`)
    return rate
  }
}

/**
 * Producers of other languages and this one, in the same run: `npm run bench -- other-producers`. Java's own measuring
 * tool, librdkafka by Python's confluent-kafka (`.ci/install-interop`), and franz-go where Go is; what is missing is left
 * out.
 *
 * Values of 100 bytes, one partition, acks all, idempotent, no compression, the defaults of each otherwise but for what
 * its program says. Each but Java, whose time is that of the whole run, warms up with a tenth. The median of the runs
 * counts; they alternate between the clients.
 */
import { Kafka, type Producer } from '../src/index.ts'
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
  ['kafkawire, arrays of 1000', (servers, topic) => ours(servers, topic, sendArrays)],
  ['kafkawire, one produce a record', (servers, topic) => ours(servers, topic, produceEach)],
  ['kafkawire, one send a record', (servers, topic) => ours(servers, topic, sendEach)],
])
const java = await javaProgram()
if (java !== null) contestants.set('Java, ProducerPerformance', producerPerformance(java))
for (const [name, contestant] of otherLanguages('produce')) contestants.set(name, contestant)
await compare(contestants)

function producerPerformance(run: NonNullable<typeof java>): Contestant {
  return async (bootstrapServers, topic) => {
    const stdout = await run(kafkaTools.producerPerformance, [
      ...[
        '--topic',
        topic,
        '--num-records',
        String(recordCount),
        '--record-size',
        '100',
        '--throughput',
        '-1',
      ],
      ...['--command-property', `bootstrap.servers=${bootstrapServers}`, 'acks=all', 'batch.size=65536'],
    ])
    // The last line tells of the whole run.
    const rates = [...stdout.matchAll(/records sent, ([\d.]+) records\/sec/g)].map(([, rate]) => Number(rate))
    const rate = rates.at(-1)
    if (rate === undefined) throw new Error(`no rate in what ProducerPerformance has printed:\n${stdout}`)
    return rate
  }
}

async function ours(
  bootstrapServers: string,
  topic: string,
  send: (producer: Producer, topic: string, count: number) => Promise<void>,
): Promise<number> {
  await using producer = new Kafka({ bootstrapServers, clientId: 'bench' }).producer()
  await send(producer, topic, recordCount / 10)
  const begun = performance.now()
  await send(producer, topic, recordCount)
  return recordCount / ((performance.now() - begun) / 1000)
}

async function sendArrays(producer: Producer, topic: string, count: number): Promise<void> {
  const records = Array.from({ length: 1000 }, () => ({ topic, value }))
  const open = new Set<Promise<unknown>>()
  for (let sent = 0; sent < count; sent += records.length) {
    const call = producer.sendMany(records)
    open.add(call)
    void call.finally(() => open.delete(call))
    if (open.size >= 20) await Promise.race(open)
  }
  await Promise.all(open)
}

async function produceEach(producer: Producer, topic: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    if (!producer.produce({ topic, value })) await producer.drained()
  }
  await producer.flush()
}

async function sendEach(producer: Producer, topic: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 10_000) {
    await Promise.all(Array.from({ length: 10_000 }, () => producer.send({ topic, value })))
  }
}

/**
 * Producers of other languages and this one, in the same run: `npm run bench -- others`. Java's own measuring tool,
 * librdkafka by Python's confluent-kafka (`.ci/install-interop`), and franz-go where Go is; what is missing is left out.
 * `KAFKAWIRE_BOOTSTRAP` names a Kafka, else one is started. `KAFKAWIRE_BENCH_RECORDS` is how many records a run has.
 *
 * Values of 100 bytes, one partition, acks all, idempotent, no compression, the defaults of each otherwise but for what
 * its program says. Each but Java, whose time is that of the whole run, warms up with a tenth. The median of the runs
 * counts; they alternate between the clients.
 */
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { allOrThrow, Kafka, type Producer } from '../src/index.ts'
import { kafkaTools, pythonPath } from '../test/support/interop/index.ts'
import { javaIsAvailable } from '../test/support/real-kafka/availability.ts'
import { kafkaAvailability, startRealKafka } from '../test/support/real-kafka/index.ts'
import { kafkaJars } from '../test/support/real-kafka/kafka-jars.ts'

const run = promisify(execFile)
const recordCount = Number(process.env.KAFKAWIRE_BENCH_RECORDS ?? 2_000_000)
const runs = 3
const timeoutMs = 300_000
const value = Buffer.alloc(100, 'v')

/** Sends the records, and gives how many it did in a second. */
type Contestant = (bootstrapServers: string, topic: string) => Promise<number>

async function contestants(): Promise<Map<string, Contestant>> {
  const found = new Map<string, Contestant>([
    ['kafkawire, arrays of 1000', (servers, topic) => ours(servers, topic, sendArrays)],
    ['kafkawire, one produce a record', (servers, topic) => ours(servers, topic, produceEach)],
    ['kafkawire, one send a record', (servers, topic) => ours(servers, topic, sendEach)],
  ])
  if (javaIsAvailable()) found.set('Java, ProducerPerformance', await java())
  else console.log('left out: Java, which is not installed')
  const python = pythonPath()
  if (python === null) console.log('left out: librdkafka, which .ci/install-interop installs')
  else
    found.set('librdkafka, confluent-kafka for Python', (...args) => program(python, 'librdkafka.py', args))
  const go = buildGo()
  if (go === null) console.log('left out: franz-go, which needs Go and its module proxy')
  else
    found.set('franz-go', async (...args) => Number((await run(go, [...args, String(recordCount)])).stdout))
  return found
}

async function program(command: string, file: string, args: readonly string[]): Promise<number> {
  const script = join(import.meta.dirname, 'other', file)
  const { stdout } = await run(command, ['-B', script, ...args, String(recordCount)], { timeout: timeoutMs })
  return Number(stdout)
}

async function java(): Promise<Contestant> {
  const jars = await kafkaJars()
  return async (bootstrapServers, topic) => {
    const args = ['--topic', topic, '--num-records', String(recordCount), '--record-size', '100']
    const { stdout } = await run(
      'java',
      [
        ...[
          '-Xmx512m',
          '-cp',
          join(jars, '*'),
          kafkaTools.producerPerformance,
          ...args,
          '--throughput',
          '-1',
        ],
        ...['--command-property', `bootstrap.servers=${bootstrapServers}`, 'acks=all', 'batch.size=65536'],
      ],
      { timeout: timeoutMs },
    )
    // The last line tells of the whole run.
    const rates = [...stdout.matchAll(/records sent, ([\d.]+) records\/sec/g)].map(([, rate]) => Number(rate))
    const rate = rates.at(-1)
    if (rate === undefined) throw new Error(`no rate in what ProducerPerformance has printed:\n${stdout}`)
    return rate
  }
}

function buildGo(): string | null {
  const folder = join(import.meta.dirname, 'other', 'franz-go')
  const binary = join(import.meta.dirname, '..', '.cache', 'franz-go-bench')
  const { status } = spawnSync('go', ['build', '-o', binary, '.'], { cwd: folder, stdio: 'ignore' })
  return status === 0 ? binary : null
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

async function measure(bootstrapServers: string): Promise<void> {
  await using admin = new Kafka({ bootstrapServers }).admin()
  const topic = `bench-${randomUUID()}`
  const configs = { 'retention.bytes': '500000000', 'segment.bytes': '100000000' }
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1, configs }]))
  const rates = new Map<string, number[]>()
  try {
    const all = await contestants()
    for (let round = 0; round < runs; round++) {
      for (const [name, contestant] of all) {
        rates.set(name, [...(rates.get(name) ?? []), await contestant(bootstrapServers, topic)])
      }
    }
  } finally {
    await admin.deleteTopics([topic])
  }
  const rows: Record<string, { 'records/s': number; 'MB/s': number }> = {}
  for (const [name, list] of rates) {
    const median = list.sort((a, b) => a - b)[runs >> 1]!
    rows[name] = { 'records/s': Math.round(median), 'MB/s': Math.round((median * value.length) / 1e6) }
  }
  console.table(rows)
}

const given = process.env.KAFKAWIRE_BOOTSTRAP
if (given !== undefined && given !== '') await measure(given)
else if (kafkaAvailability() === 'none') {
  console.log('skipped: give KAFKAWIRE_BOOTSTRAP=host:port, or install Java 17 and Maven')
} else {
  const started = await startRealKafka()
  try {
    await measure(started.bootstrapServers)
  } finally {
    await started.stop()
  }
}

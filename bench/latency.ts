/**
 * From `send` to the handler of a consumer, at 1,000 messages a second: `npm run bench -- latency`. Beside the other clients
 * in JavaScript, which are installed into `.cache/bench-peers` on first use. `KAFKAWIRE_BOOTSTRAP` names a Kafka, else one is
 * started, which needs Java and Maven.
 *
 * Values of 100 bytes, one partition, acks all; producer and consumer are of the same process, and of a process of their
 * own for each client and round; the consumer is in a group and commits automatically. Each client has its defaults
 * otherwise. The first seconds are to warm up. Of each figure the median of the rounds counts.
 */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { type Admin, allOrThrow, Kafka } from '../src/index.ts'
import { type Latency, type LatencyClient, latencyClients } from './support/latency-clients.ts'
import { installPeers } from './support/peer-packages.ts'
import { withKafka } from './support/with-kafka.ts'

const perSecond = 1000
const warmUpSeconds = 3
const seconds = Number(process.env.KAFKAWIRE_BENCH_SECONDS ?? 10)
const rounds = 3

async function main(): Promise<void> {
  const [name, bootstrapServers, topic] = process.argv.slice(2)
  if (name === undefined) return withKafka(compareAll)
  const client = latencyClients.find((one) => one.name === name)!
  console.log(JSON.stringify(await measure(client, { bootstrapServers: bootstrapServers!, topic: topic! })))
}

async function compareAll(bootstrapServers: string): Promise<void> {
  if (!installPeers()) console.log('without the other clients: npm could not install them, see above')
  const clients = latencyClients.filter(({ isOurs }) => isOurs || installPeers())
  await using admin = new Kafka({ bootstrapServers }).admin()
  const results = new Map<string, Latency[]>(clients.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < clients.length; i++) {
      const { name } = clients[(i + round) % clients.length]!
      const latency = await measureApart(admin, name, bootstrapServers)
      if (latency !== null) results.get(name)!.push(latency)
    }
  }
  const rows = [...results].flatMap(([name, all]) => {
    if (all.length === 0) return []
    const of = (field: keyof Latency) => medianOf(all.map((one) => one[field])).toFixed(2)
    return [[name, { 'p50, ms': of('p50'), 'p99, ms': of('p99'), 'most, ms': of('max') }] as const]
  })
  console.table(Object.fromEntries(rows))
}

/** In a process of its own. Null when that has failed, twice: some clients now and then do not get into a new group. */
async function measureApart(admin: Admin, name: string, bootstrapServers: string): Promise<Latency | null> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const topic = `bench-${randomUUID()}`
    allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1 }]))
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', import.meta.filename, name, bootstrapServers, topic],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        encoding: 'utf8',
        timeout: (warmUpSeconds + seconds) * 1000 + 60_000,
      },
    )
    await admin.deleteTopics([topic])
    if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1)!) as Latency
    console.error(`${name} ended with exit code ${status}: ${stderr.slice(0, 500)}`)
  }
  return null
}

/** Sends at an even pace and takes the time of each message when it comes. */
async function measure(
  client: LatencyClient,
  about: { bootstrapServers: string; topic: string },
): Promise<Latency> {
  const times: number[] = []
  let arrived = 0
  let onAll = () => {}
  const total = (warmUpSeconds + seconds) * perSecond
  const all = new Promise<void>((resolve) => {
    onAll = resolve
  })
  const onValue = (text: string) => {
    const sentAt = Number(text.slice(0, text.indexOf(' ')))
    if (sentAt < 0) return
    arrived++
    if (arrived > warmUpSeconds * perSecond) times.push(performance.now() - sentAt)
    if (arrived === total) onAll()
  }
  const { send, close } = await client.start({ ...about, groupId: `bench-${randomUUID()}`, onValue })
  let sent = 0
  const begun = performance.now()
  const pacer = setInterval(() => {
    // As many as are due: timers come late now and then, and none of that time is the client's.
    const due = Math.min(total, Math.floor((performance.now() - begun) / (1000 / perSecond)))
    for (; sent < due; sent++) send(`${performance.now()} `.padEnd(100, 'v'))
    if (sent === total) clearInterval(pacer)
  }, 1)
  await all
  await close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)]!
  return { p50: at(0.5), p99: at(0.99), max: times.at(-1)! }
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

await main()

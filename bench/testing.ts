/**
 * The broker in memory: how soon it is there, and how much goes through it: `npm run bench -- testing`.
 * `KAFKAWIRE_BENCH_RECORDS` is how many records a run has.
 *
 * Values of 100 bytes, one partition, acks all. Once in the process of the clients, as in tests, and once in one of its
 * own, as `npx kafkawire broker` runs. The median of five runs counts, after one to warm up.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka } from '../src/index.ts'
import { startKafka } from '../src/testing/index.ts'

const recordCount = Number(process.env.KAFKAWIRE_BENCH_RECORDS ?? 500_000)
const runs = 5
const value = Buffer.alloc(100, 'v')

async function main(): Promise<void> {
  if (process.argv.includes('--broker')) return serve()
  const startMs: number[] = []
  for (let run = 0; run <= runs; run++) {
    const begun = performance.now()
    const kafka = await startKafka()
    if (run > 0) startMs.push(performance.now() - begun)
    await kafka.close()
  }
  console.log(
    `starts in ${median(startMs).toFixed(1)} ms; idle for 3 s it takes ${await idleCpuMs()} ms of CPU`,
  )
  const rows: Record<string, { 'produced/s': number; 'consumed/s': number }> = {}
  {
    await using kafka = await startKafka()
    rows['in the same process'] = await measure(kafka.bootstrapServers)
  }
  const child = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, '--broker'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  try {
    rows['in one of its own'] = await measure(address)
  } finally {
    child.stdin.end()
    await once(child, 'exit')
  }
  console.table(rows)
}

/** In a process of its own, until stdin ends. */
async function serve(): Promise<void> {
  await using kafka = await startKafka()
  console.log(kafka.bootstrapServers)
  process.stdin.resume()
  await once(process.stdin, 'end')
}

async function idleCpuMs(): Promise<number> {
  await using _ = await startKafka({ brokers: 3, topics: ['idle'] })
  const before = process.cpuUsage()
  await delay(3000)
  const { user, system } = process.cpuUsage(before)
  return Math.round((user + system) / 1000)
}

async function measure(bootstrapServers: string): Promise<{ 'produced/s': number; 'consumed/s': number }> {
  const kafka = new Kafka({ bootstrapServers, clientId: 'bench' })
  const produced: number[] = []
  const consumed: number[] = []
  for (let run = 0; run <= runs; run++) {
    const topic = `bench-${run}`
    const producing = await rateOf(() => produce(kafka, topic))
    const consuming = await rateOf(() => consume(kafka, topic))
    if (run === 0) continue
    produced.push(producing)
    consumed.push(consuming)
  }
  return { 'produced/s': median(produced), 'consumed/s': median(consumed) }
}

async function produce(kafka: Kafka, topic: string): Promise<void> {
  await using producer = kafka.producer()
  for (let n = 0; n < recordCount; n++) {
    if (!producer.produce({ topic, value })) await producer.drained()
  }
  await producer.flush()
}

async function consume(kafka: Kafka, topic: string): Promise<void> {
  await using consumer = kafka.consumer({ autoOffsetReset: 'earliest' })
  consumer.assign([{ topic, partition: 0 }])
  let count = 0
  for await (const batch of consumer.batches()) {
    count += batch.length
    if (count >= recordCount) break
  }
}

async function rateOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return Math.round((recordCount / (performance.now() - begun)) * 1000)
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >>> 1]!
}

await main()

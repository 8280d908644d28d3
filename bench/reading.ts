/**
 * Ways to read the same records: `npm run bench -- reading`. `KAFKAWIRE_BOOTSTRAP` names a Kafka, else one is started, which
 * needs Java and Maven. `KAFKAWIRE_BENCH_RECORDS` is how many records a run has.
 *
 * Values of 100 bytes, one partition, no compression, no group; the value of each record is asked for. The median of the
 * rounds counts, after one to warm up; each round begins with another way.
 */
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { allOrThrow, type Consumer, Kafka } from '../src/index.ts'
import { withKafka } from './support/with-kafka.ts'

const recordCount = Number(process.env.KAFKAWIRE_BENCH_RECORDS ?? 500_000)
const rounds = 5
const value = Buffer.alloc(100, 'v')

/** Reads all; gives the bytes of their values. */
type Way = (consumer: Consumer) => Promise<number>

const ways: Readonly<Record<string, Way>> = {
  'for await, record by record': async (consumer) => {
    let count = 0
    let bytes = 0
    for await (const record of consumer) {
      bytes += record.value!.length
      if (++count === recordCount) break
    }
    return bytes
  },
  'poll({ maxRecords: 1 })': (consumer) => polling(consumer, 1),
  'poll({ maxRecords: 500 })': (consumer) => polling(consumer, 500),
  'poll({ maxRecords: 1000 })': (consumer) => polling(consumer, 1000),
  'batches()': async (consumer) => {
    let count = 0
    let bytes = 0
    for await (const batch of consumer.batches()) {
      for (const record of batch) bytes += record.value!.length
      count += batch.length
      if (count >= recordCount) break
    }
    return bytes
  },
  'run({ eachMessage })': async (consumer) => {
    let count = 0
    let bytes = 0
    await consumer.run({
      eachMessage: (record) => {
        if (count === recordCount) return
        bytes += record.value!.length
        if (++count === recordCount) void consumer.stop()
      },
    })
    return bytes
  },
  'run({ eachBatch })': async (consumer) => {
    let count = 0
    let bytes = 0
    await consumer.run({
      eachBatch: (batch) => {
        for (const record of batch) bytes += record.value!.length
        count += batch.length
        if (count >= recordCount) void consumer.stop()
      },
    })
    return bytes
  },
}

async function polling(consumer: Consumer, maxRecords: number): Promise<number> {
  let count = 0
  let bytes = 0
  while (count < recordCount) {
    const records = await consumer.poll({ timeoutMs: 10_000, maxRecords })
    for (const record of records) bytes += record.value!.length
    count += records.length
  }
  return bytes
}

await withKafka(async (bootstrapServers) => {
  const kafka = new Kafka({ bootstrapServers, clientId: 'bench' })
  await using admin = kafka.admin()
  const topic = `bench-${randomUUID()}`
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1 }]))
  try {
    await fill(kafka, topic)
    const names = Object.keys(ways)
    const times = new Map(names.map((name) => [name, [] as number[]]))
    for (let round = 0; round <= rounds; round++) {
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + round) % names.length]!
        const ms = await measure(kafka, topic, ways[name]!)
        if (round > 0) times.get(name)!.push(ms)
      }
    }
    const table: Record<string, { 'records/s': number; 'MB/s': number }> = {}
    for (const [name, all] of times) {
      const rate = recordCount / (all.sort((a, b) => a - b)[all.length >> 1]! / 1000)
      table[name] = { 'records/s': Math.round(rate), 'MB/s': Math.round((rate * value.length) / 1e6) }
    }
    console.table(table)
  } finally {
    await admin.deleteTopics([topic])
  }
})

async function fill(kafka: Kafka, topic: string): Promise<void> {
  await using producer = kafka.producer()
  for (let i = 0; i < recordCount; i++) {
    if (!producer.produce({ topic, value })) await producer.drained()
  }
  await producer.flush()
}

async function measure(kafka: Kafka, topic: string, read: Way): Promise<number> {
  await using consumer = kafka.consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  const begun = performance.now()
  const bytes = await read(consumer)
  const ms = performance.now() - begun
  if (bytes !== recordCount * value.length) throw new Error(`${bytes} bytes came`)
  return ms
}

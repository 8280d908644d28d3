/**
 * Producing and consuming against a real Kafka: `npm run bench -- produce-consume`. `KAFKAWIRE_BOOTSTRAP` names one, else
 * one is started, which needs Java and Maven. `KAFKAWIRE_BENCH_RECORDS` is how many records a run has.
 *
 * Values of 100 bytes, one partition but where said otherwise, acks all, no compression. The median of the runs counts,
 * after one to warm up.
 */
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { allOrThrow, Kafka, type Producer } from '../src/index.ts'
import { withKafka } from './support/with-kafka.ts'

const recordCount = Number(process.env.KAFKAWIRE_BENCH_RECORDS ?? 500_000)
const perCall = 1000
const awaitedSends = 1000
const runs = 5
const manyPartitions = 1000
const value = Buffer.alloc(100, 'v')

async function measure(bootstrapServers: string): Promise<void> {
  const kafka = new Kafka({ bootstrapServers, clientId: 'bench' })
  await using admin = kafka.admin()
  const topics: string[] = []
  const newTopic = async (numPartitions = 1) => {
    const name = `bench-${randomUUID()}`
    allOrThrow(await admin.createTopics([{ name, numPartitions }]))
    topics.push(name)
    return name
  }
  const perSecond: Record<string, { 'records/s': number; 'MB/s': number }> = {}
  const report = (name: string, ms: number) => {
    const rate = recordCount / (ms / 1000)
    perSecond[name] = { 'records/s': Math.round(rate), 'MB/s': Math.round((rate * value.length) / 1e6) }
  }
  try {
    const producing = async (send: (producer: Producer, topic: string) => Promise<void>, given?: string) => {
      const topic = given ?? (await newTopic())
      await using producer = kafka.producer()
      await producer.partitionsFor(topic)
      return await timed(() => send(producer, topic))
    }
    report('sendMany, arrays of 1000', await medianOf(() => producing(sendArrays)))
    report('produce, one call a record', await medianOf(() => producing(produceEach)))
    const [full] = topics
    // One topic for all runs: the first writes to each partition of the log for the first time, and is left out.
    const wide = await newTopic(manyPartitions)
    report(`produce, ${manyPartitions} partitions`, await medianOf(() => producing(produceEach, wide)))
    report('batches', await medianOf(() => consumeBatches(kafka, full!)))
    report('for await', await medianOf(() => consumeEach(kafka, full!)))
    report(
      `batches, ${manyPartitions} partitions`,
      await medianOf(() => consumeBatches(kafka, wide, manyPartitions)),
    )
    console.table(perSecond)

    const times = await awaitedTimes(kafka, await newTopic())
    const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(2)
    console.log(`awaited single send: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  } finally {
    await admin.deleteTopics(topics)
  }
}

async function sendArrays(producer: Producer, topic: string): Promise<void> {
  const records = Array.from({ length: perCall }, () => ({ topic, value }))
  const calls: Promise<unknown>[] = []
  for (let sent = 0; sent < recordCount; sent += perCall) {
    calls.push(producer.sendMany(records))
    // Some calls on the way, as an application with a source to read from would have.
    if (calls.length === 50) await Promise.all(calls.splice(0))
  }
  await Promise.all(calls)
}

async function produceEach(producer: Producer, topic: string): Promise<void> {
  const record = { topic, value }
  for (let sent = 0; sent < recordCount; sent++) if (!producer.produce(record)) await producer.drained()
  await producer.flush()
}

async function consumeBatches(kafka: Kafka, topic: string, partitions = 1): Promise<number> {
  await using consumer = kafka.consumer()
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
  let count = 0
  let bytes = 0
  const ms = await timed(async () => {
    for await (const batch of consumer.batches()) {
      for (const record of batch) bytes += record.value!.length
      count += batch.length
      if (count >= recordCount) break
    }
  })
  check(bytes, count)
  return ms
}

async function consumeEach(kafka: Kafka, topic: string): Promise<number> {
  await using consumer = kafka.consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  let count = 0
  let bytes = 0
  const ms = await timed(async () => {
    for await (const record of consumer) {
      bytes += record.value!.length
      if (++count === recordCount) break
    }
  })
  check(bytes, count)
  return ms
}

function check(bytes: number, count: number): void {
  if (bytes !== count * value.length) throw new Error(`${count} records came with ${bytes} bytes`)
}

/** Milliseconds of each, in ascending order. */
async function awaitedTimes(kafka: Kafka, topic: string): Promise<number[]> {
  await using producer = kafka.producer()
  const times: number[] = []
  for (let i = 0; i < awaitedSends * 2; i++) {
    const ms = await timed(() => producer.send({ topic, value }))
    if (i >= awaitedSends) times.push(ms)
  }
  return times.sort((a, b) => a - b)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** Median of the runs, the first left out. */
async function medianOf(run: () => Promise<number>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i <= runs; i++) {
    const ms = await run()
    if (i > 0) times.push(ms)
  }
  return times.sort((a, b) => a - b)[runs >> 1]!
}

await withKafka(measure)

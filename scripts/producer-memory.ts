/**
 * Resident memory of a process that sends: `tsx scripts/producer-memory.ts HOST:PORT [RECORDS] [WAY]`, by default ten
 * million records of 100 bytes by `produce`; the other ways are `send`, with 10,000 promises open, and `sendMany`.
 *
 * Prints a line for each tenth of them, and fails when the memory at its highest is more than `bufferMemory` and 120 MB, or
 * still grows: the second half takes more than 20 MB above the first.
 *
 * tsx takes some 50 MB itself. For the library alone: bundle this file with esbuild and run it with plain Node.
 */
import { randomUUID } from 'node:crypto'
import { allOrThrow, Kafka, type Producer } from '../src/index.ts'

const [bootstrapServers, records = '10000000', way = 'produce'] = process.argv.slice(2)
if (bootstrapServers === undefined) {
  console.error('usage: tsx scripts/producer-memory.ts HOST:PORT [RECORDS] [produce|send|sendMany]')
  process.exit(2)
}
const total = Number(records)
const bufferMemory = 32 * 1024 * 1024
const allowed = bufferMemory + 120e6
const value = Buffer.alloc(100, 'v')

const ways: Record<string, (producer: Producer, topic: string, count: number) => Promise<void>> = {
  async produce(producer, topic, count) {
    for (let i = 0; i < count; i++) if (!producer.produce({ topic, value })) await producer.drained()
    await producer.flush()
  },
  async send(producer, topic, count) {
    for (let sent = 0; sent < count; sent += 10_000) {
      await Promise.all(Array.from({ length: 10_000 }, () => producer.send({ topic, value })))
    }
  },
  async sendMany(producer, topic, count) {
    const open = new Set<Promise<unknown>>()
    for (let sent = 0; sent < count; sent += 1000) {
      const call = producer.sendMany(Array.from({ length: 1000 }, () => ({ topic, value })))
      open.add(call)
      void call.finally(() => open.delete(call))
      if (open.size >= 20) await Promise.race(open)
    }
    await Promise.all(open)
  },
}

const sendAll = ways[way]
if (sendAll === undefined || !Number.isSafeInteger(total) || total < 100_000) {
  console.error(`the ways are ${Object.keys(ways).join(', ')}; the least number of records is 100000`)
  process.exit(2)
}

const kafka = new Kafka({ bootstrapServers, clientId: 'producer-memory' })
await using admin = kafka.admin()
const topic = `memory-${randomUUID()}`
// What was written before is of no interest: the disk need not hold it all.
const configs = { 'retention.bytes': '100000000', 'segment.bytes': '50000000' }
allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1, configs }]))

const peaks: number[] = []
let peak = 0
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 20)
console.log(`${way}, ${total} records of ${value.length} bytes, bufferMemory ${megabytes(bufferMemory)} MB`)
console.log(`at rest: ${megabytes(process.memoryUsage.rss())} MB`)
{
  await using producer = kafka.producer({ bufferMemory })
  const begun = performance.now()
  for (let tenth = 1; tenth <= 10; tenth++) {
    peak = process.memoryUsage.rss()
    await sendAll(producer, topic, total / 10)
    peak = Math.max(peak, process.memoryUsage.rss())
    peaks.push(peak)
    const { heapUsed, external, arrayBuffers } = process.memoryUsage()
    const rate = Math.round(((total / 10) * tenth) / ((performance.now() - begun) / 1000))
    console.log(
      `${tenth * 10} %: ${megabytes(peak)} MB at most; heap ${megabytes(heapUsed)}, ` +
        `external ${megabytes(external)}, buffers ${megabytes(arrayBuffers)}; ${rate} records/s so far`,
    )
  }
}
clearInterval(timer)
await admin.deleteTopics([topic])

const most = Math.max(...peaks)
const growth = Math.max(...peaks.slice(5)) - Math.max(...peaks.slice(0, 5))
console.log(`at most ${megabytes(most)} MB, allowed ${megabytes(allowed)}; grew by ${megabytes(growth)} MB`)
if (most > allowed || growth > 20e6) process.exitCode = 1

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}

/**
 * The partitions of a topic, spread over worker threads: each has a consumer of its own, and reads what it was given with
 * `assign`. Fills a topic, reads all of it with one thread and then with several, and prints how fast each was.
 *
 *   npx tsx examples/worker-threads/main.ts [--bootstrap-server HOST:PORT] [--workers N] [--partitions N] [--records N]
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { json, Kafka } from '../../src/index.ts'
import { findKafka } from '../support/find-kafka.ts'
import { startWorker } from '../support/start-worker.ts'
import type { Order, WorkerJob, WorkerResult } from './worker.ts'

const { values: given } = parseArgs({
  options: {
    'bootstrap-server': { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    partitions: { type: 'string', default: '8' },
    records: { type: 'string', default: '400000' },
  },
})
const [workers, partitions, records] = (['workers', 'partitions', 'records'] as const).map((name) => {
  const number = Number(given[name])
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} is ${given[name]}; allowed: an integer from 1 on`)
}) as [number, number, number]

await using found = await findKafka(given['bootstrap-server'])
const { bootstrapServers } = found
const kafka = new Kafka({ bootstrapServers, clientId: 'worker-threads' })
const topic = `worker-threads-${Date.now().toString(36)}`

await using admin = kafka.admin()
const [created] = await admin.createTopics([{ name: topic, numPartitions: partitions }])
if (created?.error) throw created.error
await fill()
const ranges = await rangesOf()
await readWith(1)
if (workers > 1) await readWith(Math.min(workers, partitions))
await admin.deleteTopics([topic])

async function fill(): Promise<void> {
  await using producer = kafka.producer<never, Order>({ valueSerializer: json<Order>() })
  for (let n = 0; n < records; n++) {
    const record = {
      topic,
      partition: n % partitions,
      value: { customer: `c-${n % 997}`, cents: n % 10_000 },
    }
    if (!producer.produce(record)) await producer.drained()
  }
  await producer.flush()
}

/** Each partition from its first record to what is its end now. */
async function rangesOf(): Promise<WorkerJob['ranges']> {
  await using consumer = kafka.consumer()
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const ends = await consumer.endOffsets(all)
  return ends.map(({ partition, offset: end }) => ({ topic, partition, offset: 0, end }))
}

async function readWith(count: number): Promise<void> {
  const running = Array.from({ length: count }, (_, index) => {
    const mine = ranges.filter(({ partition }) => partition % count === index)
    return start({ bootstrapServers, ranges: mine })
  })
  try {
    await Promise.all(running.map(({ ready }) => ready))
    const begun = performance.now()
    for (const { worker } of running) worker.postMessage('go')
    const results = await Promise.all(running.map(({ result }) => result))
    const seconds = (performance.now() - begun) / 1000
    const read = results.reduce((sum, one) => sum + one.count, 0)
    const cents = results.reduce((sum, one) => sum + one.cents, 0)
    const rate = Math.round(read / seconds).toLocaleString('en')
    const shares = results.map((one) => one.count).join(' + ')
    console.log(
      `${count} ${count === 1 ? 'thread' : 'threads'}: ${read} messages (${shares}), ${cents} cents`,
    )
    console.log(`  ${rate} messages/s`)
    if (read !== records) throw new Error(`${read} messages were read, ${records} sent`)
  } finally {
    await Promise.all(running.map(({ worker }) => worker.terminate()))
  }
}

/** A worker says once that it is ready, and once what it has read. */
function start(job: WorkerJob) {
  const worker = startWorker(new URL('worker.ts', import.meta.url), job)
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`a worker has ended, with exit code ${code}`)))
  })
  failed.catch(() => {})
  const messages = (async function* () {
    const queue: unknown[] = []
    let wake = () => {}
    worker.on('message', (message) => {
      queue.push(message)
      wake()
    })
    for (;;) {
      while (queue.length > 0) yield queue.shift()
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  })()
  const next = async () => (await Promise.race([messages.next(), failed])).value
  const ready = next()
  return { worker, ready, result: ready.then(next) as Promise<WorkerResult> }
}

/** One thread: reads its partitions to their ends, and adds up what is in the messages. */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { json, Kafka } from '../../src/index.ts'

export interface Order {
  readonly customer: string
  readonly cents: number
}

export interface WorkerJob {
  readonly bootstrapServers: string
  /** From `offset` up to `end`, which is not read. */
  readonly ranges: readonly { topic: string; partition: number; offset: number; end: number }[]
}

export interface WorkerResult {
  readonly count: number
  readonly cents: number
}

async function main({ bootstrapServers, ranges }: WorkerJob): Promise<WorkerResult> {
  const kafka = new Kafka({ bootstrapServers, clientId: 'worker-threads' })
  await using consumer = kafka.consumer({ valueDeserializer: json<Order>() })
  consumer.assign(ranges)
  const ends = new Map(
    ranges.filter(({ offset, end }) => offset < end).map(({ partition, end }) => [partition, end]),
  )
  parentPort?.postMessage('ready')
  await once(parentPort!, 'message')

  let count = 0
  let cents = 0
  if (ends.size === 0) return { count, cents }
  for await (const batch of consumer.batches()) {
    for (const { value } of batch) cents += value?.cents ?? 0
    count += batch.length
    const end = ends.get(batch.partition)
    if (end !== undefined && batch.lastOffset + 1 >= end) ends.delete(batch.partition)
    if (ends.size === 0) break
  }
  return { count, cents }
}

parentPort?.postMessage(await main(workerData as WorkerJob))

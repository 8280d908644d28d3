import { randomUUID } from 'node:crypto'
import type { Kafka } from '../../src/index.ts'
import { type JavaConsumerRecord, startJavaConsumer } from './interop/index.ts'

/** All that is in a topic's log now, partition by partition in order, read by Java's client. */
export async function readLog(
  kafka: Kafka,
  bootstrapServers: string,
  topic: string,
): Promise<Map<number, JavaConsumerRecord[]>> {
  await using consumer = kafka.consumer()
  const partitions = (await consumer.partitionsFor(topic)).map(({ partition }) => ({ topic, partition }))
  const ends = await consumer.endOffsets(partitions)
  const count = ends.reduce((sum, { offset }) => sum + offset, 0)
  await using java = await startJavaConsumer({
    bootstrapServers,
    groupId: `log-${randomUUID()}`,
    topics: [topic],
  })
  await java.waitUntil(({ records }) => records.length >= count, 60_000)
  const log = new Map<number, JavaConsumerRecord[]>(partitions.map(({ partition }) => [partition, []]))
  for (const record of java.records) log.get(record.partition)!.push(record)
  return log
}

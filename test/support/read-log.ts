import { randomUUID } from 'node:crypto'
import { Kafka } from '../../src/index.ts'
import type { MemoryKafka } from './any-kafka/index.ts'
import { startJavaConsumer } from './interop/index.ts'
import type { RealKafka } from './real-kafka/index.ts'

/** A record of a log, whoever has read it. */
export interface LogRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

/**
 * All that is in a topic's log now, partition by partition in order: of a real cluster as Java's client reads it, of one in
 * memory from its store.
 *
 * @param servers where it can be reached, which may be only a part of it.
 */
export async function readLog(
  cluster: RealKafka | MemoryKafka,
  servers: string,
  topic: string,
): Promise<Map<number, LogRecord[]>> {
  await using consumer = new Kafka({ bootstrapServers: servers }).consumer()
  const partitions = (await consumer.partitionsFor(topic)).map(({ partition }) => ({ topic, partition }))
  const log = new Map<number, LogRecord[]>(partitions.map(({ partition }) => [partition, []]))
  if ('memory' in cluster) {
    for (const { partition, offset, key, value } of cluster.memory.records(topic)) {
      log.get(partition)!.push({ partition, offset, key: textOf(key), value: textOf(value) })
    }
    return log
  }
  const ends = await consumer.endOffsets(partitions)
  const count = ends.reduce((sum, { offset }) => sum + offset, 0)
  await using java = await startJavaConsumer({
    bootstrapServers: servers,
    groupId: `log-${randomUUID()}`,
    topics: [topic],
  })
  await java.waitUntil(({ records }) => records.length >= count, 60_000)
  for (const record of java.records) log.get(record.partition)!.push(record)
  return log
}

function textOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString()
}

import { allOrThrow, Kafka } from '../../src/index.ts'

/** Creates what a sample wants to find: topics by their number of partitions, and records in them. */
export async function prepareTopics(
  bootstrapServers: string,
  run: string,
  topics: ReadonlyMap<string, number>,
  records: ReadonlyMap<string, number>,
): Promise<void> {
  const kafka = new Kafka({ bootstrapServers })
  await using admin = kafka.admin()
  await using producer = kafka.producer()
  const wanted = Array.from(topics, ([name, numPartitions]) => ({ name: `${name}-${run}`, numPartitions }))
  if (wanted.length > 0) allOrThrow(await admin.createTopics(wanted))
  for (const [name, count] of records) {
    const partitions = topics.get(name)!
    await producer.sendMany(
      Array.from({ length: count }, (_, i) => ({
        topic: `${name}-${run}`,
        partition: i % partitions,
        key: `key-${i}`,
        value: `value-${i}`,
      })),
    )
  }
}

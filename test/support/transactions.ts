import { Kafka } from '../../src/index.ts'

/** The values of a topic as a consumer of that isolation sees them now, partition by partition in order. */
export async function readValues(
  bootstrapServers: string,
  topic: string,
  isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<string[]> {
  await using consumer = new Kafka({ bootstrapServers }).consumer({ isolationLevel })
  const partitions = (await consumer.partitionsFor(topic)).map(({ partition }) => ({ topic, partition }))
  const ends = await consumer.endOffsets(partitions)
  const values = new Map<number, string[]>(partitions.map(({ partition }) => [partition, []]))
  consumer.assign(partitions.map((one) => ({ ...one, offset: 0 })))
  for (const { partition, offset } of ends) {
    // Control records and what was aborted count, so there may be fewer records than offsets.
    while ((await consumer.position({ topic, partition })) < offset) {
      for (const record of await consumer.poll({ timeoutMs: 200 })) {
        values.get(record.partition)!.push(String(record.value))
      }
    }
  }
  return [...values.values()].flat()
}

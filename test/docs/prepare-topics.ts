import { allOrThrow, Kafka } from '../../src/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { setGroupConfigs } from '../support/share-group.ts'

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

/** Has a share group begin at the start of its topics: that is a config of the group, and not of its members. */
export async function beginShareGroup(bootstrapServers: string, groupId: string): Promise<void> {
  await using writer = new TopicWriter(bootstrapServers)
  await setGroupConfigs(writer, groupId, { 'share.auto.offset.reset': 'earliest' })
}

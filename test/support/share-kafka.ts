import { Kafka } from '../../src/kafka.ts'
import { string } from '../../src/serializers.ts'
import { type StartKafkaOptions, startKafka, type TestKafka } from '../../src/testing/index.ts'

/** A Kafka in memory whose share groups take no time to assemble, with a topic `jobs` of one partition. */
export async function startShareKafka(options: StartKafkaOptions = {}): Promise<TestKafka> {
  return await startKafka({
    topics: ['jobs'],
    ...options,
    configs: {
      'group.share.heartbeat.interval.ms': 100,
      'group.share.min.heartbeat.interval.ms': 100,
      'group.share.assignment.interval.ms': 0,
      'group.share.min.assignment.interval.ms': 0,
      ...options.configs,
    },
  })
}

/** Has the group begin at the start of topics, with these configs of its own. */
export function beginEarliest(kafka: TestKafka, groupId: string, lockMs = 30_000): void {
  const configs = kafka.cluster.groupConfigs.get(groupId)
  configs.set('share.auto.offset.reset', 'earliest')
  configs.set('share.record.lock.duration.ms', String(lockMs))
}

/** Options of a share consumer of group `workers`, with answers that do not take long. */
export const workers = {
  groupId: 'workers',
  topics: ['jobs'],
  fetchMaxWaitMs: 50,
  valueDeserializer: string,
} as const

export async function writeJobs(
  kafka: TestKafka,
  values: readonly string[],
  { topic = 'jobs', partition = 0 } = {},
): Promise<void> {
  await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
  await producer.sendMany(values.map((value) => ({ topic, partition, value })))
}

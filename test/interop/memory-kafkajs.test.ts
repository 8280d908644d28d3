import { randomUUID } from 'node:crypto'
import {
  CompressionTypes,
  ConfigResourceTypes,
  type Consumer,
  Kafka,
  type KafkaMessage,
  logLevel,
  Partitioners,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { Signal } from '../support/interop/index.ts'

describe.each(['4.3', '3.9', '2.8', '2.1'] as const)('kafkajs and a Kafka %s in memory', (version) => {
  const failures: Error[] = []
  let kafka: TestKafka
  let client: Kafka
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 2, version, onError: (error) => failures.push(error) })
    client = new Kafka({
      brokers: kafka.bootstrapServers.split(','),
      clientId: 'kafkajs',
      logLevel: logLevel.NOTHING,
      retry: { retries: 5 },
    })
  })
  afterAll(async () => {
    await kafka.close()
    expect(failures).toEqual([])
  })

  const messages = Array.from({ length: 60 }, (_, i) => ({ key: `k${i % 7}`, value: `v${i}` }))
  const changed = new Signal()
  const createPartitioner = Partitioners.DefaultPartitioner

  function topicOf(numPartitions: number): string {
    const name = `kafkajs-${randomUUID()}`
    kafka.createTopics([{ name, numPartitions }])
    return name
  }

  async function produce(
    topic: string,
    options: { idempotent?: boolean; compression?: CompressionTypes } = {},
  ) {
    const { compression = CompressionTypes.None, ...config } = options
    const producer = client.producer({ createPartitioner, ...config })
    await producer.connect()
    const sent = await producer.send({ topic, messages, acks: -1, compression })
    await producer.disconnect()
    return sent
  }

  async function join(groupId: string, topic: string) {
    const consumer = client.consumer({ groupId, heartbeatInterval: 100, maxWaitTimeInMs: 100 })
    const member = new Member(consumer, changed)
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => member.take(message) })
    return member
  }

  it('creates, describes, changes and deletes a topic', async () => {
    const admin = client.admin()
    await admin.connect()
    const topic = `kafkajs-${randomUUID()}`
    const topics = [
      { topic, numPartitions: 2, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
    ]
    expect(await admin.createTopics({ topics })).toBe(true)
    expect(await admin.createTopics({ topics })).toBe(false)
    expect(await admin.listTopics()).toContain(topic)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
    expect(metadata.topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2])
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1000' }] }],
    })
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ ...resource, configNames: ['retention.ms', 'cleanup.policy'] }],
    })
    // AlterConfigs, other than its incremental sister, resets what it does not name.
    expect(
      Object.fromEntries(
        described.resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
      ),
    ).toEqual({ 'retention.ms': '1000', 'cleanup.policy': 'delete' })
    expect((await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2])
    await admin.deleteTopics({ topics: [topic] })
    expect(await admin.listTopics()).not.toContain(topic)
    await admin.disconnect()
  })

  it('writes idempotently and with gzip, and tells where', async () => {
    const topic = topicOf(1)
    expect(await produce(topic, { idempotent: true })).toMatchObject([{ partition: 0, baseOffset: '0' }])
    expect(await produce(topic, { compression: CompressionTypes.GZIP })).toMatchObject([{ baseOffset: '60' }])
    expect(kafka.records(topic).map(({ value }) => String(value))).toEqual(
      [...messages, ...messages].map(({ value }) => value),
    )
  })

  it('shares a topic between two members, and the one that stays takes over', async () => {
    const topic = topicOf(4)
    const groupId = `kafkajs-${randomUUID()}`
    const admin = client.admin()
    await admin.connect()
    const first = await join(groupId, topic)
    await changed.until(() => first.partitions.length === 4)
    const second = await join(groupId, topic)
    await changed.until(() => second.partitions.length === 2)
    await changed.until(() => first.partitions.length === 2)
    expect([...first.partitions, ...second.partitions].sort()).toEqual([0, 1, 2, 3])

    await produce(topic)
    await changed.until(() => first.values.length + second.values.length === 60)
    expect([...first.values, ...second.values].sort()).toEqual(messages.map(({ value }) => value).sort())
    expect(first.values.length).toBeGreaterThan(0)
    expect(second.values.length).toBeGreaterThan(0)

    const { groups } = await admin.describeGroups([groupId])
    expect(groups).toMatchObject([{ groupId, state: 'Stable', protocol: 'RoundRobinAssigner' }])
    expect(groups[0]?.members.map(({ clientId }) => clientId)).toEqual(['kafkajs', 'kafkajs'])
    expect((await admin.listGroups()).groups).toContainEqual({ groupId, protocolType: 'consumer' })

    await second.consumer.disconnect()
    await changed.until(() => first.partitions.length === 4)
    await first.consumer.disconnect()
    expect((await admin.describeGroups([groupId])).groups[0]?.state).toBe('Empty')

    const ends = await admin.fetchTopicOffsets(topic)
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const offsetsOf = (list: { partition: number; offset: string }[]) =>
      Object.fromEntries(list.map(({ partition, offset }) => [partition, offset]))
    // kafkajs commits nothing for a partition that had nothing.
    const wanted = ends.map(({ partition, high }) => ({ partition, offset: high === '0' ? '-1' : high }))
    expect(offsetsOf(committed!.partitions)).toEqual(offsetsOf(wanted))

    await admin.deleteGroups([groupId])
    expect((await admin.listGroups()).groups.map((one) => one.groupId)).not.toContain(groupId)
    await admin.disconnect()
  })

  it('commits a transaction with offsets, and aborts another, of which nobody reads anything', async () => {
    const topic = topicOf(1)
    const groupId = `kafkajs-${randomUUID()}`
    const producer = client.producer({
      createPartitioner,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionalId: randomUUID(),
    })
    await producer.connect()
    const aborted = await producer.transaction()
    await aborted.send({ topic, messages: [{ value: 'aborted' }] })
    await aborted.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }],
    })
    await aborted.abort()
    const committed = await producer.transaction()
    await committed.send({ topic, messages: [{ value: 'committed' }] })
    await committed.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }],
    })
    await committed.commit()
    await producer.disconnect()

    const admin = client.admin()
    await admin.connect()
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(offsets?.partitions).toMatchObject([{ partition: 0, offset: '1' }])
    await admin.disconnect()

    const reader = await join(`kafkajs-${randomUUID()}`, topic)
    await changed.until(() => reader.values.length > 0)
    expect(reader.values).toEqual(['committed'])
    expect(kafka.records(topic).map(({ value }) => String(value))).toEqual(['aborted', 'committed'])
    await reader.consumer.disconnect()
  })

  it('deletes records, and reads from where the log begins then', async () => {
    const topic = topicOf(1)
    await produce(topic)
    const admin = client.admin()
    await admin.connect()
    // It knows no leader before it has looked.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '50' }] })
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: '50', high: '60' }])
    await admin.disconnect()
    const reader = await join(`kafkajs-${randomUUID()}`, topic)
    await changed.until(() => reader.values.length === 10)
    expect(reader.values).toEqual(messages.slice(50).map(({ value }) => value))
    await reader.consumer.disconnect()
  })
})

/** What a consumer reads and holds. */
class Member {
  readonly consumer: Consumer
  readonly values: string[] = []
  partitions: readonly number[] = []
  readonly #changed: Signal

  constructor(consumer: Consumer, changed: Signal) {
    this.consumer = consumer
    this.#changed = changed
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.partitions = Object.values(payload.memberAssignment).flat()
      changed.notify()
    })
  }

  take({ value }: KafkaMessage): void {
    this.values.push(String(value))
    this.#changed.notify()
  }
}

import { randomUUID } from 'node:crypto'
import {
  Admin,
  Consumer,
  type Message,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { Signal } from '../support/interop/index.ts'

describe.each(['4.3', '3.9'] as const)('@platformatic/kafka and a Kafka %s in memory', (version) => {
  const failures: Error[] = []
  let kafka: TestKafka
  beforeAll(async () => {
    kafka = await startKafka({
      brokers: 2,
      version,
      configs: {
        'group.consumer.heartbeat.interval.ms': 200,
        'group.consumer.min.heartbeat.interval.ms': 100,
      },
      onError: (error) => failures.push(error),
    })
  })
  afterAll(async () => {
    await kafka.close()
    expect(failures).toEqual([])
  })

  function topicOf(numPartitions: number): string {
    const name = `platformatic-${randomUUID()}`
    kafka.createTopics([{ name, numPartitions }])
    return name
  }

  const base = () => ({ clientId: 'platformatic', bootstrapBrokers: kafka.bootstrapServers.split(',') })

  function producerOf(options: { idempotent?: boolean; transactionalId?: string } = {}) {
    return new Producer({ ...base(), ...options, serializers: stringSerializers })
  }

  const messagesOf = (topic: string) =>
    Array.from({ length: 60 }, (_, i) => ({
      topic,
      key: `k${i % 7}`,
      value: `v${i}`,
      headers: { i: `${i}` },
    }))
  const values = Array.from({ length: 60 }, (_, i) => `v${i}`)
  const changed = new Signal()

  /** A member that reads until it is closed. */
  async function join(groupId: string, topic: string, groupProtocol: 'classic' | 'consumer' = 'classic') {
    const pace =
      groupProtocol === 'classic'
        ? { groupProtocol, heartbeatInterval: 100, sessionTimeout: 6000, rebalanceTimeout: 6000 }
        : { groupProtocol }
    const consumer = new Consumer({
      ...base(),
      groupId,
      ...pace,
      maxWaitTime: 50,
      deserializers: stringDeserializers,
    })
    // It tells of no new assignment; by a heartbeat that comes after one it can be seen.
    consumer.on('consumer:heartbeat:end', () => changed.notify())
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    const read: Message<string, string, string, string>[] = []
    stream.on('data', (message) => {
      read.push(message)
      changed.notify()
    })
    return { consumer, read, stream }
  }

  type Member = Awaited<ReturnType<typeof join>>
  const held = ({ consumer }: Member) =>
    (consumer.assignments ?? []).flatMap(({ partitions }) => partitions).sort()

  it('creates, describes, enlarges and deletes a topic', async () => {
    const admin = new Admin(base())
    const topic = `platformatic-${randomUUID()}`
    const configs = [{ name: 'retention.ms', value: '1000' }]
    const [created] = await admin.createTopics({ topics: [topic], partitions: 2, replicas: 2, configs })
    expect(created).toMatchObject({ name: topic, partitions: 2, replicas: 2 })
    expect(created?.configuration['retention.ms']).toBe('1000')
    await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] })
    expect(await admin.listTopics()).toContain(topic)
    expect(kafka.cluster.topics.get(topic)?.partitions).toHaveLength(3)
    await admin.deleteTopics({ topics: [topic] })
    expect(await admin.listTopics()).not.toContain(topic)
    await admin.close()
  })

  it.each(['none', 'gzip', 'snappy', 'lz4'] as const)('writes and reads with %s', async (compression) => {
    const topic = topicOf(1)
    const producer = producerOf({ idempotent: true })
    const { offsets } = await producer.send({
      messages: messagesOf(topic),
      acks: ProduceAcks.ALL,
      compression,
    })
    expect(offsets).toMatchObject([{ topic, partition: 0, offset: 0n }])
    await producer.close()
    const member = await join(topic, topic)
    await changed.until(() => member.read.length === 60)
    expect(member.read.map(({ value }) => value)).toEqual(values)
    expect([...member.read[59]!.headers]).toEqual([['i', '59']])
    await member.consumer.close(true)
  })

  // A broker of 3.9 has the new protocol only when it is told to.
  const protocols = version === '4.3' ? (['classic', 'consumer'] as const) : (['classic'] as const)
  it.each(protocols)('shares a topic in a group, %s', async (protocol) => {
    const topic = topicOf(4)
    const first = await join(topic, topic, protocol)
    const second = await join(topic, topic, protocol)
    await changed.until(() => held(first).length === 2 && held(second).length === 2)
    expect([...held(first), ...held(second)].sort()).toEqual([0, 1, 2, 3])
    const producer = producerOf()
    await producer.send({ messages: messagesOf(topic), acks: ProduceAcks.ALL })
    await producer.close()
    await changed.until(() => first.read.length + second.read.length === 60)
    expect([...first.read, ...second.read].map(({ value }) => value).sort()).toEqual([...values].sort())

    const admin = new Admin(base())
    const types = ['classic', 'consumer']
    expect((await admin.listGroups({ types })).get(topic)).toMatchObject({ id: topic, state: 'STABLE' })
    await second.consumer.close(true)
    await changed.until(() => held(first).length === 4)
    await first.consumer.close(true)
    const ends = kafka.cluster.topics.get(topic)!.partitions.map(({ log }) => BigInt(log.logEndOffset))
    const [offsets] = await admin.listConsumerGroupOffsets({ groups: [topic] })
    const committed = new Map(
      offsets!.topics[0]!.partitions.map(({ partitionIndex, committedOffset }) => [
        partitionIndex,
        committedOffset,
      ]),
    )
    ends.forEach((end, partition) => {
      if (end > 0n) expect(committed.get(partition)).toBe(end)
    })
    await admin.deleteGroups({ groups: [topic] })
    expect((await admin.listGroups({ types })).has(topic)).toBe(false)
    await admin.close()
  })

  it('commits a transaction and aborts another, of which nobody reads anything', async () => {
    const topic = topicOf(1)
    const producer = producerOf({ idempotent: true, transactionalId: randomUUID() })
    for (const [value, end] of [
      ['aborted', 'abort'],
      ['committed', 'commit'],
    ] as const) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: [{ topic, value }] })
      await transaction[end]()
    }
    await producer.close()
    const member = await join(topic, topic)
    await changed.until(() => member.read.length > 0)
    expect(member.read.map(({ value }) => value)).toEqual(['committed'])
    expect(kafka.records(topic).map(({ value }) => String(value))).toEqual(['aborted', 'committed'])
    await member.consumer.close(true)
  })
})

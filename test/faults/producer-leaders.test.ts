import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Kafka, type Producer } from '../../src/index.ts'
import type { ProducerConfig } from '../../src/producer/producer-options.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { changeAnswer, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { failureOf, gate } from '../support/promises.ts'
import type { ScriptedProducerCluster, Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

type Text = string | Uint8Array | null

const cleanUps: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of cleanUps.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(topic: string, options: Partial<ProducerConfig<Text, Text>> = {}, brokers = 3) {
  const kafka = await startKafka({
    brokers,
    topics: [{ name: topic, replicationFactor: Math.min(2, brokers) }],
  })
  cleanUps.push(kafka)
  const producer = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    retryBackoffMs: 10,
    reconnectBackoffMs: 10,
    reconnectBackoffMaxMs: 50,
  }).producer(options)
  cleanUps.push(producer)
  return { kafka, producer }
}

const valuesOf = (kafka: TestKafka, topic: string) => kafka.records(topic).map(({ value }) => String(value))

describe('a leader that moves', () => {
  test('is found by what its predecessor says, without a question for metadata (KIP-951)', async () => {
    const topic = `hint-${randomUUID()}`
    const { kafka, producer } = await start(topic)
    await producer.send({ topic, value: '0' })
    const asked = () => kafka.requests.all('Metadata').length
    const before = asked()
    for (let move = 1; move <= 5; move++) {
      kafka.moveLeader(topic, 0)
      // Several at a time: all are refused, and follow in order.
      const sent = [1, 2, 3].map((part) => producer.send({ topic, value: `${move}.${part}` }))
      await Promise.all(sent)
    }
    expect(valuesOf(kafka, topic)).toEqual([
      '0',
      ...[1, 2, 3, 4, 5].flatMap((move) => [1, 2, 3].map((part) => `${move}.${part}`)),
    ])
    expect(asked()).toBe(before)
  })

  test('to a broker that is new is found without a question too: the refusal tells its address', async () => {
    const topic = `new-broker-${randomUUID()}`
    const { kafka, producer } = await start(topic, {}, 1)
    await producer.send({ topic, value: 'a' })
    const before = kafka.requests.all('Metadata').length
    const id = await kafka.addBroker()
    kafka.moveLeader(topic, 0, id)
    await producer.send({ topic, value: 'b' })
    expect(valuesOf(kafka, topic)).toEqual(['a', 'b'])
    expect(kafka.requests.all('Metadata').length).toBe(before)
    expect(kafka.requests.all('Produce').at(-1)!.brokerId).toBe(id)
  })

  test('with acks 0 is asked for when the old one hangs up, which is all that it can say', async () => {
    const topic = `acks-0-${randomUUID()}`
    const { kafka, producer } = await start(topic, { acks: 0 })
    await producer.send({ topic, value: 'first' })
    await expect.poll(() => valuesOf(kafka, topic)).toEqual(['first'])
    kafka.moveLeader(topic, 0)
    await expect
      .poll(
        async () => {
          await producer.send({ topic, value: 'again' })
          return valuesOf(kafka, topic).length
        },
        { timeout: 5_000 },
      )
      .toBeGreaterThan(1)
  })
})

test('a partition without a leader is asked for again though the answer says that there is no such topic', async () => {
  await using kafka = await startKafka({ brokers: 2, topics: [{ name: 't', replicationFactor: 1 }] })
  const { leader } = kafka.cluster.topics.partition('t', 0)!
  await kafka.stopBroker(leader)
  await using producer = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    retryBackoffMs: 10,
  }).producer()
  expect(await producer.partitionsFor('t')).toMatchObject([{ leader: -1 }])
  const lagging = kafka.control(
    'Metadata',
    () =>
      changeAnswer((answer) => {
        const [topic] = answer.topics as { errorCode: number }[]
        topic!.errorCode = errorCodes.unknownTopicOrPartition
      }),
    { times: 1 },
  )
  const sent = producer.send({ topic: 't', value: 'a' })
  await expect.poll(() => lagging.count).toBe(1)
  await kafka.startBroker(leader)
  await expect(sent).resolves.toMatchObject({ offset: 0 })
})

test('a broker that is gone is not asked for any more when nothing waits for it', async () => {
  await using kafka = await startKafka({ brokers: 2, topics: [{ name: 't', replicationFactor: 1 }] })
  await using producer = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 5,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 5,
  }).producer({ deliveryTimeoutMs: 300, requestTimeoutMs: 200 })
  await producer.send({ topic: 't', value: 'a' })
  await kafka.stopBroker(kafka.cluster.topics.partition('t', 0)!.leader)
  const asked = () => kafka.requests.all('Metadata').length
  const before = asked()
  expect(await failureOf(producer.send({ topic: 't', value: 'b' }))).toMatchObject({
    code: 'DELIVERY_TIMEOUT',
  })
  const until = asked()
  expect(until - before).toBeGreaterThan(5)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(asked() - until).toBeLessThan(5)
})

describe('a broker that comes back', () => {
  test('at another address is found there, and what it was sent is in the log once', async () => {
    const topic = `moved-${randomUUID()}`
    const { kafka, producer } = await start(topic, {}, 2)
    const { leader } = kafka.cluster.topics.partition(topic, 0)!
    const address = () => kafka.cluster.brokers.get(leader)!.addressFor('default').port
    const before = address()
    await producer.send({ topic, value: '0' })
    for (let move = 1; move <= 3; move++) {
      const sent = [1, 2, 3].map((part) => producer.send({ topic, value: `${move}.${part}` }))
      await kafka.stopBroker(leader)
      await kafka.startBroker(leader, { newPorts: true })
      kafka.moveLeader(topic, 0, leader)
      await Promise.all(sent)
      await producer.send({ topic, value: `${move}.4` })
    }
    expect(address()).not.toBe(before)
    expect(valuesOf(kafka, topic)).toEqual([
      '0',
      ...[1, 2, 3].flatMap((move) => [1, 2, 3, 4].map((part) => `${move}.${part}`)),
    ])
  })

  test('as the only one there is finds what was sent meanwhile in its log, once', async () => {
    const topic = `same-${randomUUID()}`
    const { kafka, producer } = await start(topic, {}, 1)
    await producer.send({ topic, value: 'a' })
    await kafka.stopBroker(1)
    const sent = producer.send({ topic, value: 'b' })
    await kafka.startBroker(1)
    await sent
    expect(valuesOf(kafka, topic)).toEqual(['a', 'b'])
  })
})

describe('a topic that is made anew', () => {
  /** The other node tells of topics, also while this one holds its answers back. */
  const ledByTwo = { nodes: 2, topics: { t: { partitions: 1, leaders: [2] } } }

  test('gets all in order, though it takes a later batch before an earlier one is repeated', async () => {
    // Each record is a batch of its own.
    const { cluster, producer } = await startProducer({ batchSize: 0, lingerMs: 0 }, ledByTwo)
    await producer.send({ topic: 't', value: 'first' })
    const answered = gate()
    const refused = new Set<string>()
    cluster.onBatch = async ({ values: [value = ''] }): Promise<Verdict> => {
      if (value === 'old') await answered.opened
      if (!['old', 'a'].includes(value) || refused.has(value)) return 'append'
      refused.add(value)
      return { error: value === 'old' ? errorCodes.unknownTopicId : errorCodes.unknownTopicOrPartition }
    }
    const old = producer.send({ topic: 't', value: 'old' })
    await cluster.received(2)
    const { sent: other } = await makeAnew(cluster, producer)
    const sent = ['a', 'b', 'c'].map((value) => producer.send({ topic: 't', partition: 0, value }))
    answered.open()
    await Promise.all([old, other, ...sent])
    expect(refused).toEqual(new Set(['old', 'a']))
    expect(cluster.log('t').values).toEqual(['old', 'a', 'b', 'c'])
  })

  test('is not led by what was said of the one before, whose epochs are higher', async () => {
    const { cluster, producer } = await startProducer({}, ledByTwo)
    await producer.send({ topic: 't', value: 'first' })
    const answered = gate()
    let isRefused = false
    cluster.onBatch = async ({ values }): Promise<Verdict> => {
      if (values[0] !== 'old' || isRefused) return 'append'
      isRefused = true
      await answered.opened
      return { error: errorCodes.notLeaderOrFollower, currentLeader: { leaderId: 1, leaderEpoch: 50 } }
    }
    const old = producer.send({ topic: 't', value: 'old' })
    await cluster.received(2)
    const { sent: other } = await makeAnew(cluster, producer)
    answered.open()
    await Promise.all([old, other])
    expect(isRefused).toBe(true)
    expect(cluster.batches.filter(({ partition }) => partition === 0).map(({ node }) => node)).toEqual([
      2, 2, 2,
    ])
  })

  /** The topic, anew with one partition more; a record for that one makes the producer ask, and learn of it. */
  async function makeAnew(
    cluster: ScriptedProducerCluster,
    producer: Producer,
  ): Promise<{ readonly sent: Promise<unknown> }> {
    cluster.createTopic('t', { partitions: 2, leaders: [2, 2] })
    const sent = producer.send({ topic: 't', partition: 1, value: 'other' })
    await vi.waitFor(async () => expect(await producer.partitionsFor('t')).toHaveLength(2))
    return { sent }
  }
})

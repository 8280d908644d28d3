import zlib from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { disconnect, failWith, startKafka } from '../../src/testing/index.ts'
import { failureOf, gate } from '../support/promises.ts'
import type { Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

const notEnoughReplicas = 19

/** Each record leaves in a batch of its own, as soon as it can. */
const single = { batchSize: 0, lingerMs: 0 }

/** Lets what was sent in this turn reach the socket. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a log that does not know the producer, and takes any sequence number from it', () => {
  test('of a new leader gets repeated batches one at a time: a second one would come before a first that is refused', async () => {
    const { cluster, producer } = await startProducer(single, { nodes: 2 })
    await producer.send({ topic: 't', value: 'first' })
    // Elected though it was not in sync (unclean.leader.election.enable).
    cluster.log('t').forgetProducers()
    cluster.lead('t', 0, 2)
    let isRefused = false
    cluster.onBatch = async ({ node, values }): Promise<Verdict> => {
      if (node === 1) await cluster.received(3)
      else if (values[0] === 'a' && !isRefused) {
        isRefused = true
        return { error: notEnoughReplicas }
      }
      return 'append'
    }
    const a = producer.send({ topic: 't', value: 'a' })
    await cluster.received(2)
    await Promise.all([a, producer.send({ topic: 't', value: 'b' })])
    expect(isRefused).toBe(true)
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b'])
  })

  test('of a new leader gets nothing before the old one has answered', async () => {
    const { cluster, producer } = await startProducer(
      { ...single, metadataMaxAgeMs: 0 },
      { nodes: 2, topics: { t: { partitions: 1, leaders: [2] } } },
    )
    await producer.send({ topic: 't', value: 'first' })
    const answered = gate()
    cluster.onBatch = async ({ node }): Promise<Verdict> => {
      if (node === 2) await answered.opened
      return 'append'
    }
    const a = producer.send({ topic: 't', value: 'a' })
    await cluster.received(2)
    cluster.log('t').forgetProducers()
    cluster.lead('t', 0, 1)
    await vi.waitFor(async () => expect(await producer.partitionsFor('t')).toMatchObject([{ leader: 1 }]))
    const b = producer.send({ topic: 't', value: 'b' })
    await turn()
    answered.open()
    await Promise.all([a, b])
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b'])
  })

  test('of a topic made anew, of which nothing was in flight, gets a first batch alone', async () => {
    const { cluster, producer } = await startProducer(single, {
      topics: { t: { partitions: 1 } },
    })
    await producer.send({ topic: 't', value: 'first' })
    cluster.createTopic('t', { partitions: 2 })
    // For this one the producer has to ask, and learns of the new topic.
    await producer.send({ topic: 't', partition: 1, value: 'other' })
    const answered = gate()
    let isRefused = false
    cluster.onBatch = async ({ values }): Promise<Verdict> => {
      if (values[0] !== 'a' || isRefused) return 'append'
      isRefused = true
      await answered.opened
      return { error: notEnoughReplicas }
    }
    const before = cluster.batches.length
    const a = producer.send({ topic: 't', partition: 0, value: 'a' })
    await cluster.received(before + 1)
    const b = producer.send({ topic: 't', partition: 0, value: 'b' })
    await turn()
    answered.open()
    await Promise.all([a, b])
    expect(isRefused).toBe(true)
    expect(cluster.log('t').values).toEqual(['a', 'b'])
  })
})

test('a request goes to the topics that were there when its batches were taken, though one is made anew while it is compressed', async () => {
  // The other broker tells of topics, also while the leader holds its answers back.
  await using kafka = await startKafka({ brokers: 2 })
  const leader = kafka.brokerIds[1]!
  const [bootstrapServers] = kafka.bootstrapServers.split(',')
  const client = new Kafka({ bootstrapServers: bootstrapServers!, retryBackoffMs: 5 })
  await using admin = client.admin()
  await using producer = client.producer({ compressionType: 'gzip', batchSize: 0 })
  await admin.createTopics([{ name: 't', replicasAssignments: { 0: [leader] } }])
  await producer.send({ topic: 't', value: 'first' })
  const arrived = gate()
  const held = gate()
  kafka.control(
    'Produce',
    async () => {
      arrived.open()
      await held.opened
      return undefined
    },
    { times: 1 },
  )
  const before = producer.send({ topic: 't', partition: 0, value: 'before' })
  await arrived.opened

  const { gzip } = zlib
  const compressing = gate()
  const compressed = gate()
  vi.spyOn(zlib, 'gzip').mockImplementationOnce(((bytes, options, done) => {
    compressing.open()
    void compressed.opened.then(() => gzip(bytes as Buffer, options, done))
  }) as typeof gzip)
  const large = 'large'.padEnd(10_000, '.')
  const after = producer.send({ topic: 't', partition: 0, value: large })
  await compressing.opened
  await admin.deleteTopics(['t'])
  await admin.createTopics([{ name: 't', replicasAssignments: { 0: [leader], 1: [leader] } }])
  // For a partition that is not known the producer has to ask, and learns of the new topic.
  const other = producer.send({ topic: 't', partition: 1, value: 'other' })
  await vi.waitFor(async () => expect(await producer.partitionsFor('t')).toHaveLength(2))
  compressed.open()
  // It has to be written before the earlier one comes back, to be able to overtake it.
  const sentTotal = async () =>
    (await producer.metrics()).find(({ name }) => name === 'record-send-total')?.value
  await expect.poll(sentTotal).toBeGreaterThan(2)
  held.open()
  await Promise.all([before, after, other])
  const values = kafka
    .records('t')
    .flatMap(({ partition, value }) => (partition === 0 ? [String(value)] : []))
  expect(values.map((value) => value.slice(0, 6))).toEqual(['before', 'large.'])
})

test('what follows a batch that has failed begins a new epoch: before Kafka 2.5 a broker takes no gap from a producer that it does not know, and could not be asked twice', async () => {
  const topic = 'gap'
  await using kafka = await startKafka({ version: '2.1', topics: [topic] })
  await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers, retryBackoffMs: 5 }).producer()
  let requests = 0
  kafka.control('Produce', () => {
    requests++
    if (requests === 1) return failWith('TOPIC_AUTHORIZATION_FAILED')
    // Whether it was written nobody knows then: UNKNOWN_PRODUCER_ID would be the end of it.
    return requests === 2 ? disconnect('before') : []
  })
  expect(await failureOf(producer.send({ topic, value: 'a' }))).toMatchObject({ persisted: 'no' })
  await producer.send({ topic, value: 'b' })
  expect(requests).toBe(3)
  expect(kafka.records(topic).map(({ value }) => String(value))).toEqual(['b'])
})

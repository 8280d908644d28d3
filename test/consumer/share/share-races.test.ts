import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ShareConsumer } from '../../../src/consumer/share/share-consumer.ts'
import type { ShareConsumerOptions } from '../../../src/consumer/share/share-consumer-options.ts'
import type { AcknowledgementResult } from '../../../src/consumer/share/share-types.ts'
import { Kafka } from '../../../src/kafka.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'
import { json } from '../../../src/serializers.ts'
import { changeAnswer, delay, failWith, type TestKafka } from '../../../src/testing/index.ts'
import { beginEarliest, startShareKafka, workers, writeJobs } from '../../support/share-kafka.ts'

const explicit = { shareAcknowledgementMode: 'explicit' } as const

describe('A share consumer whose calls cross what goes on in the background', () => {
  let kafka: TestKafka
  let told: AcknowledgementResult[]
  let troubles: KafkaError[]

  beforeEach(async () => {
    kafka = await startShareKafka({ brokers: 2, topics: [{ name: 'jobs', replicationFactor: 2 }] })
    beginEarliest(kafka, 'workers')
    told = []
    troubles = []
  })

  afterEach(() => kafka.close())

  function consumerOf(options: Partial<ShareConsumerOptions<Buffer | null, string>> = {}) {
    return new Kafka({ bootstrapServers: kafka.bootstrapServers, retryBackoffMs: 20 }).shareConsumer({
      ...workers,
      onAcknowledgementCommit: (result) => told.push(result),
      onError: (error) => troubles.push(error),
      ...options,
    })
  }

  async function one(consumer: ShareConsumer<Buffer | null, string>) {
    const records = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    expect(records).toHaveLength(1)
    return records[0]!
  }

  function slowGoodbye(delayMs: number) {
    return kafka.control('ShareGroupHeartbeat', ({ body }) =>
      body.memberEpoch === -1 ? delay(delayMs) : undefined,
    )
  }

  it('joins again for an ask that comes while it is leaving the group for being late', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf({ maxPollIntervalMs: 200 })
    await one(consumer)
    const goodbye = slowGoodbye(500)
    await expect.poll(() => goodbye.count, { timeout: 5000 }).toBe(1)
    const next = consumer.poll({ timeoutMs: 5000 })
    await writeJobs(kafka, ['b'])
    expect((await next).map(({ value }) => value)).toEqual(['b'])
  })

  it('does not take it for a fault of its own when it is closed while it is leaving', async () => {
    await writeJobs(kafka, ['a'])
    const consumer = consumerOf({ maxPollIntervalMs: 200 })
    await one(consumer)
    const goodbye = slowGoodbye(300)
    await expect.poll(() => goodbye.count, { timeout: 5000 }).toBe(1)
    await consumer.close()
    expect(troubles.map(({ code }) => code)).toEqual(['MAX_POLL_INTERVAL_EXCEEDED'])
  })

  it('hands out nothing of topics that it is no longer subscribed to, and releases that at once', async () => {
    kafka.createTopics(['other'])
    await writeJobs(kafka, ['a', 'b'])
    await writeJobs(kafka, ['c'], { topic: 'other' })
    await using consumer = consumerOf()
    expect((await one(consumer)).value).toBe('a')
    consumer.subscribe(['other'])
    expect((await one(consumer)).value).toBe('c')
    await using heir = consumerOf()
    // Its lock would last for 30 seconds.
    expect((await one(heir)).value).toBe('b')
  })

  it('releases what comes of a topic that is no longer subscribed to', async () => {
    kafka.createTopics(['other'])
    await using consumer = consumerOf({ fetchMaxWaitMs: 3000 })
    const fetches = () => [...kafka.requests].filter(({ api }) => api === 'ShareFetch').length
    await expect.poll(() => consumer.poll().then(fetches), { timeout: 5000 }).toBe(1)
    consumer.subscribe(['other'])
    await writeJobs(kafka, ['a'])
    await writeJobs(kafka, ['c'], { topic: 'other' })
    expect((await one(consumer)).value).toBe('c')
    await using heir = consumerOf()
    expect((await one(heir)).value).toBe('a')
  })

  it('keeps what a new subscription brings while the old one is being ended', async () => {
    await writeJobs(kafka, ['a', 'b'])
    await using consumer = consumerOf(explicit)
    consumer.acknowledge(await one(consumer))
    slowGoodbye(300)
    const leaving = consumer.unsubscribe()
    consumer.subscribe(['jobs'])
    const record = await one(consumer)
    await leaving
    consumer.acknowledge(record)
    expect(await consumer.commit()).toMatchObject([{ offsets: [1], error: null }])
  })

  it('ends unsubscribe() with the reason of its signal, and reads on after that', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf()
    await one(consumer)
    await consumer.commit()
    const slow = kafka.control('ShareAcknowledge', () => delay(300), { times: 1 })
    const stop = new AbortController()
    const leaving = consumer.unsubscribe({ signal: stop.signal })
    await expect.poll(() => slow.count).toBe(1)
    stop.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    consumer.subscribe(['jobs'])
    await writeJobs(kafka, ['b'])
    expect((await one(consumer)).value).toBe('b')
    expect(troubles.map(({ code }) => code)).not.toContain('CLIENT_FAULT')
  })

  it('sends what a loop has accepted also when the next turn throws', async () => {
    await writeJobs(kafka, ['a'])
    await writeJobs(kafka, ['broken'])
    kafka.control(
      'ShareFetch',
      () =>
        changeAnswer((answer) => {
          const [topic] = answer.responses as { partitions: { records: Uint8Array }[] }[]
          const partition = topic!.partitions[0]!
          const bytes = Buffer.from(partition.records)
          bytes[bytes.indexOf('broken')]! ^= 1
          partition.records = bytes
        }),
      { times: 1 },
    )
    await using consumer = consumerOf()
    const loop = consumer[Symbol.asyncIterator]()
    expect((await loop.next()).value?.value).toBe('a')
    await expect(loop.next()).rejects.toThrow('cannot be read')
    await expect
      .poll(() => told, { timeout: 5000 })
      .toEqual([{ topic: 'jobs', partition: 0, offsets: [0], error: null }])
  })

  it('gives up acknowledgements for a broker that is gone, and does not wait for them for ever', async () => {
    await writeJobs(kafka, ['a', 'b'])
    await using consumer = consumerOf(explicit)
    const [first, second] = await consumer.poll({ timeoutMs: 10_000 })
    await kafka.stopBroker(kafka.cluster.topics.partition('jobs', 0)!.leader)
    for (const record of [first!, second!]) {
      consumer.acknowledge(record)
      const [result] = await consumer.commit({ timeoutMs: 5000 })
      expect(result!.error?.code).not.toBe('API_TIMEOUT')
      expect(told.pop()).toEqual(result)
    }
    expect(await consumer.commit({ timeoutMs: 5000 })).toEqual([])
  })

  it('goes on with the other brokers, one at a time, while one of them is left alone for a while', async () => {
    kafka.createTopics([{ name: 'wide', numPartitions: 2, replicationFactor: 2 }])
    const leader = (partition: number) => kafka.cluster.topics.partition('wide', partition)!.leader
    if (leader(0) === leader(1)) kafka.moveLeader('wide', 0)
    kafka.control('ShareFetch', () => failWith('SHARE_SESSION_LIMIT_REACHED'), { brokerId: leader(0) })
    await writeJobs(kafka, ['a', 'b', 'c'], { topic: 'wide', partition: 1 })
    await using consumer = new Kafka({
      bootstrapServers: kafka.bootstrapServers,
      retryBackoffMs: 60_000,
      retryBackoffMaxMs: 60_000,
    }).shareConsumer({
      ...workers,
      topics: ['wide'],
      shareAcquireMode: 'record_limit',
      maxPollRecords: 1,
    })
    const seen = []
    for (let i = 0; i < 3; i++) seen.push((await one(consumer)).value)
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('looks up topics that are subscribed to while it looks up others', async () => {
    const slow = kafka.control(
      'Metadata',
      ({ body }) =>
        (body.topics as { name: string }[] | null)?.some(({ name }) => name === 'jobs')
          ? delay(300)
          : undefined,
      { times: 1 },
    )
    await using consumer = consumerOf()
    await consumer.poll()
    await expect.poll(() => slow.count).toBe(1)
    consumer.subscribe(['made-later'])
    await consumer.poll()
    await expect.poll(() => kafka.cluster.topics.get('made-later'), { timeout: 5000 }).not.toBeUndefined()
  })

  it('hands out a partition that an answer has twice once', async () => {
    await writeJobs(kafka, ['a'])
    kafka.control(
      'ShareFetch',
      () =>
        changeAnswer((answer) => {
          const [topic] = answer.responses as { partitions: unknown[] }[]
          topic?.partitions.push(topic.partitions[0])
        }),
      { times: 1 },
    )
    await using consumer = consumerOf()
    await expect.poll(() => consumer.poll(), { timeout: 5000 }).toHaveLength(1)
    expect(await consumer.poll({ timeoutMs: 200 })).toEqual([])
  })

  it('releases what a deserializer has thrown for in a copy, or in a record with another key', async () => {
    await writeJobs(kafka, ['{', '['])
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const
    await using consumer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).shareConsumer({
      ...workers,
      valueDeserializer: json(schema),
    })
    const [first, second] = await consumer.poll({ timeoutMs: 10_000 })
    expect(() => first!.copy().value).toThrow('jobs-0 at offset 0: the value cannot be deserialized')
    expect(() => second!.with({ key: null }).value).toThrow('at offset 1: the value cannot be deserialized')
    const again = await consumer.poll({ timeoutMs: 10_000 })
    expect(again.map(({ offset, deliveryCount }) => [offset, deliveryCount])).toEqual([
      [0, 2],
      [1, 2],
    ])
  })
})

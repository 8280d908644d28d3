import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { SerializationError } from '../../src/errors.ts'
import { Producer } from '../../src/producer/producer.ts'
import type { ProducerConfig } from '../../src/producer/producer-options.ts'
import type { ProducerRecord } from '../../src/producer/producer-record.ts'
import { json, string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { kafkaTools, kcatPath, runKafkaTool, runKcat, startJavaConsumer } from '../support/interop/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { failureOf } from '../support/promises.ts'
import { javaIsAvailable } from '../support/real-kafka/availability.ts'
import { vectors } from '../support/vectors.ts'

type Text = string | Uint8Array | null

interface KcatRecord {
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly key: string | null
  readonly payload: string | null
  readonly headers?: readonly (string | null)[]
}

const withJava = javaIsAvailable()
const withKcat = (await kcatPath()) !== null

describeAnyKafka('Producer', (kafka) => {
  let writer: TopicWriter

  beforeAll(() => {
    writer = new TopicWriter(kafka.bootstrapServers)
  })

  afterAll(async () => {
    await writer[Symbol.asyncDispose]()
  })

  async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const topic = `producer-${randomUUID()}`
    await writer.createTopic(topic, partitions, configs)
    return topic
  }

  function newProducer<K = Text, V = Text>(options: Partial<ProducerConfig<K, V>> = {}): Producer<K, V> {
    return new Producer<K, V>({ bootstrapServers: kafka.bootstrapServers, ...options })
  }

  /** All of a topic, partition by partition in order, as librdkafka reads it. */
  async function read(topic: string): Promise<KcatRecord[]> {
    const { stdout, stderr, code } = await runKcat(
      ['-b', kafka.bootstrapServers, '-C', '-t', topic, '-e', '-q', '-J', '-X', 'check.crcs=true'],
      { timeoutMs: 30_000 },
    )
    expect(code, stderr).toBe(0)
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as KcatRecord)
      .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  test('send, sendMany and produce tell where their records are', async () => {
    const topic = await newTopic()
    await using producer = newProducer()
    const timestamp = Date.now() - 5_000
    await expect(producer.send({ topic, value: 'a', timestamp })).resolves.toEqual({
      topic,
      partition: 0,
      offset: 0,
      timestamp,
    })
    await expect(producer.sendMany(['b', 'c'].map((value) => ({ topic, value })))).resolves.toEqual([
      { topic, partition: 0, baseOffset: 1, count: 2 },
    ])
    const told: unknown[] = []
    producer.produce({ topic, value: 'd' }, (error, metadata) => told.push(error ?? metadata?.offset))
    producer.produce({ topic, value: 'e' })
    await producer.flush()
    expect(told).toEqual([3])
    expect(producer.bufferedBytes).toBe(0)
  })

  test("with LogAppendTime the timestamp is the broker's", async () => {
    const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
    await using producer = newProducer()
    const before = Date.now() - 1_000
    const { timestamp } = await producer.send({ topic, value: 'a', timestamp: 1_000 })
    expect(timestamp).toBeGreaterThan(before)
  })

  test.each([0, 1, -1, 'all'] as const)('acks %s', async (acks) => {
    const topic = await newTopic()
    await using producer = newProducer({ acks })
    const results = await Promise.all(['a', 'b'].map((value) => producer.send({ topic, value })))
    expect(results.map(({ offset }) => offset)).toEqual(acks === 0 ? [-1, -1] : [0, 1])
    await expect.poll(() => newestOffset(topic)).toBe(2)
  })

  /** Of partition 0: the offset that its next record will have. */
  async function newestOffset(topic: string): Promise<number> {
    const { listOffsets } = await import('../../src/protocol/apis/list-offsets.ts')
    const { Deadline } = await import('../../src/deadline.ts')
    const { partitions } = await writer.cluster.metadata.topic(topic, new Deadline(10_000))
    const response = await writer.cluster.request(
      listOffsets,
      {
        replicaId: -1,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
      },
      { to: { node: partitions[0]!.leader }, deadline: new Deadline(10_000), maxVersion: 7 },
    )
    return Number(response.topics[0]!.partitions[0]!.offset)
  }

  test('thousands of records of many senders arrive once and in order', async () => {
    const topic = await newTopic(3)
    await using producer = newProducer({ bufferMemory: 200_000, batchSize: 4_000 })
    const offsets: number[][] = [[], [], []]
    const records = Array.from({ length: 9_000 }, (_, i) => ({ topic, partition: i % 3, value: `${i}` }))
    const sent = records.slice(0, 3_000).map(async (record) => {
      const { offset } = await producer.send(record)
      offsets[record.partition]![offset] = Number(record.value)
    })
    const many = producer.sendMany(records.slice(3_000, 6_000))
    for (const record of records.slice(6_000)) {
      if (!producer.produce(record)) await producer.drained()
    }
    await Promise.all([...sent, many, producer.flush()])
    for (const list of offsets) expect(list).toEqual([...list].sort((a, b) => a - b))
    expect((await many).reduce((sum, { count }) => sum + count, 0)).toBe(3_000)
    expect(producer.bufferedBytes).toBe(0)
  })

  test('a partition beyond those of the topic is an error that names them', async () => {
    const topic = await newTopic(2)
    await using producer = newProducer()
    expect(await failureOf(producer.send({ topic, partition: 2, value: 'a' }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `topic ${topic} has no partition 2: allowed are 0 to 1`,
    })
  })

  test('a topic that is not there is UNKNOWN_TOPIC_OR_PARTITION after maxBlockMs', async () => {
    await using producer = newProducer({ maxBlockMs: 400 })
    const topic = `missing-${randomUUID()}`
    const begun = performance.now()
    expect(await failureOf(producer.send({ topic, value: 'a' }))).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      topic,
    })
    expect(performance.now() - begun).toBeGreaterThan(390)
    await expect(producer.partitionsFor(topic, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  test('a topic name that cannot be is refused at once', async () => {
    await using producer = newProducer()
    expect(await failureOf(producer.send({ topic: 'no spaces', value: 'a' }))).toMatchObject({
      code: 'INVALID_TOPIC_EXCEPTION',
    })
  })

  test('batches larger than the topic takes are split, and each record knows its offset', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '3000' })
    await using producer = newProducer({ batchSize: 100_000, lingerMs: 50 })
    const values = Array.from({ length: 200 }, (_, i) => `${i}:`.padEnd(200, '.'))
    const results = await Promise.all(values.map((value) => producer.send({ topic, value })))
    expect(results.map(({ offset }) => offset)).toEqual(values.map((_, i) => i))
    expect(await newestOffset(topic)).toBe(200)
    expect(await failureOf(producer.send({ topic, value: 'x'.repeat(4_000) }))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      persisted: 'no',
    })
    await expect(producer.send({ topic, value: 'after' })).resolves.toMatchObject({ offset: 200 })
  })

  test('a record larger than maxRequestSize is refused before it is sent', async () => {
    const topic = await newTopic()
    await using producer = newProducer({ maxRequestSize: 1_000 })
    expect(await failureOf(producer.send({ topic, value: 'x'.repeat(1_000) }))).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringContaining('maxRequestSize or bufferMemory allows 1000'),
    })
  })

  test('round robin goes through the partitions in turn, a custom partitioner where it says', async () => {
    const topic = await newTopic(3)
    await using inTurn = newProducer({ partitioner: 'roundRobin' })
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => inTurn.send({ topic, key: 'same', value: `${i}` })),
    )
    expect(results.map(({ partition }) => partition)).toEqual([0, 1, 2, 0, 1, 2])
    const asked: unknown[] = []
    await using custom = newProducer({
      partitioner: (args) => {
        asked.push(args)
        return args.partitionCount - 1
      },
    })
    await expect(custom.send({ topic, key: 'k', value: 'v' })).resolves.toMatchObject({ partition: 2 })
    expect(asked).toEqual([{ topic, key: Buffer.from('k'), value: 'v', partitionCount: 3 }])
  })

  test('records without a key fill batches of one partition before the next', async () => {
    const topic = await newTopic(4)
    await using producer = newProducer({ batchSize: 2_000 })
    const results = await Promise.all(
      Array.from({ length: 400 }, (_, i) => producer.send({ topic, value: `${i}`.padEnd(100, '.') })),
    )
    const changes = results.filter(({ partition }, i) => i > 0 && partition !== results[i - 1]!.partition)
    expect(changes.length).toBeGreaterThan(3)
    expect(changes.length).toBeLessThan(30)
  })

  test('keys go to the partitions that Java chooses', async () => {
    const topic = await newTopic(7)
    await using producer = newProducer()
    const keys = vectors<{ key: string; java: number[] }>('partitioners').slice(0, 60)
    for (const { key, java } of keys) {
      const { partition } = await producer.send({ topic, key: Buffer.from(key, 'hex'), value: 'v' })
      expect(partition, key).toBe(java[6])
    }
  })

  describe.skipIf(!withKcat)('read back by librdkafka', () => {
    test.each(['none', 'gzip'] as const)(
      'keys, values, headers and timestamps are as sent, with compression %s',
      async (compressionType) => {
        const topic = await newTopic()
        await using producer = newProducer({ compressionType })
        const ts = Date.now() - 60_000
        await producer.sendMany([
          { topic, key: 'k1', value: 'v1', timestamp: ts, headers: { a: '1', b: ['2', null] } },
          { topic, key: null, value: 'null key', timestamp: ts + 1 },
          { topic, key: 'gone', value: null, timestamp: ts + 2 },
          { topic, key: '', value: '', timestamp: ts - 3 },
          { topic, key: 'k\u00e9\ud83d\ude00', value: 'x'.repeat(5_000), timestamp: ts },
          {
            topic,
            key: Buffer.from('b'),
            value: new Uint8Array([118]),
            timestamp: ts,
            headers: [
              { key: 'z', value: 'first' },
              { key: 'z', value: Buffer.from('second') },
            ],
          },
        ])
        const records = await read(topic)
        expect(records.map(({ key, payload, ts: at, headers }) => ({ key, payload, at, headers }))).toEqual([
          { key: 'k1', payload: 'v1', at: ts, headers: ['a', '1', 'b', '2', 'b', null] },
          { key: null, payload: 'null key', at: ts + 1 },
          { key: 'gone', payload: null, at: ts + 2 },
          { key: '', payload: '', at: ts - 3 },
          { key: 'k\u00e9\ud83d\ude00', payload: 'x'.repeat(5_000), at: ts },
          { key: 'b', payload: 'v', at: ts, headers: ['z', 'first', 'z', 'second'] },
        ])
      },
    )
  })

  describe.skipIf(!withJava)('beside Java', () => {
    test('a Java producer puts the same keys into the same partitions, and a Java consumer reads gzip', async () => {
      const [ours, theirs] = [await newTopic(5), await newTopic(5)]
      const keys = Array.from({ length: 40 }, (_, i) => `key-${i}-${'\u00e9'.repeat(i % 4)}`)
      await using producer = newProducer({ compressionType: 'gzip' })
      await producer.sendMany(
        keys.map((key) => ({ topic: ours, key, value: `of ${key}`, headers: { h: key } })),
      )
      const java = await runKafkaTool(
        kafkaTools.consoleProducer,
        [
          ...['--bootstrap-server', kafka.bootstrapServers, '--topic', theirs],
          ...['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=|'],
        ],
        { stdin: keys.map((key) => `${key}|of ${key}\n`).join(''), timeoutMs: 60_000 },
      )
      expect(java.code, java.stderr).toBe(0)
      await using consumer = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId: `producer-${randomUUID()}`,
        topics: [ours],
      })
      await consumer.waitUntil(({ records }) => records.length === keys.length)
      for (const { key, value, headers } of consumer.records) {
        expect(value).toBe(`of ${key}`)
        expect(headers).toEqual([{ key: 'h', value: key }])
      }
      await using other = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId: `producer-${randomUUID()}`,
        topics: [theirs],
      })
      await other.waitUntil(({ records }) => records.length === keys.length)
      const places = (records: typeof consumer.records) =>
        new Map(records.map(({ key, partition }) => [key, partition]))
      expect(places(consumer.records)).toEqual(places(other.records))
    })
  })

  describe('serializers', () => {
    const Order = z.object({ id: z.string(), amount: z.number().positive(), at: z.coerce.date().optional() })

    test('json(schema) types what may be sent, writes it as JSON, and refuses what the schema does', async () => {
      const topic = await newTopic()
      await using producer = newProducer({ keySerializer: string, valueSerializer: json(Order) })
      type Input = z.input<typeof Order>
      expectTypeOf(producer).toEqualTypeOf<Producer<string, Input>>()
      expectTypeOf<Parameters<typeof producer.send>[0]>().toEqualTypeOf<ProducerRecord<string, Input>>()
      await producer.send({ topic, key: 'k', value: { id: 'o1', amount: 5 } })
      await producer.send({ topic, key: 'k', value: null })
      const error = await failureOf(producer.send({ topic, key: 'k', value: { id: 'o2', amount: -1 } }))
      expect(error).toBeInstanceOf(SerializationError)
      expect(error).toMatchObject({ code: 'SERIALIZATION_FAILED', topic })
      expect((error as Error).message).toMatch(
        /^the value of a record for topic .*: not as the schema wants it: amount:/,
      )
      // @ts-expect-error the schema wants an id
      expect(() => producer.produce({ topic, value: { amount: 1 } })).toThrow(SerializationError)
      expect(await newestOffset(topic)).toBe(2)
      expect(producer.bufferedBytes).toBe(0)
    })

    test('a serializer is told the topic and whether it is the key, and its failures name which it was', async () => {
      const topic = await newTopic()
      const asked: unknown[] = []
      await using producer = newProducer<number, number>({
        keySerializer: {
          serialize: (value, context) => {
            asked.push([value, context])
            if (value < 0) throw new Error('below zero')
            return `${value}`
          },
        },
        valueSerializer: { serialize: (value) => Buffer.from([value]) },
      })
      await producer.send({ topic, key: 1, value: 2 })
      expect(asked).toEqual([[1, { topic, isKey: true }]])
      expect(await failureOf(producer.send({ topic, key: -1, value: 2 }))).toMatchObject({
        message: `the key of a record for topic ${topic}: below zero`,
        cause: new Error('below zero'),
      })
    })
  })
})

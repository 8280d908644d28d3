import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { ConsumerRecord } from '../../src/consumer/consumer-record.ts'
import { InvalidArgumentError, SerializationError } from '../../src/errors.ts'
import { json, string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `v${from + index}`)
}

/** Values of the next `count` records. */
async function take<V>(
  records: AsyncIterable<ConsumerRecord<unknown, V>>,
  count: number,
): Promise<(V | null)[]> {
  const values: (V | null)[] = []
  for await (const record of records) {
    values.push(record.value)
    if (values.length === count) break
  }
  return values
}

describeAnyKafka('Consumer', (kafka) => {
  function consumerOf<V = string>(options: Partial<ConsumerOptions<string, V>> = {}): Consumer<string, V> {
    return new Consumer<string, V>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string as never,
      ...options,
    })
  }

  async function topicWith(partitions: number, values: readonly string[]) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `consumer-${randomUUID()}`
    await writer.createTopic(topic, partitions)
    for (let partition = 0; partition < partitions; partition++) {
      if (values.length > 0) await writer.write(topic, partition, values)
    }
    return { topic, writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
  }

  it('reads all records of a partition in order, from the earliest on', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await t.writer.write(t.topic, 0, numbers(10, 1000))
    await using consumer = consumerOf({ maxPollRecords: 7 })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    expect(await take(consumer, 1000)).toEqual(numbers(0, 1000))
    expect(consumer.lag()).toEqual([
      {
        topic: t.topic,
        partition: 0,
        position: 1000,
        endOffset: 1000,
        lag: 0,
        committedOffset: null,
        committedLag: null,
      },
    ])
    expect(await consumer.position({ topic: t.topic, partition: 0 })).toBe(1000)
  })

  it('reads all partitions of an assignment', async () => {
    await using t = await topicWith(3, numbers(0, 50))
    await using consumer = consumerOf()
    consumer.assign([0, 1, 2].map((partition) => ({ topic: t.topic, partition })))
    const seen = new Map<number, (string | null)[]>()
    let count = 0
    for await (const batch of consumer.batches()) {
      const values = seen.get(batch.partition) ?? []
      for (const record of batch) values.push(record.value)
      seen.set(batch.partition, values)
      expect(batch.lastOffset - batch.firstOffset + 1).toBe(batch.length)
      expect(batch.highWatermark).toBe(50)
      count += batch.length
      if (count === 150) break
    }
    for (const partition of [0, 1, 2]) expect(seen.get(partition)).toEqual(numbers(0, 50))
  })

  it('waits for records that are written later', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    await using consumer = consumerOf({ autoOffsetReset: 'latest' })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    expect(await consumer.position({ topic: t.topic, partition: 0 })).toBe(3)
    const later = take(consumer, 2)
    await t.writer.write(t.topic, 0, ['later', 'still later'])
    expect(await later).toEqual(['later', 'still later'])
  })

  it('begins where assign says, in the middle of a batch too', async () => {
    await using t = await topicWith(1, numbers(0, 20))
    await using consumer = consumerOf()
    consumer.assign([{ topic: t.topic, partition: 0, offset: 13 }])
    expect(await take(consumer, 7)).toEqual(numbers(13, 20))
  })

  it('goes where seek says while records of the old place are in flight or fetched', async () => {
    await using t = await topicWith(1, numbers(0, 100))
    const partition = { topic: t.topic, partition: 0 }
    await using consumer = consumerOf({ maxPollRecords: 10 })
    consumer.assign([partition])
    const seen: (string | null)[] = []
    for await (const record of consumer) {
      seen.push(record.value)
      if (record.offset === 4 && seen.length === 5) consumer.seek({ ...partition, offset: 90 })
      if (record.offset === 99) break
    }
    expect(seen).toEqual([...numbers(0, 5), ...numbers(90, 100)])
    consumer.seekToBeginning()
    expect(await take(consumer, 2)).toEqual(['v0', 'v1'])
    consumer.seekToEnd([partition])
    expect(await consumer.position(partition)).toBe(100)
  })

  it('hands out nothing of a paused partition, and goes on with it after resume', async () => {
    await using t = await topicWith(2, numbers(0, 30))
    const [first, second] = [0, 1].map((partition) => ({ topic: t.topic, partition })) as [never, never]
    await using consumer = consumerOf({ maxPollRecords: 5 })
    consumer.assign([first, second])
    const before = await consumer.poll({ timeoutMs: 10_000, maxRecords: 5 })
    const paused = { topic: t.topic, partition: before[0]!.partition }
    consumer.pause([paused])
    expect(consumer.paused()).toEqual([paused])
    const others: (ConsumerRecord<string, string> | undefined)[] = []
    while (others.length < 30) others.push(...(await consumer.poll({ timeoutMs: 10_000 })))
    expect(new Set(others.map((record) => record?.partition))).toEqual(new Set([1 - paused.partition]))
    expect(await consumer.poll({ timeoutMs: 200 })).toEqual([])
    consumer.resume([paused])
    const rest: (string | null)[] = []
    while (rest.length < 25) {
      rest.push(...(await consumer.poll({ timeoutMs: 10_000 })).map(({ value }) => value))
    }
    expect(rest).toEqual(numbers(5, 30))
  })

  it('throws OFFSET_OUT_OF_RANGE with autoOffsetReset none, and reads on after a seek', async () => {
    await using t = await topicWith(1, numbers(0, 5))
    const partition = { topic: t.topic, partition: 0 }
    await using consumer = consumerOf({ autoOffsetReset: 'none' })
    consumer.assign([{ ...partition, offset: 77 }])
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      ...partition,
      message: expect.stringContaining('77'),
    })
    // As long as nobody does anything about it, it is told again.
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    consumer.seek({ ...partition, offset: 3 })
    expect(await take(consumer, 2)).toEqual(['v3', 'v4'])
  })

  it('goes to the earliest record when its position is out of range', async () => {
    await using t = await topicWith(1, numbers(0, 5))
    await using consumer = consumerOf()
    consumer.assign([{ topic: t.topic, partition: 0, offset: 77 }])
    expect(await take(consumer, 5)).toEqual(numbers(0, 5))
  })

  it('throws NO_OFFSET_FOR_PARTITION with autoOffsetReset none and nothing committed', async () => {
    await using t = await topicWith(1, numbers(0, 5))
    await using consumer = consumerOf({ autoOffsetReset: 'none', groupId: `g-${randomUUID()}` })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    const expected = { code: 'NO_OFFSET_FOR_PARTITION', topic: t.topic, partition: 0 }
    await expect(take(consumer, 1)).rejects.toMatchObject(expected)
    await expect(consumer.position({ topic: t.topic, partition: 0 })).rejects.toMatchObject(expected)
  })

  it('answers questions about offsets', async () => {
    await using t = await topicWith(2, [])
    const [first, second] = [0, 1].map((partition) => ({ topic: t.topic, partition })) as [
      { topic: string; partition: number },
      { topic: string; partition: number },
    ]
    await t.writer.write(t.topic, 0, [
      { timestamp: 1000n, value: 'a' },
      { timestamp: 2000n, value: 'b' },
      { timestamp: 3000n, value: 'c' },
    ])
    await using consumer = consumerOf()
    expect(await consumer.beginningOffsets([first, second])).toEqual([
      { ...first, offset: 0 },
      { ...second, offset: 0 },
    ])
    expect(await consumer.endOffsets([first, second])).toEqual([
      { ...first, offset: 3 },
      { ...second, offset: 0 },
    ])
    const times = await consumer.offsetsForTimes([
      { ...first, timestamp: 1500 },
      { ...second, timestamp: 1500 },
    ])
    expect(times).toMatchObject([
      { ...first, offset: 1, timestamp: 2000 },
      { ...second, offset: null, timestamp: null },
    ])
  })

  it('names the partitions that exist to who asks for another', async () => {
    await using t = await topicWith(2, [])
    await using consumer = consumerOf()
    const wrong = { topic: t.topic, partition: 5 }
    await expect(consumer.endOffsets([wrong])).rejects.toThrow(/no partition 5: allowed are 0 to 1/)
    consumer.assign([wrong])
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toBeInstanceOf(InvalidArgumentError)
  })

  it('tells the partitions of a topic, and soon that there is no such topic', async () => {
    await using t = await topicWith(3, [])
    await using consumer = consumerOf({ allowAutoCreateTopics: false })
    const infos = await consumer.partitionsFor(t.topic)
    expect(infos).toHaveLength(3)
    expect(infos[2]).toMatchObject({ topic: t.topic, partition: 2, leader: { port: expect.any(Number) } })
    const startedAt = performance.now()
    await expect(consumer.partitionsFor(`missing-${randomUUID()}`)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    const listed = await consumer.listTopics()
    expect(listed.find(({ topic }) => topic === t.topic)?.partitions).toHaveLength(3)
  })

  it('reads gzip batches', async () => {
    await using t = await topicWith(1, [])
    await t.writer.write(t.topic, 0, numbers(0, 500), { compression: 'gzip' })
    await using consumer = consumerOf({ maxPollRecords: 100 })
    consumer.assign([{ topic: t.topic, partition: 0, offset: 100 }])
    expect(await take(consumer, 400)).toEqual(numbers(100, 500))
  })

  it('gives keys, headers, nulls and timestamps as they were written', async () => {
    await using t = await topicWith(1, [])
    await t.writer.write(t.topic, 0, [
      {
        timestamp: 1234n,
        key: 'k',
        value: null,
        headers: [
          { key: 'h', value: 'one' },
          { key: 'h', value: 'two' },
          { key: 'empty', value: null },
        ],
      },
      { timestamp: 1235n, key: null, value: '' },
    ])
    await using consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
    })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    const [first, second] = await consumer.poll({ timeoutMs: 10_000 })
    expect(first).toMatchObject({
      topic: t.topic,
      partition: 0,
      offset: 0,
      timestamp: 1234,
      timestampType: 'CreateTime',
      key: Buffer.from('k'),
      value: null,
      serializedKeySize: 1,
      serializedValueSize: -1,
      headers: [
        { key: 'h', value: Buffer.from('one') },
        { key: 'h', value: Buffer.from('two') },
        { key: 'empty', value: null },
      ],
    })
    expect(first!.header('h')).toEqual(Buffer.from('two'))
    expect(first!.header('empty')).toBeNull()
    expect(first!.header('none')).toBeUndefined()
    expect(second).toMatchObject({ key: null, value: Buffer.alloc(0), timestamp: 1235, headers: [] })
    expect(first!.copy().toJSON()).toEqual(first!.toJSON())
  })

  it('yields a record that cannot be deserialized, and goes on behind it', async () => {
    await using t = await topicWith(1, ['{"n":1}', 'no json', '{"n":3}'])
    await using consumer = consumerOf({ valueDeserializer: json<{ n: number }>() })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    const seen: unknown[] = []
    for await (const record of consumer) {
      try {
        seen.push(record.value)
      } catch (error) {
        expect(error).toBeInstanceOf(SerializationError)
        expect(error).toMatchObject({
          topic: t.topic,
          partition: 0,
          message: expect.stringContaining('offset 1'),
        })
        seen.push('poison')
      }
      if (seen.length === 3) break
    }
    expect(seen).toEqual([{ n: 1 }, 'poison', { n: 3 }])
  })

  it('reads a record that is larger than maxPartitionFetchBytes', async () => {
    await using t = await topicWith(1, ['x'.repeat(50_000), 'small'])
    await using consumer = consumerOf({
      maxPartitionFetchBytes: 1000,
      fetchMaxBytes: 1000,
      fetchBufferBytes: 1000,
    })
    consumer.assign([{ topic: t.topic, partition: 0 }])
    expect((await take(consumer, 2)).map((value) => value?.length)).toEqual([50_000, 5])
  })

  it('ends loops and polls when it is closed', async () => {
    await using t = await topicWith(1, [])
    const partition = { topic: t.topic, partition: 0 }
    const looping = consumerOf()
    looping.assign([partition])
    const loop = (async () => {
      for await (const record of looping) return record
      return 'ended'
    })()
    await looping.position(partition)
    await looping.close()
    expect(await loop).toBe('ended')
    const polling = consumerOf()
    polling.assign([partition])
    const poll = polling.poll({ timeoutMs: 60_000 })
    await polling.close()
    expect(await poll).toEqual([])
    await expect(polling.poll()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    expect(() => polling.assign([partition])).toThrow(/closed/)
    await polling.close()
  })

  it('ends a poll when its signal is aborted', async () => {
    await using t = await topicWith(1, [])
    await using consumer = consumerOf()
    consumer.assign([{ topic: t.topic, partition: 0 }])
    const reason = new Error('enough')
    const controller = new AbortController()
    const poll = consumer.poll({ timeoutMs: 60_000, signal: controller.signal })
    controller.abort(reason)
    await expect(poll).rejects.toBe(reason)
    await t.writer.write(t.topic, 0, ['after'])
    expect(await take(consumer, 1)).toEqual(['after'])
  })

  it('lets one reader wait at a time', async () => {
    await using t = await topicWith(1, [])
    await using consumer = consumerOf()
    consumer.assign([{ topic: t.topic, partition: 0 }])
    const waiting = consumer.poll({ timeoutMs: 60_000 })
    await expect(consumer.poll({ timeoutMs: 1000 })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await t.writer.write(t.topic, 0, ['one'])
    expect((await waiting).map(({ value }) => value)).toEqual(['one'])
  })

  it('leaves out aborted transactions and stops before open ones with read_committed, and only with that', async () => {
    await using t = await topicWith(1, ['before'])
    const transactionalId = `tx-${randomUUID()}`
    const partition = { topic: t.topic, partition: 0 }
    const aborted = await t.writer.initTransactions(transactionalId)
    await t.writer.write(t.topic, 0, ['aborted 1', 'aborted 2'], aborted, transactionalId)
    const open = await t.writer.initTransactions(transactionalId)
    await t.writer.write(t.topic, 0, ['between'])
    await t.writer.write(t.topic, 0, ['open'], open, transactionalId)
    await t.writer.write(t.topic, 0, ['after'])

    await using committed = consumerOf({ isolationLevel: 'read_committed' })
    committed.assign([partition])
    expect(await take(committed, 2)).toEqual(['before', 'between'])
    // Two aborted records and the end of their transaction stand between them.
    expect(committed.lag()).toMatchObject([{ position: 5, endOffset: 5, lag: 0 }])
    expect(await committed.endOffsets([partition])).toEqual([{ ...partition, offset: 5 }])
    expect(await committed.poll({ timeoutMs: 300 })).toEqual([])

    await using uncommitted = consumerOf()
    uncommitted.assign([partition])
    const all = ['before', 'aborted 1', 'aborted 2', 'between', 'open', 'after']
    expect(await take(uncommitted, 6)).toEqual(all)

    // The end of the open transaction lets the other go on.
    await t.writer.initTransactions(transactionalId)
    expect(await take(committed, 1)).toEqual(['after'])
  })
})

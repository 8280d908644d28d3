import { randomUUID } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { ConsumerRecord } from '../../src/consumer/consumer-record.ts'
import { Producer } from '../../src/producer/producer.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `v${from + index}`)
}

async function all<V>(records: AsyncIterable<ConsumerRecord<unknown, V>>): Promise<(V | null)[]> {
  const values: (V | null)[] = []
  for await (const { value } of records) values.push(value)
  return values
}

describeAnyKafka('Consumer.replay and streams', (kafka) => {
  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string,
      ...options,
    })
  }

  async function topicWith(partitions: number, values: readonly string[]) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `replay-${randomUUID()}`
    await writer.createTopic(topic, partitions)
    for (let partition = 0; partition < partitions; partition++) {
      if (values.length > 0) await writer.write(topic, partition, values)
    }
    return { topic, writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
  }

  it('gives exactly the range of offsets, and ends by itself', async () => {
    await using t = await topicWith(1, numbers(0, 100))
    await using consumer = consumerOf({ maxPollRecords: 7 })
    const replay = consumer.replay({ partitions: [{ topic: t.topic, partition: 0, from: 10, to: 55 }] })
    expect(replay.progress()).toEqual({ read: 0, total: 0 })
    expect(await all(replay)).toEqual(numbers(10, 55))
    expect(replay.progress()).toEqual({ read: 45, total: 45 })
    expect(() => replay[Symbol.asyncIterator]()).toThrow('this replay was read already')
  })

  it('reads all partitions of a topic up to the ends that it had when it began', async () => {
    await using t = await topicWith(3, numbers(0, 20))
    await using consumer = consumerOf({ maxPollRecords: 5 })
    const seen: string[] = []
    for await (const { partition, value } of consumer.replay({ topic: t.topic })) {
      if (seen.length === 0) await t.writer.write(t.topic, 0, ['too late'])
      seen.push(`${partition}-${value}`)
    }
    expect(seen.toSorted()).toEqual(
      [0, 1, 2].flatMap((one) => numbers(0, 20).map((value) => `${one}-${value}`)).toSorted(),
    )
  })

  it('goes by times', async () => {
    await using t = await topicWith(1, [])
    for (const second of [1, 2, 3, 4]) {
      await t.writer.write(t.topic, 0, [{ value: `at ${second}`, timestamp: BigInt(second * 1000) }])
    }
    await using consumer = consumerOf()
    const range = { topic: t.topic, from: new Date(1500), to: new Date(4000) }
    expect(await all(consumer.replay(range))).toEqual(['at 2', 'at 3'])
    const open = { topic: t.topic, from: new Date(3000), to: new Date(9000) }
    expect(await all(consumer.replay(open))).toEqual(['at 3', 'at 4'])
    expect(await all(consumer.replay({ topic: t.topic, from: new Date(9000) }))).toEqual([])
  })

  it('ends where the last offsets are of aborted records and markers', async () => {
    await using t = await topicWith(1, [])
    await using producer = new Producer({
      bootstrapServers: kafka.bootstrapServers,
      transactionalId: `tx-${randomUUID()}`,
    })
    await producer.transaction(async (transaction) => {
      await transaction.send({ topic: t.topic, value: 'committed' })
    })
    const failed = producer.transaction(async (transaction) => {
      await transaction.send({ topic: t.topic, value: 'aborted' })
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await using committed = consumerOf({ isolationLevel: 'read_committed' })
    await expect
      .poll(async () => (await committed.endOffsets([{ topic: t.topic, partition: 0 }]))[0]!.offset)
      .toBe(4)
    const replay = committed.replay({ topic: t.topic })
    expect(await all(replay)).toEqual(['committed'])
    expect(replay.progress()).toEqual({ read: 4, total: 4 })
    await using uncommitted = consumerOf()
    expect(await all(uncommitted.replay({ topic: t.topic }))).toEqual(['committed', 'aborted'])
  })

  it('changes nothing for the consumer that it was asked of, and commits nothing', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const groupId = `group-${randomUUID()}`
    await using consumer = consumerOf({ groupId, topics: [t.topic], maxPollRecords: 2 })
    const first = await consumer.poll({ timeoutMs: 20_000 })
    expect(first.map(({ value }) => value)).toEqual(['v0', 'v1'])
    expect(await all(consumer.replay({ topic: t.topic }))).toEqual(numbers(0, 10))
    const next = await consumer.poll({ timeoutMs: 20_000 })
    expect(next.map(({ value }) => value)).toEqual(['v2', 'v3'])
    const [committed] = await consumer.committed([{ topic: t.topic, partition: 0 }])
    expect(committed!.offset).toBe(null)
  })

  it('can be left early', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf()
    const replay = consumer.replay({ topic: t.topic })
    for await (const { value } of replay) if (value === 'v3') break
    expect(replay.progress()).toEqual({ read: 4, total: 10 })
  })

  it('refuses what is no range, and ends with its signal', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    await using consumer = consumerOf()
    const one = { topic: t.topic, partition: 0 }
    await expect(all(consumer.replay({}))).rejects.toThrow('either a topic or partitions')
    await expect(all(consumer.replay({ partitions: [one, one] }))).rejects.toThrow('given twice')
    await expect(all(consumer.replay({ topic: t.topic, from: -5 }))).rejects.toThrow(
      'must be a safe integer, at least 0',
    )
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(all(consumer.replay({ topic: t.topic, signal }))).rejects.toBe(reason)
  })

  it('is a Readable that reads on only when it is asked, and ends with the consumer', async () => {
    await using t = await topicWith(1, numbers(0, 5))
    const groupId = `group-${randomUUID()}`
    await using consumer = consumerOf({ groupId, topics: [t.topic] })
    const values: string[] = []
    await pipeline(consumer.readable(), async (records: AsyncIterable<ConsumerRecord<string, string>>) => {
      for await (const { value } of records) {
        values.push(value!)
        if (values.length === 3) void consumer.close()
      }
    })
    expect(values.slice(0, 3)).toEqual(['v0', 'v1', 'v2'])
    expect(values.length).toBeLessThanOrEqual(4)
    await using reader = consumerOf({ groupId })
    const [committed] = await reader.committed([{ topic: t.topic, partition: 0 }])
    expect(committed!.offset).toBeLessThanOrEqual(values.length)
  })

  it('is a ReadableStream that reads on only when it is asked', async () => {
    await using t = await topicWith(1, numbers(0, 5))
    const groupId = `group-${randomUUID()}`
    await using consumer = consumerOf({ groupId, topics: [t.topic] })
    const reader = consumer.readableStream().getReader()
    for (const value of ['v0', 'v1', 'v2']) expect((await reader.read()).value?.value).toBe(value)
    await reader.cancel()
    await consumer.close()
    await using after = consumerOf({ groupId })
    const [committed] = await after.committed([{ topic: t.topic, partition: 0 }])
    // The third was in hand when it was left.
    expect(committed!.offset).toBe(2)
  })
})

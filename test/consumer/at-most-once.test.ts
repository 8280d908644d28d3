import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { type ConsumerOptions, parseConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { delay, failWith, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { failureOf, gate } from '../support/promises.ts'

const partition = { topic: 'orders', partition: 0 }

describe('a consumer with atMostOnce', () => {
  let kafka: TestKafka
  let writer: TopicWriter
  let troubles: KafkaError[]

  beforeEach(async () => {
    kafka = await startKafka({ topics: ['orders'] })
    writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a', 'b', 'c', 'd', 'e', 'f'])
    troubles = []
  })

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      groupId: 'billing',
      topics: ['orders'],
      valueDeserializer: string,
      fetchMaxWaitMs: 50,
      maxPollRecords: 4,
      atMostOnce: true,
      onError: (error) => troubles.push(error),
      ...options,
    })
  }

  async function committed(): Promise<number | null> {
    await using reader = new Consumer({ bootstrapServers: kafka.bootstrapServers, groupId: 'billing' })
    return (await reader.committed([partition]))[0]!.offset
  }

  const offsets = (records: readonly { offset: number }[]) => records.map(({ offset }) => offset)

  it('has committed what poll gives when it gives it', async () => {
    await using consumer = consumerOf()
    expect(offsets(await consumer.poll({ timeoutMs: 10_000, maxRecords: 2 }))).toEqual([0, 1])
    expect(await committed()).toBe(2)
    expect(offsets(await consumer.poll({ timeoutMs: 10_000 }))).toEqual([2, 3, 4, 5])
    expect(await committed()).toBe(6)
    expect(kafka.requests.all('OffsetCommit')).toHaveLength(2)
  })

  it('commits a whole chunk before a loop gets its first record, and gives back on close what it did not get', async () => {
    await using consumer = consumerOf()
    const seen: number[] = []
    for await (const { offset } of consumer) {
      seen.push(offset)
      if (offset === 0) expect(await committed()).toBe(4)
      if (offset === 1) break
    }
    for await (const { offset } of consumer) {
      seen.push(offset)
      if (offset === 2) break
    }
    expect(seen).toEqual([0, 1, 2])
    expect(await committed()).toBe(4)
    expect(kafka.requests.all('OffsetCommit')).toHaveLength(1)
    await consumer.close()
    expect(await committed()).toBe(3)
  })

  it('has each batch committed before it is there', async () => {
    await using consumer = consumerOf({ maxPollRecords: 3 })
    const ends: (number | null)[] = []
    for await (const batch of consumer.batches()) {
      ends.push(batch.lastOffset + 1, await committed())
      if (batch.lastOffset === 5) break
    }
    expect(ends).toEqual([3, 3, 6, 6])
  })

  it('goes through poll and loop in turns without a record that is not committed', async () => {
    await using consumer = consumerOf()
    const loop = consumer[Symbol.asyncIterator]()
    expect((await loop.next()).value?.offset).toBe(0)
    expect(offsets(await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 }))).toEqual([1])
    expect((await loop.next()).value?.offset).toBe(2)
    const commits = kafka.requests.all('OffsetCommit').map(({ body }) => {
      const [topic] = body.topics as { partitions: { committedOffset: bigint }[] }[]
      return topic!.partitions[0]!.committedOffset
    })
    expect(commits).toEqual([4n, 2n, 4n])
  })

  it('hands nothing out when the commit is refused, and the same records once it is taken', async () => {
    await using consumer = consumerOf()
    kafka.control('OffsetCommit', () => failWith('OFFSET_METADATA_TOO_LARGE'), { times: 1 })
    expect(await failureOf(consumer.poll({ timeoutMs: 10_000 }))).toMatchObject({
      code: 'OFFSET_METADATA_TOO_LARGE',
    })
    expect(await consumer.position(partition)).toBe(0)
    expect(offsets(await consumer.poll({ timeoutMs: 10_000 }))).toEqual([0, 1, 2, 3])
  })

  it('waits in a rebalance for no message that a seek has passed over', async () => {
    await using consumer = consumerOf({ heartbeatIntervalMs: 100 })
    const seen: number[] = []
    const running = consumer.run({
      eachMessage: ({ offset }) => {
        seen.push(offset)
        if (offset === 0) consumer.seek({ ...partition, offset: 5 })
      },
    })
    await expect.poll(() => seen).toEqual([0, 5])
    await using other = consumerOf({ heartbeatIntervalMs: 100 })
    const polled = other.poll({ timeoutMs: 5000 })
    await expect.poll(() => other.groupMetadata().generationId, { timeout: 5000 }).toBeGreaterThan(1)
    await Promise.all([consumer.close(), other.close()])
    await running
    await polled
  })

  it('handles what is committed and waits for its turn, also when the commit of what comes after is refused', async () => {
    await using consumer = consumerOf({ heartbeatIntervalMs: 100, maxPollRecords: 50 })
    const seen: number[] = []
    const failed = gate()
    const running = consumer.run({
      ordering: 'none',
      onError: 'retry',
      backoff: { initialMs: 500, maxMs: 500 },
      eachMessage: ({ offset }, { attempt }) => {
        if (offset === 0 && attempt === 1) {
          kafka.control('OffsetCommit', () => failWith('REBALANCE_IN_PROGRESS'), { times: 1 })
          failed.open()
          throw new Error('not yet')
        }
        seen.push(offset)
      },
    })
    await failed.opened
    await writer.write('orders', 0, ['g'])
    await expect.poll(() => seen.toSorted(), { timeout: 10_000 }).toEqual([0, 1, 2, 3, 4, 5, 6])
    await consumer.close()
    await running
  })

  it('has nothing in hand after a commit that failed: a rebalance does not wait for its next ask', async () => {
    await using consumer = consumerOf({ heartbeatIntervalMs: 100 })
    kafka.control('OffsetCommit', () => failWith('OFFSET_METADATA_TOO_LARGE'), { times: 1 })
    await failureOf(consumer.poll({ timeoutMs: 10_000 }))
    await using other = consumerOf({ heartbeatIntervalMs: 100 })
    const polled = other.poll({ timeoutMs: 2000 })
    await expect.poll(() => other.groupMetadata().generationId, { timeout: 10_000 }).toBeGreaterThan(1)
    await polled
  })

  it('goes on by itself after a rebalance that has refused the commit', async () => {
    await using consumer = consumerOf()
    kafka.control('OffsetCommit', () => failWith('ILLEGAL_GENERATION'), { times: 1 })
    expect(offsets(await consumer.poll({ timeoutMs: 20_000 }))).toEqual([0, 1, 2, 3])
    expect(troubles.map(({ code }) => code)).toContain('ILLEGAL_GENERATION')
    expect(await committed()).toBe(4)
  })

  it('ends with its signal while a commit is on its way, and hands those records out later', async () => {
    await using consumer = consumerOf()
    const aborter = new AbortController()
    kafka.control(
      'OffsetCommit',
      () => {
        setImmediate(() => aborter.abort(new Error('enough')))
        return delay(300)
      },
      { times: 1 },
    )
    const failure = await failureOf(consumer.poll({ timeoutMs: 10_000, signal: aborter.signal }))
    expect(failure).toMatchObject({ message: 'enough' })
    expect(offsets(await consumer.poll({ timeoutMs: 10_000 }))).toEqual([0, 1, 2, 3])
  })

  it('closes while a commit is on its way: nothing is handed out, and the next owner gets it all', async () => {
    await using consumer = consumerOf()
    const sent = kafka.requests.next(({ api }) => api === 'OffsetCommit')
    kafka.control('OffsetCommit', () => delay(200), { times: 1 })
    const polled = consumer.poll({ timeoutMs: 10_000 })
    await sent
    await consumer.close()
    expect(await polled).toEqual([])
    await using next = consumerOf()
    expect((await next.poll({ timeoutMs: 10_000 }))[0]?.offset).toBe(0)
  })

  it('does not hand out what a seek has left behind while the commit was on its way', async () => {
    await using consumer = consumerOf()
    const sent = kafka.requests.next(({ api }) => api === 'OffsetCommit')
    kafka.control('OffsetCommit', () => delay(200), { times: 1 })
    const polled = consumer.poll({ timeoutMs: 10_000 })
    await sent
    consumer.seek({ ...partition, offset: 5 })
    expect(offsets(await polled)).toEqual([5])
    expect(await committed()).toBe(6)
  })

  it('makes run commit first too', async () => {
    await using consumer = consumerOf()
    const ends: (number | null)[] = []
    const running = consumer.run({
      eachBatch: async ({ lastOffset }) => {
        ends.push(lastOffset + 1, await committed())
        if (lastOffset === 5) void consumer.stop()
      },
    })
    await running
    expect(ends).toEqual([4, 4, 6, 6])
  })

  it('is refused with what it does not go together with', () => {
    const parse = (options: object) => () =>
      parseConsumerOptions({ bootstrapServers: 'localhost:9092', atMostOnce: true, ...options })
    expect(parse({})).toThrow(/atMostOnce needs a groupId/)
    expect(parse({ groupId: 'g', enableAutoOffsetStore: false })).toThrow(/atMostOnce commits by itself/)
    expect(parse({ groupId: 'g' })).not.toThrow()
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { string } from '../../src/serializers.ts'
import {
  disconnect,
  failWith,
  type LoggedRequest,
  startKafka,
  type TestKafka,
} from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

interface FetchBody {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly topics: readonly { partitions: readonly { partition: number; fetchOffset: bigint }[] }[]
  readonly forgottenTopicsData: readonly { partitions: readonly number[] }[]
}

function bodyOf(request: LoggedRequest): FetchBody {
  return request.body as unknown as FetchBody
}

/** Partitions that a fetch names, with their offsets. */
function wantedBy(request: LoggedRequest): string[] {
  return bodyOf(request).topics.flatMap(({ partitions }) =>
    partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`),
  )
}

function forgottenBy(request: LoggedRequest): number[] {
  return bodyOf(request).forgottenTopicsData.flatMap(({ partitions }) => partitions)
}

describe('fetches of a consumer go by sessions:', () => {
  let kafka: TestKafka
  let writer: TopicWriter

  async function start(partitions: number, options: Parameters<typeof startKafka>[0] = {}): Promise<void> {
    kafka = await startKafka({ topics: [{ name: 'orders', numPartitions: partitions }], ...options })
    writer = new TopicWriter(kafka.bootstrapServers)
  }

  beforeEach(() => start(3))

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string,
      fetchMaxWaitMs: 20,
      retryBackoffMs: 5,
      ...options,
    })
  }

  function assign(consumer: Consumer<string, string>, ...partitions: number[]): void {
    consumer.assign(partitions.map((partition) => ({ topic: 'orders', partition, offset: 0 })))
  }

  /** Values of the next `count` records, by partition. */
  async function take(consumer: Consumer<string, string>, count: number): Promise<string[]> {
    const values: string[] = []
    while (values.length < count) {
      for (const one of await consumer.poll({ timeoutMs: 10_000 }))
        values.push(`${one.partition}:${one.value}`)
    }
    return values.sort()
  }

  const fetches = () => kafka.requests.all('Fetch')

  it('one that has read all says nothing of its partitions, and hears of new records all the same', async () => {
    await using consumer = consumerOf()
    assign(consumer, 0, 1, 2)
    await writer.write('orders', 0, ['a'])
    await take(consumer, 1)
    const [first] = fetches()
    expect(bodyOf(first!)).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
    expect(wantedBy(first!)).toEqual(['0@0', '1@0', '2@0'])
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    await kafka.requests.next((one) => one.api === 'Fetch' && wantedBy(one).length === 0)
    const quiet = await kafka.requests.next((one) => one.api === 'Fetch')
    expect(wantedBy(quiet)).toEqual([])
    expect(bodyOf(quiet).sessionId).toBeGreaterThan(0)
    expect(bodyOf(quiet).sessionEpoch).toBeGreaterThan(1)
    await writer.write('orders', 2, ['b'])
    expect((await waiting).map(({ value }) => value)).toEqual(['b'])
    // Only the one that moves is named.
    await consumer.poll({ timeoutMs: 50 })
    const later = fetches().slice(fetches().indexOf(quiet))
    expect(later.flatMap(wantedBy)).toEqual(['2@1'])
    expect(consumer.lag().map(({ endOffset }) => endOffset)).toEqual([1, 0, 1])
  })

  it('a partition that is paused is forgotten, and named again when it goes on', async () => {
    await using consumer = consumerOf()
    assign(consumer, 0, 1)
    await consumer.poll({ timeoutMs: 60 })
    consumer.pause([{ topic: 'orders', partition: 1 }])
    const forgetting = kafka.requests.next((one) => forgottenBy(one).length > 0)
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    expect(forgottenBy(await forgetting)).toEqual([1])
    await writer.write('orders', 1, ['b'])
    await kafka.requests.next((one) => one.api === 'Fetch')
    const named = kafka.requests.next((one) => one.api === 'Fetch' && wantedBy(one).length > 0)
    consumer.resume([{ topic: 'orders', partition: 1 }])
    expect((await waiting).map(({ value }) => value)).toEqual(['b'])
    expect(wantedBy(await named)).toEqual(['1@0'])
  })

  it('one that is full of unread records is forgotten, so that it holds up nobody', async () => {
    await using consumer = consumerOf({ maxPollRecords: 1, maxPartitionFetchBytes: 2000 })
    assign(consumer, 0, 1)
    for (let batch = 0; batch < 40; batch++) await writer.write('orders', 0, ['x'.repeat(1000)])
    const iterator = consumer[Symbol.asyncIterator]()
    await iterator.next()
    await expect.poll(() => fetches().flatMap(forgottenBy)).toContain(0)
    await writer.write('orders', 1, ['other'])
    let next = await iterator.next()
    while (next.value?.partition === 0) next = await iterator.next()
    expect(next.value?.value).toBe('other')
    // It is read to its end all the same, in order.
    let count = 0
    while (count < 30) {
      if ((await iterator.next()).value?.partition === 0) count++
    }
    await iterator.return()
  })

  it.each([
    'FETCH_SESSION_ID_NOT_FOUND',
    'INVALID_FETCH_SESSION_EPOCH',
    'FETCH_SESSION_TOPIC_ID_ERROR',
  ] as const)('%s begins another at once, and nobody is told', async (code) => {
    const errors: string[] = []
    await using consumer = consumerOf({ onError: (error) => errors.push(error.code), retryBackoffMs: 5000 })
    assign(consumer, 0, 1)
    await consumer.poll({ timeoutMs: 100 })
    kafka.control('Fetch', () => failWith(code), { times: 1 })
    const again = kafka.requests.next((one) => one.api === 'Fetch' && bodyOf(one).sessionEpoch === 0)
    const waiting = consumer.poll({ timeoutMs: 4000 })
    expect(wantedBy(await again)).toEqual(['0@0', '1@0'])
    await writer.write('orders', 1, ['a'])
    expect((await waiting).map(({ value }) => value)).toEqual(['a'])
    expect(errors).toEqual([])
  })

  it('a broker that refuses each beginning is asked with a pause between', async () => {
    const errors: string[] = []
    await using consumer = consumerOf({
      onError: (error) => errors.push(error.code),
      retryBackoffMs: 100,
      retryBackoffMaxMs: 100,
    })
    kafka.control('Fetch', () => failWith('FETCH_SESSION_ID_NOT_FOUND'))
    assign(consumer, 0)
    await consumer.poll({ timeoutMs: 400 })
    expect(errors).toEqual(['FETCH_SESSION_ID_NOT_FOUND'])
    expect(fetches().length).toBeLessThan(10)
  })

  it('a lost connection costs the session of that broker alone', async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
    await start(2, { brokers: 2 })
    kafka.moveLeader('orders', 0, 1)
    kafka.moveLeader('orders', 1, 2)
    await using consumer = consumerOf()
    assign(consumer, 0, 1)
    await consumer.poll({ timeoutMs: 100 })
    const opens = (brokerId: number) =>
      fetches().filter((one) => one.brokerId === brokerId && bodyOf(one).sessionEpoch === 0).length
    const before = [opens(1), opens(2)]
    kafka.control('Fetch', (request) => (request.brokerId === 1 ? disconnect() : undefined), { times: 1 })
    const again = kafka.requests.next((one) => one.brokerId === 1 && bodyOf(one).sessionEpoch === 0)
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    await again
    await writer.write('orders', 0, ['a'])
    expect((await waiting).map(({ value }) => value)).toEqual(['a'])
    expect([opens(1), opens(2)]).toEqual([before[0]! + 1, before[1]!])
  })

  it('a broker that is restarted knows of none, and another begins', async () => {
    await using consumer = consumerOf()
    assign(consumer, 0, 1, 2)
    await consumer.poll({ timeoutMs: 60 })
    await kafka.stopBroker(1)
    await kafka.startBroker(1)
    await writer.write('orders', 1, ['a'])
    expect(await take(consumer, 1)).toEqual(['1:a'])
  })

  it('an answer that was on its way at a seek does not take the high watermark with it', async () => {
    await writer.write('orders', 0, ['a', 'b', 'c'])
    await using consumer = consumerOf({ fetchMinBytes: 1_000_000, fetchMaxWaitMs: 100 })
    assign(consumer, 0)
    const asked = kafka.requests.next((one) => one.api === 'Fetch')
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    await asked
    consumer.seek({ topic: 'orders', partition: 0, offset: 1 })
    expect((await waiting).map(({ value }) => value)).toEqual(['b', 'c'])
    expect(consumer.lag()).toMatchObject([{ endOffset: 3, lag: 0 }])
  })

  it('partitions that are given up and taken back between two fetches know their end', async () => {
    await using consumer = consumerOf({ fetchMaxWaitMs: 200 })
    assign(consumer, 0, 1)
    await writer.write('orders', 0, ['a'])
    await take(consumer, 1)
    await consumer.poll({ timeoutMs: 250 })
    consumer.assign([])
    consumer.assign([0, 1].map((partition) => ({ topic: 'orders', partition, offset: 1 - partition })))
    await consumer.poll({ timeoutMs: 500 })
    expect(consumer.lag().map(({ endOffset }) => endOffset)).toEqual([1, 0])
  })

  it('a topic that was made anew is read under its new id', async () => {
    await using consumer = consumerOf({ groupId: 'sessions', topics: ['orders'] })
    await writer.write('orders', 0, ['a'])
    expect(await take(consumer, 1)).toEqual(['0:a'])
    kafka.cluster.topics.delete(kafka.cluster.topics.get('orders')!)
    kafka.createTopics([{ name: 'orders', numPartitions: 3 }])
    await writer.cluster.metadata.refresh(['orders'])
    await writer.write('orders', 1, ['b'])
    expect(await take(consumer, 1)).toEqual(['1:b'])
  })

  it('health knows the last fetch of partitions that answers leave out', async () => {
    await using consumer = consumerOf()
    assign(consumer, 0, 1)
    await consumer.poll({ timeoutMs: 100 })
    const before = (await consumer.health()).partitions.map(({ lastFetch }) => lastFetch!.getTime())
    await consumer.poll({ timeoutMs: 100 })
    const { partitions } = await consumer.health()
    for (const [at, { lastFetch, waitsFor }] of partitions.entries()) {
      expect(lastFetch!.getTime()).toBeGreaterThan(before[at]!)
      expect(waitsFor).toBe('caughtUp')
    }
  })

  it('close() tells the broker that the session is over', async () => {
    const consumer = consumerOf({ fetchMaxWaitMs: 60_000 })
    assign(consumer, 0, 1)
    const open = kafka.requests.next((one) => one.api === 'Fetch' && bodyOf(one).sessionEpoch === 1)
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    await writer.write('orders', 0, ['a'])
    await waiting
    const { sessionId } = bodyOf(await open)
    const last = kafka.requests.next((one) => one.api === 'Fetch')
    await consumer.close()
    expect(bodyOf(await last)).toMatchObject({ sessionId, sessionEpoch: -1 })
  })

  it('with a broker that knows no topic ids it is by names', async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
    await start(2, { version: '2.1' })
    await using consumer = consumerOf()
    assign(consumer, 0, 1)
    await writer.write('orders', 1, ['a'])
    expect(await take(consumer, 1)).toEqual(['1:a'])
    const waiting = consumer.poll({ timeoutMs: 10_000 })
    await kafka.requests.next((one) => one.api === 'Fetch' && bodyOf(one).sessionEpoch > 2)
    await writer.write('orders', 0, ['b'])
    expect((await waiting).map(({ value }) => value)).toEqual(['b'])
    for (const one of fetches()) expect(one.version).toBeLessThan(13)
  })
})

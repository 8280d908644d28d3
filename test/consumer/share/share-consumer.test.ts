import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ShareConsumer } from '../../../src/consumer/share/share-consumer.ts'
import type { ShareConsumerOptions } from '../../../src/consumer/share/share-consumer-options.ts'
import type { AcknowledgementResult } from '../../../src/consumer/share/share-types.ts'
import { Kafka } from '../../../src/kafka.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'
import { json, string } from '../../../src/serializers.ts'
import type { TestKafka } from '../../../src/testing/index.ts'
import { beginEarliest, startShareKafka, workers, writeJobs } from '../../support/share-kafka.ts'
import { watchTimers } from '../../support/timers.ts'

describe('A share consumer', () => {
  let kafka: TestKafka
  let told: AcknowledgementResult[]
  let troubles: KafkaError[]

  beforeEach(async () => {
    kafka = await startShareKafka()
    beginEarliest(kafka, 'workers')
    told = []
    troubles = []
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    await kafka.close()
  })

  function consumerOf(options: Partial<ShareConsumerOptions<Buffer | null, string>> = {}) {
    return new Kafka({ bootstrapServers: kafka.bootstrapServers }).shareConsumer({
      ...workers,
      onAcknowledgementCommit: (result) => told.push(result),
      onError: (error) => troubles.push(error),
      ...options,
    })
  }

  const explicit = { shareAcknowledgementMode: 'explicit' } as const

  it('names what is wrong with an option', () => {
    const make = (options: object) => () =>
      new ShareConsumer({ bootstrapServers: 'localhost:9092', ...options } as never)
    expect(make({})).toThrow('share consumer options: groupId is missing; allowed: a string')
    expect(make({ groupId: 'g', shareAcknowledgementMode: 'auto' })).toThrow(
      'shareAcknowledgementMode is "auto"; allowed: "implicit", "explicit"',
    )
    expect(make({ groupId: 'g', isolationLevel: 'read_committed' })).toThrow(
      'isolationLevel is not an option',
    )
    expect(make({ groupId: 'g', topics: [] })).toThrow('topics must be an array with a name at least')
  })

  it('refuses calls that cannot be served', async () => {
    await using consumer = consumerOf({ topics: undefined })
    await expect(consumer.poll()).rejects.toThrow('there is nothing to read: call subscribe() first')
    await expect(consumer.poll({ maxRecords: 0 })).rejects.toThrow(
      'maxRecords must be an integer, at least 1',
    )
    expect(() => consumer.subscribe([''])).toThrow('a topic must be a string that is not empty')
    expect(() => consumer.acknowledge({ topic: 'jobs', partition: 0, offset: 0 })).toThrow(
      "acknowledge() needs shareAcknowledgementMode: 'explicit'",
    )
    await using other = consumerOf(explicit)
    expect(() => other.acknowledge({ topic: 'jobs', partition: 0, offset: 0 })).toThrow('nothing in hand')
    expect(() => other.acknowledge({ topic: 'jobs', partition: 0, offset: 0 }, 'maybe' as never)).toThrow(
      'type must be one of accept, release, reject, renew, not maybe',
    )
    expect(await other.commit()).toEqual([])
    expect(other.acquisitionLockTimeoutMs()).toBeNull()
    await other.close()
    expect(() => other.subscribe(['jobs'])).toThrow('the share consumer is closed')
    await expect(other.commit()).rejects.toThrow('the share consumer is closed')
  })

  it('has one reader at a time', async () => {
    await using consumer = consumerOf()
    const first = consumer.poll({ timeoutMs: 20_000 })
    await expect(consumer.poll()).rejects.toThrow('one reader at a time')
    await writeJobs(kafka, ['a'])
    expect(await first).toHaveLength(1)
  })

  it('fetches with polls that do not wait, too', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf()
    await expect.poll(() => consumer.poll(), { timeout: 10_000 }).toHaveLength(1)
  })

  it('fetches nothing while there is something to hand out, and nothing when nobody asks', async () => {
    await writeJobs(kafka, ['a', 'b', 'c'])
    await using consumer = consumerOf()
    const [first] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    const fetches = () => [...kafka.requests].filter(({ api }) => api === 'ShareFetch').length
    const before = fetches()
    const rest = await consumer.poll({ maxRecords: 5 })
    expect([first, ...rest].map((record) => record?.value)).toEqual(['a', 'b', 'c'])
    expect(await consumer.commit()).toEqual([
      { topic: 'jobs', partition: 0, offsets: [0, 1, 2], error: null },
    ])
    expect(fetches()).toBe(before)
  })

  it('ends a wait with the reason of its signal, and hands out nothing for it', async () => {
    await using consumer = consumerOf()
    const stop = new AbortController()
    const polling = consumer.poll({ timeoutMs: 20_000, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(polling).rejects.toThrow('enough')
    await writeJobs(kafka, ['a'])
    expect(await consumer.poll({ timeoutMs: 10_000 })).toHaveLength(1)
  })

  it('releases what a deserializer has thrown for, in implicit mode, as Java does', async () => {
    await writeJobs(kafka, ['{"n":1}', 'no JSON', '{"n":2}'])
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const
    await using consumer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).shareConsumer({
      ...workers,
      valueDeserializer: json(schema),
    })
    const records = await consumer.poll({ timeoutMs: 10_000 })
    expect(() => records.map(({ value }) => value)).toThrow(
      'jobs-0 at offset 1: the value cannot be deserialized',
    )
    const [again] = await consumer.poll({ timeoutMs: 10_000 })
    expect(again?.offset).toBe(1)
    expect(again?.deliveryCount).toBe(2)
  })

  it('keeps the delivery count in copies and in JSON', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf()
    const [record] = await consumer.poll({ timeoutMs: 10_000 })
    const copy = record!.copy()
    expect(copy.deliveryCount).toBe(1)
    expect(copy.value).toBe('a')
    expect(JSON.parse(JSON.stringify(copy))).toMatchObject({ offset: 0, value: 'a', deliveryCount: 1 })
  })

  it('releases in a new loop what the last one was left with', async () => {
    await writeJobs(kafka, ['a', 'b'])
    await using consumer = consumerOf()
    const failing = async () => {
      for await (const { value } of consumer) throw new Error(`cannot do ${value}`)
    }
    await expect(failing()).rejects.toThrow('cannot do a')
    const seen: string[] = []
    for await (const { value, deliveryCount } of consumer) {
      seen.push(`${value} ${deliveryCount}`)
      if (seen.length === 2) break
    }
    expect(seen).toEqual(['b 1', 'a 2'])
    expect(await consumer.commit()).toEqual([{ topic: 'jobs', partition: 0, offsets: [0], error: null }])
  })

  it('accepts what a loop was left with by commit', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf()
    for await (const _ of consumer) break
    expect(await consumer.commit()).toEqual([{ topic: 'jobs', partition: 0, offsets: [0], error: null }])
  })

  it('does not have locks end for records of a loop that are done while the next one takes its time', async () => {
    await writeJobs(kafka, ['a', 'b'])
    await using consumer = consumerOf()
    const loop = consumer[Symbol.asyncIterator]()
    await loop.next()
    await loop.next()
    // The first is accepted by now, and told so although nobody asks for more.
    await expect
      .poll(() => told, { timeout: 5000 })
      .toEqual([{ topic: 'jobs', partition: 0, offsets: [0], error: null }])
    await loop.return()
  })

  it('ends a loop that waits when it is left or the consumer is closed', async () => {
    await using consumer = consumerOf()
    const left = consumer[Symbol.asyncIterator]()
    const waiting = left.next()
    await expect
      .poll(() => [...kafka.requests].some(({ api }) => api === 'ShareFetch'), { timeout: 5000 })
      .toBe(true)
    await left.return()
    expect(await waiting).toEqual({ done: true, value: undefined })

    const closed = consumer[Symbol.asyncIterator]().next()
    await consumer.close()
    expect(await closed).toEqual({ done: true, value: undefined })
  })

  it('asks in explicit loops for the acknowledgement of each record before the next', async () => {
    await writeJobs(kafka, ['a', 'b', 'c'])
    await using consumer = consumerOf(explicit)
    const loop = consumer[Symbol.asyncIterator]()
    const { value: first } = await loop.next()
    await expect(loop.next()).rejects.toThrow('have to be acknowledged')
    consumer.acknowledge(first!, 'renew')
    // What is renewed comes again, and alone.
    expect((await loop.next()).value?.offset).toBe(0)
    consumer.acknowledge(first!, 'reject')
    expect((await loop.next()).value?.offset).toBe(1)
  })

  it('tells the topics it is subscribed to, and those of a new subscription to the group', async () => {
    kafka.createTopics(['other'])
    await writeJobs(kafka, ['a'])
    await writeJobs(kafka, ['b'], { topic: 'other' })
    await using consumer = consumerOf()
    expect((await consumer.poll({ timeoutMs: 10_000 }))[0]?.value).toBe('a')
    consumer.subscribe(['other', 'other'])
    expect(consumer.subscription()).toEqual(['other'])
    expect((await consumer.poll({ timeoutMs: 10_000 }))[0]?.value).toBe('b')
  })

  it('creates a topic that it subscribes to, where the broker is set up to do so, and reads it', async () => {
    await using consumer = consumerOf({ topics: ['made-by-asking'] })
    expect(await consumer.poll({ timeoutMs: 300 })).toEqual([])
    expect(kafka.cluster.topics.get('made-by-asking')).toBeDefined()
    await writeJobs(kafka, ['a'], { topic: 'made-by-asking' })
    expect((await consumer.poll({ timeoutMs: 10_000 }))[0]?.value).toBe('a')
  })

  it('tells of a topic that it may not read or that cannot be', async () => {
    await using consumer = consumerOf({ topics: ['no/name'] })
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'INVALID_TOPIC_EXCEPTION',
      topic: 'no/name',
    })
  })

  it('leaves the group when nobody asks for too long, says so, and joins again with the next ask', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf({ maxPollIntervalMs: 300 })
    expect(await consumer.poll({ timeoutMs: 10_000 })).toHaveLength(1)
    const left = () => [...kafka.requests].filter(({ body }) => body.memberEpoch === -1).length
    await expect.poll(left, { timeout: 5000 }).toBe(1)
    expect(troubles.map(({ code }) => code)).toEqual(['MAX_POLL_INTERVAL_EXCEEDED'])
    await writeJobs(kafka, ['b'])
    expect((await consumer.poll({ timeoutMs: 10_000 })).map(({ value }) => value)).toEqual(['b'])
  })

  it('leaves nothing behind when it is closed in the middle of its work', async () => {
    const timers = watchTimers()
    const before = timers.size
    await writeJobs(kafka, ['a', 'b'])
    const consumer = consumerOf()
    const loop = consumer[Symbol.asyncIterator]()
    await loop.next()
    await loop.next()
    const waiting = loop.next()
    await Promise.all([consumer.close(), consumer.close()])
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect([...kafka.requests].filter(({ body }) => body.memberEpoch === -1)).toHaveLength(1)
    expect([...kafka.requests].filter(({ body }) => body.shareSessionEpoch === -1)).toHaveLength(1)
    // The broker, which has timers too, is in this process.
    await kafka.close()
    expect(timers.size).toBeLessThanOrEqual(before)
    // Both were accepted by asking for more.
    expect(told.flatMap(({ offsets }) => offsets)).toEqual([0, 1])
  })

  it('closes before it has ever asked, and while its first ask is on its way', async () => {
    await consumerOf().close()
    const consumer = consumerOf()
    const polling = consumer.poll({ timeoutMs: 20_000 })
    await consumer.close()
    expect(await polling).toEqual([])
  })

  it('is typed by its deserializers', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = new ShareConsumer({
      bootstrapServers: kafka.bootstrapServers,
      ...workers,
      keyDeserializer: string,
    })
    const [record] = await consumer.poll({ timeoutMs: 10_000 })
    const value: string | null = record!.value
    const key: string | null = record!.key
    expect([key, value]).toEqual([null, 'a'])
  })
})

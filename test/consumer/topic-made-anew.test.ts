import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allOrThrow, Kafka, type KafkaError, LogTruncationError } from '../../src/index.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'

describe('a position in a topic that was deleted and made anew, with as many records as were read', () => {
  const topic = 'orders'
  let broker: TestKafka
  let kafka: Kafka

  beforeEach(async () => {
    broker = await startKafka({ topics: [topic] })
    kafka = new Kafka({ bootstrapServers: broker.bootstrapServers })
  })
  afterEach(() => broker.close())

  async function send(...values: string[]): Promise<void> {
    await using producer = kafka.producer()
    for (const value of values) await producer.send({ topic, value })
  }

  async function makeAnew(): Promise<void> {
    await using admin = kafka.admin()
    allOrThrow(await admin.deleteTopics([topic]))
    allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1 }]))
  }

  it.each(['earliest', 'latest'] as const)(
    'is left for its beginning, and by %s too',
    async (autoOffsetReset) => {
      const told: KafkaError[] = []
      await using consumer = kafka.consumer({ autoOffsetReset, onError: (error) => told.push(error) })
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const read: string[] = []
      const reading = (async () => {
        for await (const { value } of consumer) read.push(value!.toString())
      })()
      await send('a', 'b')
      await expect.poll(() => read).toEqual(['a', 'b'])
      consumer.pause([{ topic, partition: 0 }])
      await makeAnew()
      await send('1', '2', '3', '4')
      consumer.resume([{ topic, partition: 0 }])
      await expect.poll(() => read).toEqual(['a', 'b', '1', '2', '3', '4'])
      const [truncation] = told.filter((error) => error instanceof LogTruncationError)
      expect(truncation).toMatchObject({
        code: 'LOG_TRUNCATED',
        topic,
        partition: 0,
        position: 2,
        divergentOffset: null,
      })
      expect(truncation!.message).toMatch(/deleted and made anew, and going on at its beginning/)
      await consumer.close()
      await reading
    },
  )

  it('is an error with autoOffsetReset none, until a seek', async () => {
    await using consumer = kafka.consumer({ autoOffsetReset: 'none' })
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await send('a', 'b')
    const read: string[] = []
    while (read.length < 2) {
      for (const { value } of await consumer.poll({ timeoutMs: 1000 })) read.push(value!.toString())
    }
    consumer.pause([{ topic, partition: 0 }])
    await makeAnew()
    await send('1', '2', '3')
    consumer.resume([{ topic, partition: 0 }])
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toThrow(/seek\(\) to where to go on/)
    consumer.seek({ topic, partition: 0, offset: 1 })
    while (read.length < 4) {
      for (const { value } of await consumer.poll({ timeoutMs: 1000 })) read.push(value!.toString())
    }
    expect(read).toEqual(['a', 'b', '2', '3'])
  })

  it('is noticed also where nothing has come since a seek to the end', async () => {
    await using consumer = kafka.consumer({ autoOffsetReset: 'latest', fetchMaxWaitMs: 50 })
    await send('a', 'b')
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    const read: string[] = []
    const reading = (async () => {
      for await (const { value } of consumer) read.push(value!.toString())
    })()
    await expect.poll(() => read).toEqual(['a', 'b'])
    consumer.seek({ topic, partition: 0, offset: 2 })
    const asked = broker.requests.all('Fetch').length
    await expect.poll(() => broker.requests.all('Fetch').length).toBeGreaterThan(asked + 2)
    consumer.pause([{ topic, partition: 0 }])
    await makeAnew()
    await send('1', '2', '3')
    consumer.resume([{ topic, partition: 0 }])
    await expect.poll(() => read).toEqual(['a', 'b', '1', '2', '3'])
    await consumer.close()
    await reading
  })

  it('is not committed any more, where it was stored for that', async () => {
    const groupId = 'billing'
    const told: KafkaError[] = []
    const consumer = kafka.consumer({
      groupId,
      autoOffsetReset: 'earliest',
      enableAutoOffsetStore: false,
      autoCommitIntervalMs: 60_000,
      onError: (error) => told.push(error),
    })
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await send('a', 'b')
    const read: string[] = []
    while (read.length < 2) {
      for (const record of await consumer.poll({ timeoutMs: 1000 })) {
        read.push(record.value!.toString())
        consumer.storeOffset(record)
      }
    }
    consumer.pause([{ topic, partition: 0 }])
    await makeAnew()
    await send('1', '2', '3')
    consumer.resume([{ topic, partition: 0 }])
    while (read.length < 5) {
      for (const { value } of await consumer.poll({ timeoutMs: 1000 })) read.push(value!.toString())
    }
    expect(told.some((error) => error instanceof LogTruncationError)).toBe(true)
    await consumer.close()
    await using other = kafka.consumer({ groupId })
    expect(await other.committed([{ topic, partition: 0 }])).toMatchObject([{ offset: null }])
  })
})

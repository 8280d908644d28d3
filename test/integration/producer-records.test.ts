import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SendManyError } from '../../src/producer/delivery.ts'
import { Producer } from '../../src/producer/producer.ts'
import type { ProducerConfig } from '../../src/producer/producer-options.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { failureOf } from '../support/promises.ts'

type Text = string | Uint8Array | null

describeAnyKafka('records that a broker refuses one by one (KIP-467)', (kafka) => {
  let writer: TopicWriter

  beforeAll(() => {
    writer = new TopicWriter(kafka.bootstrapServers)
  })

  afterAll(async () => {
    await writer[Symbol.asyncDispose]()
  })

  async function newTopic(configs: Record<string, string>): Promise<string> {
    const topic = `refused-${randomUUID()}`
    await writer.createTopic(topic, 1, configs)
    return topic
  }

  function newProducer(options: Partial<ProducerConfig<Text, Text>> = {}): Producer {
    return new Producer<Text, Text>({ bootstrapServers: kafka.bootstrapServers, ...options })
  }

  /** Code and message of what became of each. */
  async function outcomes(sent: readonly Promise<unknown>[]): Promise<(readonly [string, string] | null)[]> {
    const settled = await Promise.allSettled(sent)
    return settled.map((one) => {
      if (one.status === 'fulfilled') return null
      const { code, message } = one.reason as KafkaError
      return [code, message] as const
    })
  }

  test('fail with what the broker says of them, and the others of the batch as not appended', async () => {
    const topic = await newTopic({ 'cleanup.policy': 'compact' })
    await using producer = newProducer()
    await producer.send({ topic, key: 'first', value: 'a' })
    const [fine, wrong, other] = await outcomes([
      producer.send({ topic, key: 'k', value: 'b' }),
      producer.send({ topic, value: 'no key' }),
      producer.send({ topic, key: 'k', value: 'c' }),
    ])
    expect(wrong![0]).toBe('INVALID_RECORD')
    expect(wrong![1]).toContain('Compacted topic cannot accept message without key')
    expect(fine).toEqual(other)
    expect(fine).toEqual([
      'BATCH_REFUSED',
      `${topic}-0: not appended, as another record of its batch was refused: INVALID_RECORD (persisted: no)`,
    ])
    const error = await failureOf(producer.send({ topic, value: 'alone' }))
    expect(error).toMatchObject({
      code: 'INVALID_RECORD',
      persisted: 'no',
      retriable: false,
      topic,
      partition: 0,
    })
    // Nothing of that batch is in the log, and the next one goes on with it.
    expect(await producer.send({ topic, key: 'k', value: 'd' })).toMatchObject({ offset: 1 })
  })

  test('are told apart in a sendMany, with how many are of each', async () => {
    const topic = await newTopic({ 'cleanup.policy': 'compact' })
    await using producer = newProducer()
    const error = await failureOf(
      producer.sendMany(['k', 'k', 'k', null, null, 'k'].map((key, i) => ({ topic, key, value: `${i}` }))),
    )
    expect(error).toBeInstanceOf(SendManyError)
    const { failures, delivered } = error as SendManyError
    const counts = failures.map(({ error: one, count }) => [(one as KafkaError).code, count])
    expect(delivered).toEqual([])
    // Two refused records have an error of their own each.
    expect(counts).toEqual([
      ['BATCH_REFUSED', 3],
      ['INVALID_RECORD', 1],
      ['INVALID_RECORD', 1],
      ['BATCH_REFUSED', 1],
    ])
  })

  test('are told to callbacks, and counted for those without one', async () => {
    const topic = await newTopic({ 'cleanup.policy': 'compact' })
    const producer = newProducer()
    const told: string[] = []
    producer.produce({ topic, value: 'no key' }, (error) => told.push((error as KafkaError).code))
    producer.produce({ topic, key: 'k', value: 'a' })
    producer.produce({ topic, key: 'k', value: 'b' })
    await expect(producer.flush()).rejects.toThrow(/^2 records sent by produce\(\) are not confirmed/)
    expect(told).toEqual(['INVALID_RECORD'])
    await producer.close()
  })

  test('keep the code of the batch when there is one of them, for instance a timestamp out of bounds', async () => {
    const topic = await newTopic({ 'message.timestamp.after.max.ms': '60000' })
    await using producer = newProducer()
    const late = Date.now() + 3_600_000
    const [fine, wrong] = await outcomes([
      producer.send({ topic, value: 'a' }),
      producer.send({ topic, value: 'b', timestamp: late }),
    ])
    expect(fine![0]).toBe('BATCH_REFUSED')
    expect(wrong![0]).toBe('INVALID_TIMESTAMP')
    expect(wrong![1]).toContain(`${late}`)
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { TransactionError } from '../../src/errors.ts'
import { Kafka, type ProducerOptions } from '../../src/index.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { failureOf } from '../support/promises.ts'
import { readValues } from '../support/transactions.ts'

type Text = string | Uint8Array | null

describeAnyKafka('Transactions', (kafka) => {
  let writer: TopicWriter

  beforeAll(() => {
    writer = new TopicWriter(kafka.bootstrapServers)
  })

  afterAll(async () => {
    await writer[Symbol.asyncDispose]()
  })

  async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const topic = `transactions-${randomUUID()}`
    await writer.createTopic(topic, partitions, configs)
    return topic
  }

  const client = () => new Kafka({ bootstrapServers: kafka.bootstrapServers })

  function newProducer(options: ProducerOptions<Text, Text> = {}) {
    return client().producer({ transactionalId: `id-${randomUUID()}`, ...options })
  }

  const readCommitted = (topic: string) => readValues(kafka.bootstrapServers, topic)
  /** A commit is answered once it is decided; the markers that let readers go on follow. */
  const committed = (topic: string) => expect.poll(() => readCommitted(topic), { timeout: 20_000 })
  const all = (topic: string) => readValues(kafka.bootstrapServers, topic, 'read_uncommitted')

  test('commits what was sent to several partitions and topics, all at once', async () => {
    const [one, other] = [await newTopic(2), await newTopic()]
    await using producer = newProducer()
    const given = await producer.transaction(async (tx) => {
      const where = await tx.send({ topic: one, partition: 0, value: 'a' })
      expect(where).toMatchObject({ topic: one, partition: 0, offset: 0 })
      await tx.sendMany([
        { topic: one, partition: 1, value: 'b' },
        { topic: other, value: 'c' },
      ])
      expect(tx.produce({ topic: other, value: 'd' })).toBe(true)
      expect(await readCommitted(one)).toEqual([])
      expect(await all(one)).toEqual(['a', 'b'])
      return 'result'
    })
    expect(given).toBe('result')
    await committed(one).toEqual(['a', 'b'])
    await committed(other).toEqual(['c', 'd'])
  })

  test('aborts when the function throws, throws the same, and goes on with the next', async () => {
    const topic = await newTopic()
    await using producer = newProducer()
    const oops = new Error('oops')
    for (let i = 0; i < 3; i++) {
      const failure = producer.transaction(async (tx) => {
        await tx.send({ topic, value: `aborted-${i}` })
        throw oops
      })
      expect(await failureOf(failure)).toBe(oops)
      await producer.transaction((tx) => void tx.send({ topic, value: `committed-${i}` }))
    }
    await committed(topic).toEqual(['committed-0', 'committed-1', 'committed-2'])
    expect(await all(topic)).toHaveLength(6)
  })

  test('are begun, committed and aborted by the methods that Java has', async () => {
    const topic = await newTopic()
    await using producer = newProducer()
    await producer.initTransactions()
    producer.beginTransaction()
    await producer.send({ topic, value: 'a' })
    await producer.commitTransaction()
    producer.beginTransaction()
    await producer.send({ topic, value: 'b' })
    await producer.abortTransaction()
    producer.beginTransaction()
    producer.produce({ topic, value: 'c' })
    await producer.commitTransaction()
    // Nothing was sent, so there is nothing to tell the coordinator.
    producer.beginTransaction()
    await producer.commitTransaction()
    producer.beginTransaction()
    await producer.abortTransaction()
    await committed(topic).toEqual(['a', 'c'])
  })

  test('commit offsets of a group with the records, and none when aborted', async () => {
    const [input, output] = [await newTopic(), await newTopic()]
    await writer.write(input, 0, ['1', '2', '3'])
    await using consumer = groupConsumer(input)
    await using producer = newProducer()
    const records = await consumer.poll({ timeoutMs: 20_000 })
    expect(records.map(({ value }) => String(value))).toEqual(['1', '2', '3'])
    const at = [{ topic: input, partition: 0 }]
    const failure = producer.transaction(async (tx) => {
      await tx.send({ topic: output, value: 'aborted' })
      await tx.sendOffsets(consumer, records)
      throw new Error('oops')
    })
    await expect(failure).rejects.toThrow('oops')
    await expect(consumer.committed(at)).resolves.toMatchObject([{ offset: null }])
    await producer.transaction(async (tx) => {
      for (const { value } of records) void tx.send({ topic: output, value: `<${value}>` })
      await tx.sendOffsets(consumer, records)
    })
    await expect(consumer.committed(at)).resolves.toMatchObject([{ offset: 3 }])
    await producer.transaction((tx) => {
      // Not awaited: the commit waits for it.
      void tx.sendOffsets([{ ...at[0]!, offset: 2, metadata: 'mine' }], consumer.groupMetadata())
    })
    await expect(consumer.committed(at)).resolves.toMatchObject([{ offset: 2, metadata: 'mine' }])
    await committed(output).toEqual(['<1>', '<2>', '<3>'])
  })

  test('do not take offsets of a member that is none', async () => {
    const input = await newTopic()
    await writer.write(input, 0, ['1'])
    await using consumer = groupConsumer(input)
    const records = await consumer.poll({ timeoutMs: 20_000 })
    const group = { ...consumer.groupMetadata(), memberId: 'somebody-else' }
    await using producer = newProducer()
    const failure = await failureOf(
      producer.transaction(async (tx) => {
        void tx.send({ topic: input, value: 'x' })
        await tx.sendOffsets(group, records)
      }),
    )
    expect(failure).toMatchObject({ code: 'UNKNOWN_MEMBER_ID', abortable: true, fatal: false })
    await producer.transaction((tx) => void tx.sendOffsets(consumer, records))
    const at = [{ topic: input, partition: 0 }]
    await expect(consumer.committed(at)).resolves.toMatchObject([{ offset: 1 }])
  })

  test('fail as a whole when one record fails, whoever looks at it', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '1000' })
    await using producer = newProducer()
    const failure = await failureOf(
      producer.transaction(async (tx) => {
        await tx.send({ topic, value: 'a' })
        void tx.send({ topic, value: 'b'.repeat(5_000) })
      }),
    )
    expect(failure).toBeInstanceOf(TransactionError)
    expect(failure).toMatchObject({ code: 'MESSAGE_TOO_LARGE', abortable: true, retriable: false })
    await expect(producer.initTransactions()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    producer.beginTransaction()
    const lost = await failureOf(producer.send({ topic, value: 'c'.repeat(5_000) }))
    expect(lost).toMatchObject({ code: 'MESSAGE_TOO_LARGE', persisted: 'no', abortable: true })
    await expect(producer.send({ topic, value: 'd' })).rejects.toMatchObject({ abortable: true })
    await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(() => producer.beginTransaction()).toThrow(/must be aborted/)
    await producer.abortTransaction()
    await producer.transaction((tx) => void tx.send({ topic, value: 'e' }))
    await committed(topic).toEqual(['e'])
  })

  test('of a newer producer with the same id fence the older one for good', async () => {
    const topic = await newTopic()
    const transactionalId = `id-${randomUUID()}`
    await using older = newProducer({ transactionalId })
    await using newer = newProducer({ transactionalId })
    await older.initTransactions()
    older.beginTransaction()
    await older.send({ topic, value: 'older' })
    await newer.transaction((tx) => void tx.send({ topic, value: 'newer' }))
    const failure = await failureOf(older.commitTransaction())
    expect(failure).toBeInstanceOf(TransactionError)
    expect(failure).toMatchObject({ code: 'PRODUCER_FENCED', fatal: true, abortable: false })
    const fenced = { code: 'PRODUCER_FENCED', fatal: true }
    await expect(older.abortTransaction()).rejects.toMatchObject(fenced)
    await expect(older.send({ topic, value: 'x' })).rejects.toMatchObject(fenced)
    await expect(older.transaction(() => {})).rejects.toMatchObject(fenced)
    await newer.transaction((tx) => void tx.send({ topic, value: 'newer again' }))
    // And back again.
    await using third = newProducer({ transactionalId })
    await third.initTransactions()
    const late = newer.transaction((tx) => tx.send({ topic, value: 'late' }))
    await expect(late).rejects.toMatchObject(fenced)
    await committed(topic).toEqual(['newer', 'newer again'])
  })

  test('that are open are aborted by close, and hold up no reader', async () => {
    const topic = await newTopic()
    const producer = newProducer()
    await producer.initTransactions()
    producer.beginTransaction()
    await producer.send({ topic, value: 'open' })
    await producer.close()
    await writer.write(topic, 0, ['behind it'])
    await committed(topic).toEqual(['behind it'])
    await expect(producer.transaction(() => {})).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })

  test('keep many batches in flight apart from those of the next', async () => {
    const topic = await newTopic(3)
    await using producer = newProducer({ batchSize: 200, lingerMs: 0 })
    const expected: string[][] = [[], [], []]
    for (let round = 0; round < 30; round++) {
      const isAborted = round % 3 === 1
      const done = producer.transaction(async (tx) => {
        for (let i = 0; i < 50; i++) {
          const value = `${round}-${i}`
          if (!isAborted) expected[i % 3]!.push(value)
          void tx.send({ topic, partition: i % 3, value })
        }
        if (isAborted) throw new Error('aborted')
      })
      if (isAborted) await expect(done).rejects.toThrow('aborted')
      else await done
    }
    await committed(topic).toEqual(expected.flat())
  })

  function groupConsumer(topic: string, options: ConsumerOptions = {}) {
    return client().consumer({
      groupId: `group-${randomUUID()}`,
      topics: [topic],
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
      isolationLevel: 'read_committed',
      ...options,
    } as ConsumerOptions)
  }
})

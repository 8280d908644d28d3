import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { Kafka, type Producer, type ProducerOptions } from '../../../src/index.ts'
import {
  delay,
  disconnect,
  drop,
  failWith,
  type StartKafkaOptions,
  startKafka,
  type TestKafka,
} from '../../../src/testing/index.ts'
import { failureOf, gate } from '../../support/promises.ts'
import { readValues } from '../../support/transactions.ts'

type Text = string | Uint8Array | null

const cleanUps: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function start(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const kafka = await startKafka({
    topics: [{ name: 't', numPartitions: 3, replicationFactor: options.brokers ?? 1 }],
    ...options,
  })
  cleanUps.push(() => kafka.close())
  return kafka
}

function newProducer(kafka: TestKafka, options: ProducerOptions<Text, Text> = {}): Producer<Text, Text> {
  const producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer<Text, Text>({
    transactionalId: `id-${randomUUID()}`,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    ...options,
  })
  cleanUps.push(async () => {
    await producer.close({ timeoutMs: 1_000 }).catch(() => {})
    expect(producer.bufferedBytes).toBe(0)
  })
  return producer
}

const committed = (kafka: TestKafka) => readValues(kafka.bootstrapServers, 't')
const send = (producer: Producer<Text, Text>, value: string, partition = 0) =>
  producer.send({ topic: 't', partition, value })

/** With and without KIP-890. */
const generations = [
  { name: 'of KIP-890', version: '4.3' },
  { name: 'before KIP-890', version: '3.9' },
] as const

describe.each(generations)('transactions $name', ({ version }) => {
  const isVersion2 = version === '4.3'

  const requests = (kafka: TestKafka, api: string) => kafka.requests.all(api)

  test('use the requests and versions that are theirs', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    for (let i = 0; i < 2; i++) {
      await producer.transaction(async (tx) => {
        await Promise.all([0, 1, 2].map((partition) => tx.send({ topic: 't', partition, value: `${i}` })))
        await tx.send({ topic: 't', partition: 0, value: `${i}` })
      })
    }
    // What is new in one turn goes in one request.
    expect(requests(kafka, 'AddPartitionsToTxn')).toHaveLength(isVersion2 ? 0 : 2)
    for (const { version } of requests(kafka, 'Produce')) expect(version >= 12).toBe(isVersion2)
    for (const { version } of requests(kafka, 'EndTxn')) expect(version >= 5).toBe(isVersion2)
    expect(requests(kafka, 'EndTxn')).toHaveLength(2)
    expect(requests(kafka, 'InitProducerId')).toHaveLength(1)
    expect(await committed(kafka)).toEqual(['0', '0', '1', '1', '0', '1', '0', '1'])
  })

  test.each(['commit', 'abort'] as const)('survive lost answers to a %s', async (how) => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    for (const api of ['InitProducerId', 'AddPartitionsToTxn', 'EndTxn']) {
      kafka.control(api, () => disconnect('after'), { times: 2 })
      kafka.control(api, () => failWith('COORDINATOR_LOAD_IN_PROGRESS'), { times: 1 })
      kafka.control(api, () => disconnect('halfway'), { times: 1 })
    }
    await producer.initTransactions()
    for (let i = 0; i < 3; i++) {
      producer.beginTransaction()
      await send(producer, `${i}`)
      if (how === 'commit') await producer.commitTransaction()
      else await producer.abortTransaction()
    }
    producer.beginTransaction()
    await send(producer, 'last')
    await producer.commitTransaction()
    expect(await committed(kafka)).toEqual(how === 'commit' ? ['0', '1', '2', 'last'] : ['last'])
  })

  test('survive lost answers to produced records, without doubles', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    let count = 0
    kafka.control('Produce', () => (count++ % 2 === 0 ? disconnect('after') : undefined))
    for (let i = 0; i < 5; i++) {
      await producer.transaction((tx) => void tx.sendMany([0, 1, 2].map((partition) => record(partition, i))))
    }
    expect(await committed(kafka)).toEqual([0, 1, 2].flatMap((p) => [0, 1, 2, 3, 4].map((i) => `${p}-${i}`)))
  })

  test('survive moves of the coordinator and of leaders', async () => {
    const kafka = await start({ version, brokers: 3 })
    const producer = newProducer(kafka)
    await producer.initTransactions()
    for (let i = 0; i < 10; i++) {
      producer.beginTransaction()
      await Promise.all([0, 1, 2].map((partition) => producer.send(record(partition, i))))
      kafka.rehashCoordinators()
      kafka.moveLeader('t', i % 3)
      await producer.commitTransaction()
    }
    const all = [0, 1, 2].flatMap((p) => Array.from({ length: 10 }, (_, i) => `${p}-${i}`))
    expect(await committed(kafka)).toEqual(all)
  })

  test('survive the loss of the coordinator', async () => {
    const kafka = await start({ version, brokers: 3 })
    const producer = newProducer(kafka)
    await producer.initTransactions()
    for (const broker of kafka.brokerIds) {
      producer.beginTransaction()
      await send(producer, `${broker}`)
      await kafka.stopBroker(broker)
      await producer.commitTransaction()
      await kafka.startBroker(broker)
    }
    expect(await committed(kafka)).toEqual(['1', '2', '3'])
  })

  test('wait while the one before is still being ended', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    await producer.initTransactions()
    const release = kafka.cluster.transactions.holdMarkers()
    producer.beginTransaction()
    await send(producer, 'a')
    // Decided, and no marker is written yet.
    await producer.commitTransaction()
    producer.beginTransaction()
    const sent = send(producer, 'b')
    const next = isVersion2 ? 'Produce' : 'AddPartitionsToTxn'
    const before = requests(kafka, next).length
    await expect.poll(() => requests(kafka, next).length).toBeGreaterThan(before + 2)
    release()
    await sent
    await producer.commitTransaction()
    expect(await committed(kafka)).toEqual(['a', 'b'])
  })

  test('that take too long are aborted by the broker, and cost no more than themselves', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka, { transactionTimeoutMs: 1_000 })
    await producer.initTransactions()
    producer.beginTransaction()
    await send(producer, 'late commit')
    await kafka.advanceClock(60_000)
    await expect(producer.commitTransaction()).rejects.toMatchObject({
      code: 'INVALID_TXN_STATE',
      abortable: true,
    })
    await producer.abortTransaction()

    producer.beginTransaction()
    await send(producer, 'late send')
    await kafka.advanceClock(60_000)
    await expect(send(producer, 'too late')).rejects.toMatchObject({ code: 'INVALID_PRODUCER_EPOCH' })
    await producer.abortTransaction()

    producer.beginTransaction()
    await send(producer, 'late abort')
    await kafka.advanceClock(60_000)
    await producer.abortTransaction()

    await producer.transaction((tx) => void tx.send({ topic: 't', partition: 0, value: 'in time' }))
    expect(await committed(kafka)).toEqual(['in time'])
  })

  test('that took too long do not come back when somebody else has the id by then', async () => {
    const kafka = await start({ version })
    const transactionalId = 'shared'
    const producer = newProducer(kafka, { transactionTimeoutMs: 1_000, transactionalId })
    await producer.initTransactions()
    producer.beginTransaction()
    await send(producer, 'late')
    await kafka.advanceClock(60_000)
    const other = newProducer(kafka, { transactionalId })
    await other.transaction((tx) => void tx.send({ topic: 't', partition: 0, value: 'other' }))
    await expect(producer.abortTransaction()).rejects.toMatchObject({ code: 'PRODUCER_FENCED', fatal: true })
    expect(() => producer.beginTransaction()).toThrow(/of no more use/)
    await other.transaction((tx) => void tx.send({ topic: 't', partition: 0, value: 'other again' }))
    expect(await committed(kafka)).toEqual(['other', 'other again'])
  })

  test('can be committed again after a wait that was too short', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    await producer.initTransactions()
    const held = gate()
    kafka.control('EndTxn', () => held.opened.then(() => undefined))
    producer.beginTransaction()
    await send(producer, 'a')
    const failure = await failureOf(producer.commitTransaction({ timeoutMs: 50 }))
    expect(failure).toMatchObject({ name: 'TimeoutError', code: 'MAX_BLOCK_TIMEOUT', retriable: true })
    await expect(producer.abortTransaction()).rejects.toThrow(/commitTransaction again, to learn how it ends/)
    held.open()
    await producer.commitTransaction()
    // Told once, it is over.
    await expect(producer.commitTransaction()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    expect(await committed(kafka)).toEqual(['a'])
  })

  test('whose commit was not waited for are over before the next', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    await producer.transaction((tx) => void tx.send(record(0, 0)))
    const held = gate()
    kafka.control('EndTxn', () => held.opened.then(() => undefined), { times: 1 })
    const given = producer.transaction((tx) => void tx.send(record(0, 1)), { timeoutMs: 50 })
    await expect(given).rejects.toMatchObject({ code: 'MAX_BLOCK_TIMEOUT' })
    const next = producer.transaction((tx) => void tx.send(record(0, 2)))
    held.open()
    await next
    expect(await committed(kafka)).toEqual(['0-0', '0-1', '0-2'])
  })

  test('drop what has not left when they are aborted, and await what has', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka, { maxInFlightRequestsPerConnection: 1, batchSize: 0 })
    await producer.transaction((tx) => void tx.send(record(0, 0)))
    producer.beginTransaction()
    const held = gate()
    const arrived = gate()
    const control = kafka.control('Produce', async () => {
      arrived.open()
      await held.opened
      return undefined
    })
    const [first, second] = [producer.send(record(0, 1)), producer.send(record(0, 2))]
    second.catch(() => {})
    await arrived.opened
    const aborted = producer.abortTransaction()
    const lost = await failureOf(second)
    expect(lost).toMatchObject({ code: 'TRANSACTION_ABORTED', persisted: 'no', abortable: true })
    expect(kafka.requests.all('EndTxn')).toHaveLength(1)
    control.remove()
    held.open()
    await expect(first).resolves.toMatchObject({ offset: 2 })
    await aborted
    await producer.transaction((tx) => void tx.send(record(0, 3)))
    expect(await committed(kafka)).toEqual(['0-0', '0-3'])
  })

  test('await requests of records that have timed out before they are aborted', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka, { deliveryTimeoutMs: 300, requestTimeoutMs: 295 })
    await producer.transaction((tx) => void tx.send(record(0, 0)))
    kafka.control('Produce', () => drop('after'), { times: 1 })
    producer.beginTransaction()
    const lost = await failureOf(producer.send(record(0, 1)))
    expect(lost).toMatchObject({ persisted: 'possibly', abortable: true })
    await producer.abortTransaction()
    await producer.transaction((tx) => void tx.send(record(0, 2)))
    expect(await committed(kafka)).toEqual(['0-0', '0-2'])
  })

  test.each([
    ['InitProducerId', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    ['InitProducerId', 'INVALID_TRANSACTION_TIMEOUT'],
    ['Produce', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    ['Produce', 'INVALID_PRODUCER_ID_MAPPING'],
    ['EndTxn', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    ['EndTxn', 'INVALID_PRODUCER_ID_MAPPING'],
    ['TxnOffsetCommit', 'PRODUCER_FENCED'],
  ] as const)('end the producer when %s is answered by %s', async (api, code) => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    kafka.control(api, () => failWith(code))
    const failure = await failureOf(transactionWithOffsets(producer))
    expect(failure).toMatchObject({ code, fatal: true, abortable: false, retriable: false })
    await expect(producer.transaction(() => {})).rejects.toMatchObject({ code, fatal: true })
  })

  test.each([
    ['Produce', 'TRANSACTION_ABORTABLE'],
    ['Produce', 'INVALID_PRODUCER_EPOCH'],
    ['Produce', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['Produce', 'TOPIC_AUTHORIZATION_FAILED'],
    ['EndTxn', 'TRANSACTION_ABORTABLE'],
    ['TxnOffsetCommit', 'GROUP_AUTHORIZATION_FAILED'],
    ['TxnOffsetCommit', 'ILLEGAL_GENERATION'],
    ['TxnOffsetCommit', 'FENCED_INSTANCE_ID'],
    ['TxnOffsetCommit', 'TRANSACTION_ABORTABLE'],
  ] as const)('end themselves alone when %s is answered by %s', async (api, code) => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    kafka.control(api, () => failWith(code), { times: 1 })
    const failure = await failureOf(transactionWithOffsets(producer))
    expect(failure).toMatchObject({ code, fatal: false, abortable: true, retriable: false })
    for (let i = 0; i < 3; i++) await transactionWithOffsets(producer)
    expect(await committed(kafka)).toEqual(['0-1', '0-1', '0-1'])
  })

  test.each([
    ['FindCoordinator', 'COORDINATOR_NOT_AVAILABLE'],
    ['InitProducerId', 'CONCURRENT_TRANSACTIONS'],
    ['InitProducerId', 'NOT_COORDINATOR'],
    ['Produce', 'NOT_LEADER_OR_FOLLOWER'],
    ['Produce', 'CONCURRENT_TRANSACTIONS'],
    ['EndTxn', 'CONCURRENT_TRANSACTIONS'],
    ['EndTxn', 'NOT_COORDINATOR'],
    ['TxnOffsetCommit', 'COORDINATOR_LOAD_IN_PROGRESS'],
    ['TxnOffsetCommit', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ] as const)('go on when %s is answered by %s for a while', async (api, code) => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    const control = kafka.control(api, () => failWith(code), { times: 3 })
    await transactionWithOffsets(producer)
    expect(control.count).toBe(3)
    expect(await committed(kafka)).toEqual(['0-1'])
  })

  test('are aborted when their signal is, before the commit', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    const abort = new AbortController()
    const reason = new Error('enough')
    const given = producer.transaction(
      async (tx) => {
        await tx.send(record(0, 1))
        abort.abort(reason)
      },
      { signal: abort.signal },
    )
    expect(await failureOf(given)).toBe(reason)
    await producer.transaction((tx) => void tx.send(record(0, 2)))
    expect(await committed(kafka)).toEqual(['0-2'])
  })

  test('fail with a record that never got into a batch', async () => {
    const kafka = await start({ version, autoCreateTopics: false })
    const producer = newProducer(kafka, { maxBlockMs: 200 })
    await producer.initTransactions({ timeoutMs: 20_000 })
    const given = producer.transaction(
      async (tx) => {
        await tx.send(record(0, 1))
        void tx.send({ topic: 'nowhere', value: 'x' })
      },
      { timeoutMs: 20_000 },
    )
    expect(await failureOf(given)).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', abortable: true })
    const tooMany = producer.transaction((tx) => void tx.send(record(17, 1)), { timeoutMs: 20_000 })
    expect(await failureOf(tooMany)).toMatchObject({ code: 'INVALID_ARGUMENT', abortable: true })
    await producer.transaction((tx) => void tx.produce(record(0, 2)), { timeoutMs: 20_000 })
    expect(await committed(kafka)).toEqual(['0-2'])
  })

  test('take no records and no calls when it is not their time', async () => {
    const kafka = await start({ version })
    const producer = newProducer(kafka)
    const illegal = { name: 'IllegalStateError', code: 'ILLEGAL_STATE' }
    await expect(send(producer, 'x')).rejects.toThrow(/send of id-.* in state UNINITIALIZED/)
    await expect(producer.commitTransaction()).rejects.toMatchObject(illegal)
    await producer.initTransactions()
    await expect(producer.initTransactions()).rejects.toThrow(/in state READY; allowed: UNINITIALIZED/)
    await expect(send(producer, 'x')).rejects.toThrow(/in state READY; allowed: IN_TRANSACTION/)
    expect(() => producer.produce(record(0, 0))).toThrow(/in state READY/)
    await expect(producer.abortTransaction()).rejects.toMatchObject(illegal)
    let escaped: { send(one: ReturnType<typeof record>): Promise<unknown> } | null = null
    await producer.transaction(async (tx) => {
      escaped = tx
      expect(() => producer.beginTransaction()).toThrow(/in state IN_TRANSACTION; allowed: READY/)
      await expect(producer.transaction(() => {})).rejects.toMatchObject(illegal)
      await tx.send(record(0, 1))
    })
    await expect(escaped!.send(record(0, 2))).rejects.toThrow(/this transaction is over/)
    expect(await committed(kafka)).toEqual(['0-1'])
    const plain = newProducer(kafka, { transactionalId: undefined })
    await expect(plain.transaction(() => {})).rejects.toThrow(/needs .* option transactionalId/)
  })
})

describe('transactions before KIP-890', () => {
  test('name each partition once, however often its batches ask meanwhile', async () => {
    const kafka = await start({ version: '3.9' })
    const producer = newProducer(kafka)
    await producer.initTransactions()
    const [arrived, held] = [gate(), gate()]
    const hold = async () => {
      arrived.open()
      await held.opened
      return delay(0)
    }
    kafka.control('AddPartitionsToTxn', hold, { times: 1 })
    producer.beginTransaction()
    const sent = send(producer, 'a')
    await arrived.opened
    const flushed = producer.flush()
    held.open()
    await Promise.all([sent, flushed])
    await producer.commitTransaction()
    expect(kafka.requests.all('AddPartitionsToTxn')).toHaveLength(1)
    await producer.transaction((tx) => void tx.send(record(0, 1)))
    expect(kafka.requests.all('AddPartitionsToTxn')).toHaveLength(2)
    expect(kafka.requests.all('EndTxn')).toHaveLength(2)
    expect(await committed(kafka)).toEqual(['a', '0-1'])
  })

  test('are aborted while a partition cannot be added, without waiting for it', async () => {
    const kafka = await start({ version: '3.9' })
    const producer = newProducer(kafka)
    const control = kafka.control('AddPartitionsToTxn', () => failWith('UNKNOWN_TOPIC_OR_PARTITION'))
    await producer.initTransactions()
    producer.beginTransaction()
    const lost = failureOf(producer.send(record(0, 1)))
    await expect.poll(() => control.count).toBeGreaterThan(2)
    await producer.abortTransaction()
    expect(await lost).toMatchObject({ code: 'TRANSACTION_ABORTED', persisted: 'no' })
    control.remove()
    await producer.transaction((tx) => void tx.send(record(0, 2)))
    expect(kafka.requests.all('EndTxn')).toHaveLength(1)
    expect(await committed(kafka)).toEqual(['0-2'])
  })

  test('get a new epoch after an error, and begin to count anew', async () => {
    const kafka = await start({ version: '3.9' })
    const producer = newProducer(kafka)
    await producer.transaction((tx) => void tx.send(record(0, 0)))
    kafka.control('Produce', () => failWith('OUT_OF_ORDER_SEQUENCE_NUMBER'), { times: 1 })
    await failureOf(producer.transaction((tx) => void tx.send(record(0, 1))))
    await producer.transaction((tx) => void tx.send(record(0, 2)))
    const inits = kafka.requests.all('InitProducerId')
    expect(inits).toHaveLength(2)
    expect(await committed(kafka)).toEqual(['0-0', '0-2'])
  })

  test.each(['UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_ID_MAPPING'] as const)(
    'begin anew when the coordinator says %s',
    async (code) => {
      const kafka = await start({ version: '3.9' })
      const producer = newProducer(kafka)
      kafka.control('AddPartitionsToTxn', () => failWith(code), { times: 1 })
      const failure = await failureOf(producer.transaction((tx) => void tx.send(record(0, 1))))
      expect(failure).toMatchObject({ code, abortable: true })
      await producer.transaction((tx) => void tx.send(record(0, 2)))
      expect(await committed(kafka)).toEqual(['0-2'])
    },
  )

  test('end the producer after an error where brokers give no new epoch', async () => {
    const kafka = await start({ version: '2.1' })
    const producer = newProducer(kafka)
    await producer.transaction((tx) => void tx.send(record(0, 0)))
    kafka.control('Produce', () => failWith('OUT_OF_ORDER_SEQUENCE_NUMBER'), { times: 1 })
    const failure = await failureOf(producer.transaction((tx) => void tx.send(record(0, 1))))
    expect(failure).toMatchObject({ code: 'UNSUPPORTED_VERSION', fatal: true })
    const next = newProducer(kafka)
    await next.transaction((tx) => void tx.send(record(0, 2)))
    expect(await committed(kafka)).toEqual(['0-0', '0-2'])
  })
})

describe('the options of transactions', () => {
  test.each([
    [{ enableIdempotence: false }, /with transactionalId, enableIdempotence is false; allowed: true/],
    [{ acks: 1 }, /with transactionalId, acks is 1; allowed: "all"/],
    [{ retries: 0 }, /with transactionalId, retries is 0/],
    [{ maxInFlightRequestsPerConnection: 6 }, /with transactionalId, maxInFlightRequestsPerConnection is 6/],
    [{ transactionalId: '' }, /transactionalId/],
    [{ transactionTimeoutMs: 0 }, /transactionTimeoutMs/],
  ] as const)('are refused together with %o', (options, message) => {
    const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
    expect(() => kafka.producer({ transactionalId: 'id', ...options })).toThrow(message)
  })
})

function record(partition: number, i: number) {
  return { topic: 't', partition, value: `${partition}-${i}` }
}

function transactionWithOffsets(producer: Producer<Text, Text>): Promise<void> {
  return producer.transaction(async (tx) => {
    await tx.send(record(0, 1))
    const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
    await tx.sendOffsets([{ topic: 't', partition: 1, offset: 5 }], group)
  })
}

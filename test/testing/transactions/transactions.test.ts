import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { addPartitionsToTxn } from '../../../src/protocol/apis/add-partitions-to-txn.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { TransactionClient } from '../support/transaction-client.ts'

const ok = 'NONE'

describeEitherKafka('transactions', (kafka) => {
  /** A client, a topic of two partitions and a transactional id of its own. */
  async function setUp() {
    const client = await TransactionClient.connect(kafka.bootstrapServers)
    const topic = `orders-${randomUUID()}`
    await client.createTopic(topic, 2)
    return { client, topic, id: `tx-${randomUUID()}`, [Symbol.asyncDispose]: () => client.raw.close() }
  }

  it('commits what was written to partitions that were added, and leaves the epoch (version 1)', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    expect(producer).toMatchObject({ error: ok, producerEpoch: 0 })
    expect(await client.addPartitions(id, producer, [{ name: topic, partitions: [0, 1] }])).toEqual({
      [`${topic}-0`]: ok,
      [`${topic}-1`]: ok,
    })
    const options = { transactionalId: id, version: 11 }
    expect(await client.produce(topic, 0, ['a', 'b'], producer, options)).toMatchObject({
      error: ok,
      offset: 0,
    })
    expect(await client.read(topic, 0)).toMatchObject({ values: [], lastStableOffset: 0, highWatermark: 2 })
    expect(await client.read(topic, 0, false)).toMatchObject({ values: ['a', 'b'] })
    expect(await client.end(id, producer, true, 4)).toEqual({
      error: ok,
      producerId: -1n,
      producerEpoch: -1,
    })
    expect(await client.read(topic, 0)).toMatchObject({
      values: ['a', 'b'],
      markers: ['2:COMMIT:0'],
      lastStableOffset: 3,
      highWatermark: 3,
    })
    // A partition that was added gets its marker though nothing was written to it.
    expect(await client.read(topic, 1)).toMatchObject({ markers: ['0:COMMIT:0'], lastStableOffset: 1 })
    expect(await client.describe(id)).toMatchObject({
      state: 'CompleteCommit',
      producerEpoch: 0,
      partitions: [],
    })
  })

  it('adds partitions by the produce, and raises the epoch at each end (version 2)', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const first = await client.init(id)
    const options = { transactionalId: id }
    expect(await client.produce(topic, 0, ['a'], first, options)).toMatchObject({ error: ok, offset: 0 })
    expect(await client.describe(id)).toMatchObject({ state: 'Ongoing', partitions: [`${topic}-0`] })
    const second = await client.end(id, first, true)
    expect(second).toEqual({ error: ok, producerId: first.producerId, producerEpoch: 1 })
    expect(await client.produce(topic, 0, ['b'], second, options)).toMatchObject({ error: ok, offset: 2 })
    const third = await client.end(id, second, false)
    expect(third).toMatchObject({ error: ok, producerEpoch: 2 })
    expect(await client.read(topic, 0)).toEqual({
      values: ['a'],
      markers: ['1:COMMIT:1', '3:ABORT:2'],
      aborted: [{ producerId: first.producerId, firstOffset: 2 }],
      lastStableOffset: 4,
      highWatermark: 4,
    })
  })

  it('knows the retry of an end by its epoch, and refuses another result (version 2)', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    await client.produce(topic, 0, ['a'], producer, { transactionalId: id })
    const next = await client.end(id, producer, true)
    expect(await client.end(id, producer, true)).toEqual(next)
    expect(await client.end(id, producer, false)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    expect((await client.read(topic, 0)).markers).toEqual(['1:COMMIT:1'])
  })

  it('aborts a transaction without partitions, and does not commit one (version 2)', async () => {
    await using test = await setUp()
    const { client, id } = test
    const producer = await client.init(id)
    expect(await client.end(id, producer, true)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    const next = await client.end(id, producer, false)
    expect(next).toMatchObject({ error: ok, producerEpoch: 1 })
    expect(await client.end(id, producer, false)).toEqual(next)
    expect(await client.end(id, next, false)).toMatchObject({ error: ok, producerEpoch: 2 })
  })

  it('answers a second end of the same kind as the first, and refuses the other kind (version 1)', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    expect(await client.end(id, producer, true, 4)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    await client.addPartitions(id, producer, [{ name: topic, partitions: [0] }])
    expect(await client.end(id, producer, false, 4)).toMatchObject({ error: ok })
    expect(await client.end(id, producer, false, 4)).toMatchObject({ error: ok })
    expect(await client.end(id, producer, true, 4)).toMatchObject({ error: 'INVALID_TXN_STATE' })
  })

  it('aborts the open transaction of a producer whose id another one initializes, and fences it', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const zombie = await client.init(id)
    const options = { transactionalId: id }
    await client.produce(topic, 0, ['lost'], zombie, options)
    expect(await client.init(id, { retries: false })).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    const successor = await client.init(id)
    // One epoch fences, the next is given.
    expect(successor).toMatchObject({ error: ok, producerId: zombie.producerId, producerEpoch: 2 })
    expect(await client.read(topic, 0)).toMatchObject({
      values: [],
      markers: ['1:ABORT:1'],
      aborted: [{ producerId: zombie.producerId, firstOffset: 0 }],
    })
    expect(await client.produce(topic, 0, ['z'], zombie, { ...options, baseSequence: 1 })).toMatchObject({
      error: 'INVALID_PRODUCER_EPOCH',
    })
    expect(await client.produce(topic, 1, ['z'], zombie, options)).toMatchObject({
      error: 'INVALID_PRODUCER_EPOCH',
    })
    expect(await client.end(id, zombie, true)).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(await client.end(id, zombie, true, 1)).toMatchObject({ error: 'INVALID_PRODUCER_EPOCH' })
    expect(await client.produce(topic, 0, ['new'], successor, options)).toMatchObject({ error: ok })
  })

  it('lets a producer go on whom the abort of its transaction has fenced, and nobody since (KIP-588)', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const first = await client.init(id)
    await client.produce(topic, 0, ['lost'], first, { transactionalId: id })
    expect(await client.init(id, { retries: false })).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    await client.settled(id)
    expect(await client.init(id, first)).toMatchObject({ error: ok, producerEpoch: 1 })
    expect(await client.init(id)).toMatchObject({ error: ok, producerEpoch: 2 })
    expect(await client.init(id, first)).toMatchObject({ error: 'PRODUCER_FENCED' })
  })

  it('adds no partition when one of them is unknown', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    const unknown = `none-${randomUUID()}`
    const topics = [
      { name: topic, partitions: [0, 9] },
      { name: unknown, partitions: [0] },
    ]
    expect(await client.addPartitions(id, producer, topics)).toEqual({
      [`${topic}-0`]: 'OPERATION_NOT_ATTEMPTED',
      [`${topic}-9`]: 'UNKNOWN_TOPIC_OR_PARTITION',
      [`${unknown}-0`]: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    expect(await client.describe(id)).toMatchObject({ state: 'Empty', partitions: [] })
  })

  it('adds partitions for the producer that has the id now, and for nobody else', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const old = await client.init(id)
    await client.init(id)
    const topics = [{ name: topic, partitions: [0] }]
    const add = async (asId: string, identity: typeof old, version: number) =>
      (await client.addPartitions(asId, identity, topics, version))[`${topic}-0`]
    expect(await add(id, old, 3)).toBe('PRODUCER_FENCED')
    expect(await add(id, old, 1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await add(id, { ...old, producerId: 1_000_000_000n }, 3)).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await add('', old, 3)).toBe('INVALID_REQUEST')
  })

  it.each([4, 5])('tells brokers whether partitions are in a transaction, in version %i', async (version) => {
    await using test = await setUp()
    const { client, topic, id } = test
    const { producerId, producerEpoch } = await client.init(id)
    const ask = async (changes: object, partitions: number[], name = topic) => {
      const topics = [{ name, partitions }]
      const transaction = { transactionalId: id, producerId, producerEpoch, verifyOnly: true, topics }
      const { errorCode, resultsByTransaction } = await client.send(addPartitionsToTxn, version, {
        transactions: [{ ...transaction, ...changes }],
      })
      expect(errorCode).toBe(0)
      return resultsByTransaction[0]!.topicResults[0]!.resultsByPartition.sort(
        (a, b) => a.partitionIndex - b.partitionIndex,
      ).map(({ partitionErrorCode }) => partitionErrorCode)
    }
    const { NONE, TRANSACTION_ABORTABLE, PRODUCER_FENCED, INVALID_PRODUCER_ID_MAPPING } = errors
    expect(await ask({}, [0])).toEqual([TRANSACTION_ABORTABLE])
    expect(await ask({ verifyOnly: false }, [0])).toEqual([NONE])
    expect(await ask({}, [0, 1])).toEqual([NONE, TRANSACTION_ABORTABLE])
    expect(await ask({}, [0, 9])).toEqual([errors.OPERATION_NOT_ATTEMPTED, errors.UNKNOWN_TOPIC_OR_PARTITION])
    expect(await ask({ producerEpoch: 7 }, [0])).toEqual([PRODUCER_FENCED])
    expect(await ask({ producerId: 1_000_000_000n }, [0])).toEqual([INVALID_PRODUCER_ID_MAPPING])
    expect(await ask({ transactionalId: '' }, [0])).toEqual([errors.INVALID_REQUEST])
  })

  it('refuses internal topics as a part of a transaction', async () => {
    await using test = await setUp()
    const { client, id } = test
    const producer = await client.init(id)
    const topics = [{ name: '__transaction_state', partitions: [0] }]
    expect(await client.addPartitions(id, producer, topics)).toEqual({
      '__transaction_state-0': 'TOPIC_AUTHORIZATION_FAILED',
    })
  })

  it('refuses what is written outside of a transaction, in the words that the version knows', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    const write = (version: number) =>
      client.produce(topic, 0, ['a'], producer, { transactionalId: id, version })
    expect(await write(11)).toMatchObject({ error: 'TRANSACTION_ABORTABLE', message: null })
    expect(await write(10)).toMatchObject({
      error: 'INVALID_TXN_STATE',
      message: 'Partition was not added to the transaction',
    })
    expect(await client.produce(topic, 0, ['a'], producer, { isTransactional: true })).toMatchObject({
      error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    })
    await client.addPartitions(id, producer, [{ name: topic, partitions: [0] }])
    expect(await write(11)).toMatchObject({ error: ok, offset: 0 })
    // It comes again while the transaction is open, and once more when it is over.
    expect(await write(11)).toMatchObject({ error: ok, offset: 0 })
    await client.end(id, producer, true, 4)
    expect(await write(11)).toMatchObject({ error: 'TRANSACTION_ABORTABLE' })
  })

  it('lets no producer write outside of the transaction that it has open', async () => {
    await using test = await setUp()
    const { client, topic, id } = test
    const producer = await client.init(id)
    await client.produce(topic, 0, ['a'], producer, { transactionalId: id })
    expect(await client.produce(topic, 0, ['b'], producer, { baseSequence: 1 })).toMatchObject({
      error: 'INVALID_TXN_STATE',
    })
    expect(
      await client.produce(topic, 1, ['b'], producer, { transactionalId: id, baseSequence: 3 }),
    ).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  })

  it('raises the epoch of a producer that goes on after an error, once for each request (KIP-360)', async () => {
    await using test = await setUp()
    const { client, id } = test
    const first = await client.init(id)
    const second = await client.init(id, first)
    expect(second).toMatchObject({ error: ok, producerId: first.producerId, producerEpoch: 1 })
    expect(await client.init(id, first)).toEqual(second)
    const third = await client.init(id, second)
    expect(third).toMatchObject({ error: ok, producerEpoch: 2 })
    expect(await client.init(id, first)).toMatchObject({ error: 'PRODUCER_FENCED', producerId: -1n })
    expect(await client.init(id, { ...first, version: 3 })).toMatchObject({ error: 'INVALID_PRODUCER_EPOCH' })
    expect(await client.init(id, { ...third, producerId: 1_000_000_000n })).toMatchObject({
      error: 'PRODUCER_FENCED',
    })
  })

  it('refuses to initialize with half an identity, no id or a time-out that is out of bounds', async () => {
    await using test = await setUp()
    const { client, id } = test
    expect(await client.init(id, { producerId: 1n })).toMatchObject({ error: 'INVALID_REQUEST' })
    expect(await client.init('')).toMatchObject({ error: 'INVALID_REQUEST' })
    expect(await client.init(id, { timeoutMs: 0 })).toMatchObject({ error: 'INVALID_TRANSACTION_TIMEOUT' })
    expect(await client.init(id, { timeoutMs: 900_001 })).toMatchObject({
      error: 'INVALID_TRANSACTION_TIMEOUT',
    })
    expect(await client.init(null, { timeoutMs: 0 })).toMatchObject({ error: ok, producerEpoch: 0 })
  })

  it('begins no transaction for an id that nobody has initialized', async () => {
    await using test = await setUp()
    const { client, topic } = test
    const stranger = { producerId: 1_000_000_000n, producerEpoch: 0 }
    const id = `unknown-${randomUUID()}`
    await client.coordinator(id, 1)
    const error = 'INVALID_PRODUCER_ID_MAPPING'
    expect(await client.endOnce(id, stranger, true)).toMatchObject({ error })
    expect(await client.produce(topic, 0, ['a'], stranger, { transactionalId: id })).toMatchObject({ error })
    expect(await client.addOffsets(id, stranger, `group-${randomUUID()}`)).toBe(error)
  })
})

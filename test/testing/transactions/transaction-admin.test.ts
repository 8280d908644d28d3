import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { TransactionClient } from '../support/transaction-client.ts'

describeEitherKafka('what admins see of transactions, and do about them', (kafka) => {
  async function setUp() {
    const client = await TransactionClient.connect(kafka.bootstrapServers)
    const topic = `orders-${randomUUID()}`
    const id = `tx-${randomUUID()}`
    await client.createTopic(topic, 2)
    const producer = await client.init(id, { timeoutMs: 45_000 })
    return { client, topic, id, producer, [Symbol.asyncDispose]: () => client.raw.close() }
  }

  it('describes a transaction in each of its states', async () => {
    await using test = await setUp()
    const { client, topic, id, producer } = test
    const { producerId } = producer
    expect(await client.describe(id)).toEqual({
      error: 'NONE',
      state: 'Empty',
      timeoutMs: 45_000,
      startTimeMs: -1,
      producerId,
      producerEpoch: 0,
      partitions: [],
    })
    const before = Date.now()
    for (const partition of [0, 1])
      await client.produce(topic, partition, ['a'], producer, { transactionalId: id })
    const open = await client.describe(id)
    expect(open).toMatchObject({ state: 'Ongoing', producerId, producerEpoch: 0 })
    expect(open.partitions.sort()).toEqual([`${topic}-0`, `${topic}-1`])
    expect(open.startTimeMs).toBeGreaterThanOrEqual(before)
    await client.end(id, producer, true)
    expect(await client.describe(id)).toMatchObject({
      state: 'CompleteCommit',
      startTimeMs: open.startTimeMs,
      producerEpoch: 1,
      partitions: [],
    })
    expect(await client.describe(`none-${id}`)).toMatchObject({ error: 'TRANSACTIONAL_ID_NOT_FOUND' })
    expect(await client.describe('')).toMatchObject({ error: 'INVALID_REQUEST' })
  })

  it('lists transactions by state, producer, duration and a pattern for the whole id', async () => {
    await using test = await setUp()
    const { client, topic, id, producer } = test
    const { producerId } = producer
    await client.produce(topic, 0, ['a'], producer, { transactionalId: id })
    const mine = [{ transactionalId: id, producerId, transactionState: 'Ongoing' }]
    const list = async (filters: Parameters<TransactionClient['list']>[0], version = 2) => {
      const { error, unknownStateFilters, transactionStates } = await client.list(filters, version)
      const found = transactionStates.filter(({ transactionalId }) => transactionalId === id)
      return { error, unknown: unknownStateFilters, found }
    }
    const all = { error: 'NONE', unknown: [], found: mine }
    const none = { ...all, found: [] }
    expect(await list({}, 0)).toEqual(all)
    expect(await list({ stateFilters: ['Ongoing'] })).toEqual(all)
    expect(await list({ stateFilters: ['Empty', 'Dead'] })).toEqual(none)
    expect(await list({ stateFilters: ['Open', 'Ongoing'] })).toEqual({ ...all, unknown: ['Open'] })
    expect(await list({ stateFilters: ['Open'] })).toEqual({ ...none, unknown: ['Open'] })
    expect(await list({ producerIdFilters: [producerId] })).toEqual(all)
    expect(await list({ producerIdFilters: [producerId + 1_000_000n] })).toEqual(none)
    expect(await list({ durationFilter: 1_000_000n })).toEqual(none)
    expect(await list({ transactionalIdPattern: `${id.slice(0, 20)}.*` })).toEqual(all)
    expect(await list({ transactionalIdPattern: id.slice(0, 20) })).toEqual(none)
    expect(await list({ transactionalIdPattern: '' })).toEqual(all)
    expect(await list({ transactionalIdPattern: '(' })).toEqual({
      ...none,
      error: 'INVALID_REGULAR_EXPRESSION',
    })
  })

  it('shows where the open transaction of a producer begins', async () => {
    await using test = await setUp()
    const { client, topic, id, producer } = test
    await client.produce(topic, 0, ['a', 'b'], producer, { transactionalId: id })
    const open = await client.describeProducers(topic, 0)
    expect(open.producers).toMatchObject([
      { producerId: producer.producerId, producerEpoch: 0, lastSequence: 1, currentTxnStartOffset: 0n },
    ])
    await client.end(id, producer, true)
    const ended = await client.describeProducers(topic, 0)
    expect(ended.producers).toMatchObject([
      { producerEpoch: 1, lastSequence: -1, currentTxnStartOffset: -1n },
    ])
  })

  it('ends a hanging transaction by a marker of its producer', async () => {
    await using test = await setUp()
    const { client, topic, id, producer } = test
    await client.produce(topic, 0, ['hangs'], producer, { transactionalId: id })
    expect(await client.writeMarker(producer, topic, 0, false)).toBe('NONE')
    expect(await client.read(topic, 0)).toMatchObject({
      values: [],
      markers: ['1:ABORT:0'],
      aborted: [{ producerId: producer.producerId, firstOffset: 0 }],
      lastStableOffset: 2,
    })
    // The coordinator knows nothing of it.
    expect(await client.describe(id)).toMatchObject({ state: 'Ongoing' })
    expect(await client.writeMarker(producer, topic, 9, false)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('refuses markers of an older epoch, or of an older coordinator', async () => {
    await using test = await setUp()
    const { client, topic } = test
    const stranger = { producerId: 1_000_000_000n, producerEpoch: 5 }
    const mark = (producerEpoch: number, coordinatorEpoch: number) =>
      client.writeMarker({ ...stranger, producerEpoch }, topic, 0, true, { coordinatorEpoch })
    expect(await mark(5, 3)).toBe('NONE')
    expect(await mark(5, 3)).toBe('NONE')
    expect(await mark(4, 3)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await mark(5, 2)).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(await mark(6, 4)).toBe('NONE')
    expect((await client.read(topic, 0)).markers).toEqual(['0:COMMIT:5', '1:COMMIT:5', '2:COMMIT:6'])
  })

  it('refuses a late marker of transactions that raise the epoch, but takes a repeated one (KIP-1228)', async () => {
    await using test = await setUp()
    const { client, topic, id, producer } = test
    const options = { version: 2, transactionVersion: 2 }
    await client.produce(topic, 0, ['a'], producer, { transactionalId: id })
    expect(await client.writeMarker(producer, topic, 0, true, options)).toBe('INVALID_PRODUCER_EPOCH')
    const next = { ...producer, producerEpoch: 1 }
    expect(await client.writeMarker(next, topic, 0, true, options)).toBe('NONE')
    expect(await client.writeMarker(next, topic, 0, true, options)).toBe('NONE')
    expect(await client.read(topic, 0)).toMatchObject({
      values: ['a'],
      markers: ['1:COMMIT:1', '2:COMMIT:1'],
    })
  })
})

import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { addOffsetsToTxn } from '../../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/apis/add-partitions-to-txn.ts'
import { initProducerId } from '../../../src/protocol/apis/init-producer-id.ts'
import { txnOffsetCommit } from '../../../src/protocol/apis/txn-offset-commit.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import type { StartKafkaOptions } from '../../../src/testing/options.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import { TransactionClient } from '../support/transaction-client.ts'

/** What only a broker in memory can be made to do: time that jumps, markers that are late, epochs that run out. */
describe('transactions in memory', () => {
  async function setUp(options: StartKafkaOptions = {}) {
    const kafka = await startKafka({ seed: 1, topics: [{ name: 'orders', numPartitions: 2 }], ...options })
    const client = await TransactionClient.connect(kafka.bootstrapServers)
    const id = `tx-${randomUUID()}`
    return {
      kafka,
      client,
      id,
      transactions: kafka.cluster.transactions,
      async [Symbol.asyncDispose]() {
        await client.raw.close()
        await kafka.close()
      },
    }
  }

  it('are aborted at their time-out, and their producer is fenced', async () => {
    await using test = await setUp()
    const { kafka, client, id } = test
    const producer = await client.init(id, { timeoutMs: 30_000 })
    await client.produce('orders', 0, ['a'], producer, { transactionalId: id })
    await kafka.advanceClock(29_000)
    expect(await client.describe(id)).toMatchObject({ state: 'Ongoing' })
    // More partitions give no more time.
    await client.produce('orders', 1, ['b'], producer, { transactionalId: id })
    await kafka.advanceClock(1_000)
    expect(await client.describe(id)).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 })
    for (const partition of [0, 1]) {
      expect(await client.read('orders', partition)).toMatchObject({ values: [], markers: ['1:ABORT:1'] })
    }
    const options = { transactionalId: id, baseSequence: 1 }
    expect(await client.produce('orders', 0, ['c'], producer, options)).toMatchObject({
      error: 'INVALID_PRODUCER_EPOCH',
    })
    expect(await client.end(id, producer, true, 4)).toMatchObject({ error: 'PRODUCER_FENCED' })
    // It may go on with the epoch that fenced it, until somebody else comes (KIP-588).
    expect(await client.init(id, producer)).toMatchObject({ error: 'NONE', producerEpoch: 1 })
    expect(await client.init(id)).toMatchObject({ error: 'NONE', producerEpoch: 2 })
    expect(await client.init(id, producer)).toMatchObject({ error: 'PRODUCER_FENCED' })
  })

  it('have no time-out any more once they are ended', async () => {
    await using test = await setUp()
    const { kafka, client, id } = test
    const producer = await client.init(id, { timeoutMs: 30_000 })
    await client.produce('orders', 0, ['a'], producer, { transactionalId: id })
    const next = await client.end(id, producer, true)
    await kafka.advanceClock(20_000)
    await client.produce('orders', 0, ['b'], next, { transactionalId: id })
    await kafka.advanceClock(20_000)
    expect(await client.end(id, next, true)).toMatchObject({ error: 'NONE', producerEpoch: 2 })
    expect((await client.read('orders', 0)).values).toEqual(['a', 'b'])
  })

  it('are forgotten when their id was not used for transactional.id.expiration.ms', async () => {
    await using test = await setUp({ configs: { 'transactional.id.expiration.ms': 60_000 } })
    const { kafka, client, id } = test
    const producer = await client.init(id, { timeoutMs: 900_000 })
    await client.produce('orders', 0, ['a'], producer, { transactionalId: id })
    await kafka.advanceClock(61_000)
    expect(await client.describe(id)).toMatchObject({ state: 'Ongoing' })
    await client.end(id, producer, true)
    await kafka.advanceClock(61_000)
    expect(await client.describe(id)).toMatchObject({ error: 'TRANSACTIONAL_ID_NOT_FOUND' })
    expect((await client.list({})).transactionStates).toEqual([])
    const other = await client.init(id)
    expect(other).toMatchObject({ error: 'NONE', producerEpoch: 0 })
    expect(other.producerId).not.toBe(producer.producerId)
  })

  it('get another producer id when the epochs are used up (version 2)', async () => {
    await using test = await setUp()
    const { client, id, transactions } = test
    const { producerId } = await client.init(id)
    const last = { producerId, producerEpoch: 32_766 }
    transactions.get(id)!.producerEpoch = last.producerEpoch
    await client.produce('orders', 0, ['a'], last, { transactionalId: id })
    const next = await client.end(id, last, true)
    expect(next).toMatchObject({ error: 'NONE', producerEpoch: 0 })
    expect(next.producerId).not.toBe(producerId)
    // The marker has the one epoch that no client is ever given.
    expect(await client.read('orders', 0)).toMatchObject({ values: ['a'], markers: ['1:COMMIT:32767'] })
    expect(await client.end(id, last, true)).toEqual(next)
    expect(await client.init(id, last)).toMatchObject({ error: 'NONE', producerEpoch: 0 })
    expect(await client.produce('orders', 0, ['b'], next, { transactionalId: id })).toMatchObject({
      error: 'NONE',
      offset: 2,
    })
  })

  it('get another producer id when it is initialized with the epochs used up', async () => {
    await using test = await setUp()
    const { client, id, transactions } = test
    const { producerId } = await client.init(id)
    transactions.get(id)!.producerEpoch = 32_766
    const next = await client.init(id)
    expect(next).toMatchObject({ error: 'NONE', producerEpoch: 0 })
    expect(next.producerId).not.toBe(producerId)
    const last = { producerId: next.producerId, producerEpoch: 32_766 }
    transactions.get(id)!.producerEpoch = last.producerEpoch
    const after = await client.init(id, last)
    expect(after).toMatchObject({ error: 'NONE', producerEpoch: 0 })
    // The answer got lost.
    expect(await client.init(id, last)).toEqual(after)
  })

  it('are concurrent with what comes while their markers are not written', async () => {
    await using test = await setUp()
    const { client, id, transactions } = test
    const producer = await client.init(id)
    const release = transactions.holdMarkers()
    await client.produce('orders', 0, ['a'], producer, { transactionalId: id })
    const next = await client.endOnce(id, producer, true)
    expect(next).toMatchObject({ error: 'NONE', producerEpoch: 1 })
    expect(await client.describe(id)).toMatchObject({ state: 'PrepareCommit', partitions: ['orders-0'] })
    const error = 'CONCURRENT_TRANSACTIONS'
    expect(await client.endOnce(id, producer, true)).toMatchObject({ error })
    expect(await client.endOnce(id, producer, false)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    expect(await client.init(id, { retries: false })).toMatchObject({ error })
    expect(await client.read('orders', 0)).toMatchObject({ values: [], lastStableOffset: 0 })
    const written = client.produce('orders', 1, ['b'], next, { transactionalId: id })
    const added = client.addPartitions(id, next, [{ name: 'orders', partitions: [0] }])
    release()
    release()
    expect(await client.describe(id)).toMatchObject({ partitions: expect.arrayContaining(['orders-1']) })
    expect(await written).toMatchObject({ error: 'NONE' })
    expect(await added).toEqual({ 'orders-0': 'NONE' })
    expect((await client.read('orders', 0)).values).toEqual(['a'])
  })

  it('wait with the marker for a partition that has no leader, or too few replicas in sync', async () => {
    const topic = { name: 'orders', numPartitions: 2, replicationFactor: 1 }
    await using test = await setUp({
      brokers: 2,
      topics: [topic],
      configs: { 'transaction.state.log.replication.factor': 2 },
    })
    const { kafka, client, id, transactions } = test
    const away = kafka.cluster.topics.get('orders')!.partitions.find(({ leader }) => leader === 2)!
    transactions.init(id, 60_000, null)
    const metadata = transactions.get(id)!
    expect(transactions.add(id, metadata, [{ topic: 'orders', partition: away.index }], 0)).toBe('NONE')
    await kafka.stopBroker(2)
    expect(transactions.end(id, metadata, true, 0)).toMatchObject({ producerEpoch: 0 })
    expect(await client.describe(id)).toMatchObject({
      state: 'PrepareCommit',
      partitions: [`orders-${away.index}`],
    })
    await kafka.startBroker(2)
    expect(await client.describe(id)).toMatchObject({ error: expect.stringMatching(/NONE|NOT_COORDINATOR/) })
    expect(metadata).toMatchObject({ state: 'CompleteCommit' })
    expect(away.log.logEndOffset).toBe(1)
  })

  it('go on at another coordinator, whose epoch is in the markers', async () => {
    await using test = await setUp({ brokers: 2, topics: ['orders'] })
    const { kafka, id, client } = test
    kafka.cluster.coordinators.find('transaction', id)
    const coordinator = kafka.cluster.coordinators.partition('transaction', id)
    if (coordinator.leader !== 1) kafka.moveLeader('__transaction_state', coordinator.index, 1)
    const epoch = coordinator.leaderEpoch
    const producer = await client.init(id)
    await client.addPartitions(id, producer, [{ name: 'orders', partitions: [0] }])
    kafka.rehashCoordinators()
    expect(await client.endOnce(id, producer, true)).toMatchObject({ error: 'NOT_COORDINATOR' })
    expect(await client.describe(id)).toMatchObject({ error: 'NOT_COORDINATOR' })
    await using other = await TransactionClient.connect(kafka.bootstrapServers.split(',')[1]!)
    expect(await other.endOnce(id, producer, true)).toMatchObject({ error: 'NONE' })
    const { producers } = kafka.cluster.topics.partition('orders', 0)!.log
    expect(producers.get(producer.producerId)).toMatchObject({ coordinatorEpoch: epoch + 1 })
  })

  it('lose the partitions of a topic that is deleted, and end all the same', async () => {
    await using test = await setUp({ topics: ['orders', 'gone'] })
    const { kafka, client, id } = test
    const producer = await client.init(id)
    await client.produce('orders', 0, ['a'], producer, { transactionalId: id })
    await client.produce('gone', 0, ['a'], producer, { transactionalId: id })
    kafka.cluster.topics.delete(kafka.cluster.topics.get('gone')!)
    expect(await client.end(id, producer, true)).toMatchObject({ error: 'NONE' })
    expect((await client.read('orders', 0)).values).toEqual(['a'])
  })

  it('are not verified by a Kafka before 3.6: what is written outside of them hangs', async () => {
    await using test = await setUp({ version: '2.8' })
    const { client, id } = test
    const { error, ...producer } = await client.init(id, { version: 4 })
    expect(error).toBe('NONE')
    const options = { transactionalId: id, version: 9 }
    expect(await client.produce('orders', 0, ['a'], producer, options)).toMatchObject({ error: 'NONE' })
    expect(await client.read('orders', 0)).toMatchObject({ values: [], lastStableOffset: 0 })
  })
})

describe('idempotent producers in memory', () => {
  it('are forgotten after producer.id.expiration.ms', async () => {
    await using kafka = await startKafka({
      topics: ['orders'],
      configs: { 'producer.id.expiration.ms': 60_000 },
    })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const producer = await client.init(null)
    const write = async (baseSequence: number) =>
      await client.produce('orders', 0, ['a'], producer, { baseSequence })
    expect(await write(0)).toMatchObject({ error: 'NONE', offset: 0 })
    await kafka.advanceClock(50_000)
    expect(await write(0)).toMatchObject({ error: 'NONE', offset: 0 })
    expect(await write(1)).toMatchObject({ error: 'NONE', offset: 1 })
    await kafka.advanceClock(50_000)
    expect((await client.describeProducers('orders', 0)).producers).toHaveLength(1)
    await kafka.advanceClock(11_000)
    expect((await client.describeProducers('orders', 0)).producers).toEqual([])
    // Nothing is known of it, so it is no duplicate.
    expect(await write(1)).toMatchObject({ error: 'NONE', offset: 2 })
  })

  it('of whom a log knows nothing must begin with 0 at a Kafka before 2.5', async () => {
    await using kafka = await startKafka({ topics: ['orders'], version: '2.1' })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const producer = await client.init(null, { version: 1 })
    const write = async (baseSequence: number) =>
      await client.produce('orders', 0, ['a'], producer, { baseSequence, version: 7 })
    expect(await write(3)).toMatchObject({ error: 'UNKNOWN_PRODUCER_ID' })
    expect(await write(0)).toMatchObject({ error: 'NONE' })
  })
})

describe('aborted transactions in memory', () => {
  it('are forgotten with the part of the log that they lie in', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    let producer: { producerId: bigint; producerEpoch: number } = await client.init('tx')
    for (const value of ['a', 'b', 'c']) {
      await client.produce('orders', 0, [value], producer, { transactionalId: 'tx' })
      producer = await client.end('tx', producer, false)
    }
    const { log } = kafka.cluster.topics.partition('orders', 0)!
    log.deleteBefore(3)
    expect(log.producers.aborted.map(({ firstOffset }) => firstOffset)).toEqual([2, 4])
  })

  it('hold the last stable offset at the start of the log when that has passed their first record', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const producer = await client.init('tx')
    await client.produce('orders', 0, ['a', 'b', 'c'], producer, { transactionalId: 'tx' })
    const { log } = kafka.cluster.topics.partition('orders', 0)!
    expect(log.lastStableOffset).toBe(0)
    log.deleteBefore(2)
    expect(log.lastStableOffset).toBe(2)
  })
})

describe('transactions of a Kafka of another version', () => {
  it.each(['2.1', '2.8', '3.9'] as const)('do not raise the epoch (%s)', async (version) => {
    await using kafka = await startKafka({ version, topics: ['out'] })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const producer = await client.init('tx', { version: 1 })
    const options = { transactionalId: 'tx', version: 7 }
    for (const [baseSequence, commit] of [
      [0, true],
      [1, false],
      [2, true],
    ] as const) {
      await client.addPartitions('tx', producer, [{ name: 'out', partitions: [0] }], 1)
      await client.produce('out', 0, [`v${baseSequence}`], producer, { ...options, baseSequence })
      expect(await client.endOnce('tx', producer, commit, 1)).toMatchObject({ error: 'NONE' })
    }
    expect(await client.read('out', 0, true, 10)).toMatchObject({
      values: ['v0', 'v2'],
      markers: ['1:COMMIT:0', '3:ABORT:0', '5:COMMIT:0'],
    })
  })
})

describe('transactions of somebody who may not', () => {
  it('are refused by the codes of what is missing', async () => {
    await using kafka = await startKafka({ topics: ['orders'], acls: {} })
    kafka.cluster.coordinators.find('transaction', 'tx')
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const { TRANSACTIONAL_ID_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED } = errors
    const identity = { producerId: 1n, producerEpoch: 0 }
    const init = async (transactionalId: string | null) =>
      (await client.send(initProducerId, 5, { transactionalId, transactionTimeoutMs: 1_000 })).errorCode
    expect(await init('tx')).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(await init(null)).toBe(CLUSTER_AUTHORIZATION_FAILED)
    expect(await client.addPartitions('tx', identity, [{ name: 'orders', partitions: [0] }])).toEqual({
      'orders-0': 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    })
    expect(await client.send(addPartitionsToTxn, 4, { transactions: [] })).toMatchObject({
      errorCode: CLUSTER_AUTHORIZATION_FAILED,
    })
    expect(
      await client.send(addOffsetsToTxn, 3, { transactionalId: 'tx', ...identity, groupId: 'g' }),
    ).toEqual({
      throttleTimeMs: 0,
      errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    })
    const error = 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
    expect(await client.endOnce('tx', identity, true)).toMatchObject({ error })
    expect(await client.describe('tx')).toMatchObject({ error })
    expect(await client.writeMarker(identity, 'orders', 0, true)).toBe('CLUSTER_AUTHORIZATION_FAILED')
    expect(await client.describeProducers('orders', 0)).toMatchObject({ error: 'TOPIC_AUTHORIZATION_FAILED' })
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1n }] }]
    const commit = { transactionalId: 'tx', groupId: 'g', ...identity, topics }
    expect((await client.send(txnOffsetCommit, 5, commit)).topics[0]!.partitions).toEqual([
      { partitionIndex: 0, errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
    ])
  })
})

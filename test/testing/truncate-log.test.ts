import { describe, expect, it } from 'vitest'
import { startKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

describe('truncateLog', () => {
  it('takes away the batch that holds the offset and all behind it, and begins another epoch elsewhere', async () => {
    await using kafka = await startKafka({ brokers: 2, topics: [{ name: 'orders', replicationFactor: 2 }] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await writer.write('orders', 0, values)
    const partition = kafka.cluster.topics.partition('orders', 0)!
    const { leader, leaderEpoch } = partition
    expect(kafka.truncateLog('orders', 0, 3)).toBe(2)
    expect(kafka.records('orders').map(({ value }) => value?.toString())).toEqual(['a', 'b'])
    expect(partition.leader).not.toBe(leader)
    expect(partition.leaderEpoch).toBe(leaderEpoch + 1)
    expect(partition.log.epochs.endOffsetFor(leaderEpoch, 2)).toEqual({ epoch: leaderEpoch, endOffset: 2 })
    await writer.cluster.metadata.refresh(['orders'])
    expect(await writer.write('orders', 0, ['C'])).toBe(2)
    expect([...partition.log.batches()].map(({ batch }) => batch.leaderEpoch)).toEqual([
      leaderEpoch,
      leaderEpoch + 1,
    ])
  })

  it('forgets the epochs that are gone, and leaves a shorter log as it is', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a'])
    expect(kafka.truncateLog('orders', 0, 5)).toBe(1)
    await writer.cluster.metadata.refresh(['orders'])
    await writer.write('orders', 0, ['b'])
    expect(kafka.truncateLog('orders', 0, 0)).toBe(0)
    const { log, leaderEpoch } = kafka.cluster.topics.partition('orders', 0)!
    expect(leaderEpoch).toBe(2)
    expect(log.epochs.endOffsetFor(1, 0)).toEqual({ epoch: 0, endOffset: 0 })
    expect(kafka.records('orders')).toEqual([])
  })

  it('takes back what transactions have written there', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a'], await writer.initTransactions('t'), 't')
    await writer.initTransactions('t')
    const { log } = kafka.cluster.topics.partition('orders', 0)!
    expect([log.logEndOffset, log.lastStableOffset]).toEqual([2, 2])
    expect(log.abortedBetween(0, 2)).toHaveLength(1)
    expect(kafka.truncateLog('orders', 0, 1)).toBe(1)
    // Its marker is gone: it is open again.
    expect(log.lastStableOffset).toBe(0)
    expect(log.abortedBetween(0, 1)).toEqual([])
    expect(kafka.truncateLog('orders', 0, 0)).toBe(0)
    expect(log.lastStableOffset).toBe(0)
    expect(log.producers.firstOpenOffset).toBeNull()
  })

  it('says what cannot be', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    expect(() => kafka.truncateLog('orders', 0, -1)).toThrow(
      'offset must be a safe integer, at least 0, not -1',
    )
    expect(() => kafka.truncateLog('orders', 1, 0)).toThrow('there is no partition orders-1')
  })
})

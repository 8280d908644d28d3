import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { startKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

describe('Consumer.metrics', () => {
  it("has figures of reading, commits and rebalances under Java's names", async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a', 'b', 'c', 'd'])
    await using consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      clientId: 'shop',
      groupId: 'billing',
      topics: ['orders'],
      autoOffsetReset: 'earliest',
      maxPollRecords: 3,
    })
    await consumer.poll({ timeoutMs: 10_000 })
    await consumer.commit()
    const metrics = await consumer.metrics()
    const figure = (name: string, topic?: string) =>
      metrics.find((one) => one.name === name && one.tags.topic === topic)?.value
    const known = {
      'records-consumed-total': 3,
      'records-lag-max': 1,
      'commit-total': 1,
      'rebalance-total': 1,
      'assigned-partitions': 1,
    }
    expect(Object.fromEntries(Object.keys(known).map((name) => [name, figure(name)]))).toEqual(known)
    expect(figure('records-consumed-total', 'orders')).toBe(3)
    expect(figure('records-lag', 'orders')).toBe(1)
    expect(figure('bytes-consumed-total')).toBe(figure('bytes-consumed-total', 'orders'))
    for (const name of [
      'bytes-consumed-rate',
      'records-consumed-rate',
      'fetch-latency-avg',
      'commit-latency-max',
    ]) {
      expect(figure(name), name).toBeGreaterThan(0)
    }
    expect(figure('last-poll-seconds-ago')).toBeLessThan(10)
    expect(metrics[0]!.tags).toEqual({ 'client-id': 'shop' })
    expect(metrics.every(({ description }) => description !== '')).toBe(true)
    await consumer.poll({ timeoutMs: 10_000 })
    const again = await consumer.metrics()
    expect(again.find(({ name }) => name === 'time-between-poll-avg')!.value).toBeGreaterThan(0)
  })
})

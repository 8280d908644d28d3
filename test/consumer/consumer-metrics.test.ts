import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { failWith, startKafka } from '../../src/testing/index.ts'
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

  it('has figures of each broker, heartbeats, joins, hooks and partitions', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a', 'b', 'c', 'd'])
    await using consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      groupId: 'billing',
      topics: ['orders'],
      autoOffsetReset: 'earliest',
      heartbeatIntervalMs: 20,
      fetchMaxWaitMs: 20,
      onPartitionsAssigned: () => new Promise((resolve) => setTimeout(resolve, 30)),
    })
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 3 })
    await consumer.committed([{ topic: 'orders', partition: 0 }])
    await expect.poll(() => kafka.requests.all('Heartbeat').length, { timeout: 10_000 }).toBeGreaterThan(1)
    const metrics = await consumer.metrics()
    const figure = (name: string, tags: Readonly<Record<string, string>> = {}) =>
      metrics.find(
        (one) => one.name === name && Object.entries(tags).every(([tag, value]) => one.tags[tag] === value),
      )?.value

    const node = { 'node-id': `node-${kafka.brokerIds[0]}` }
    for (const name of ['request-latency-avg', 'request-latency-max', 'request-rate', 'response-rate']) {
      expect(figure(name, node), name).toBeGreaterThan(0)
    }
    expect(figure('outgoing-byte-rate', node)).toBe(figure('outgoing-byte-rate'))
    expect(figure('incoming-byte-total', node)).toBe(figure('incoming-byte-total'))
    expect(figure('heartbeat-total')).toBeGreaterThan(0)
    expect(figure('last-heartbeat-seconds-ago')).toBeLessThan(10)
    expect(figure('join-total')).toBe(1)
    expect(figure('sync-total')).toBe(1)
    expect(figure('rebalance-total')).toBe(1)
    expect(figure('failed-rebalance-total')).toBe(0)
    expect(figure('rebalance-latency-avg')).toBeGreaterThanOrEqual(figure('join-time-avg')!)
    expect(figure('partition-assigned-latency-max')).toBeGreaterThan(25)
    expect(figure('partition-lost-latency-max')).toBeNaN()
    expect(figure('committed-time-ns-total')).toBeGreaterThan(0)
    expect(figure('poll-idle-ratio-avg')).toBeNaN()
    const partition = { topic: 'orders', partition: '0' }
    expect([figure('records-lag', partition), figure('records-lead', partition)]).toEqual([1, 3])
    expect(figure('records-lead-min')).toBe(3)
    expect(figure('records-per-request-avg')).toBeGreaterThan(0)
    expect(consumer.currentLag({ topic: 'orders', partition: 0 })).toBe(1)

    await consumer.poll({ timeoutMs: 10_000 })
    await consumer.poll({ timeoutMs: 50 })
    const later = await consumer.metrics()
    const idle = later.find(({ name }) => name === 'poll-idle-ratio-avg')!.value
    expect(idle).toBeGreaterThan(0)
    expect(idle).toBeLessThanOrEqual(1)
    expect(later.find(({ name }) => name === 'records-lag-max')!.value).toBe(1)
  })

  it('counts a rebalance that was begun anew before it came to an assignment', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      groupId: 'billing',
      topics: ['orders'],
    })
    kafka.control('SyncGroup', () => failWith('REBALANCE_IN_PROGRESS'), { times: 2 })
    await consumer.poll({ timeoutMs: 100 })
    await expect.poll(() => consumer.assignment(), { timeout: 10_000 }).toHaveLength(1)
    const metrics = await consumer.metrics()
    const known = { 'failed-rebalance-total': 2, 'rebalance-total': 1, 'join-total': 3, 'sync-total': 1 }
    const found = metrics.filter(({ name }) => name in known).map(({ name, value }) => [name, value])
    expect(Object.fromEntries(found)).toEqual(known)
  })
})

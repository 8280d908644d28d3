import { describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { beginEarliest, startShareKafka, workers, writeJobs } from '../../support/share-kafka.ts'

describe('ShareConsumer.metrics', () => {
  it("has figures of reading and acknowledging under the names of Java's share consumer", async () => {
    await using kafka = await startShareKafka()
    beginEarliest(kafka, 'workers')
    await writeJobs(kafka, ['a', 'b', 'c'])
    await using consumer = new Kafka({
      bootstrapServers: kafka.bootstrapServers,
      clientId: 'shop',
    }).shareConsumer({ ...workers, shareAcknowledgementMode: 'explicit' })
    const figures = async () =>
      new Map((await consumer.metrics()).map(({ group, name, value }) => [`${group} ${name}`, value]))
    const idle = await figures()
    expect(idle.get('consumer-share-fetch-manager-metrics records-consumed-total')).toBe(0)
    expect(idle.get('consumer-share-metrics last-poll-seconds-ago')).toBeNaN()

    const [first, ...rest] = await consumer.poll({ timeoutMs: 10_000 })
    consumer.acknowledge(first!)
    await consumer.commit()
    await kafka.advanceClock(31_000)
    for (const record of rest) consumer.acknowledge(record)
    await consumer.commit()
    await consumer.poll()

    const told = await figures()
    const ofFetches = (name: string) => told.get(`consumer-share-fetch-manager-metrics ${name}`)
    expect(ofFetches('records-consumed-total')).toBe(3)
    expect(ofFetches('records-per-request-max')).toBe(3)
    expect(ofFetches('acknowledgements-send-total')).toBe(3)
    expect(ofFetches('acknowledgements-error-total')).toBe(2)
    for (const name of ['fetch-total', 'fetch-latency-avg', 'fetch-size-max', 'bytes-consumed-rate']) {
      expect(ofFetches(name), name).toBeGreaterThan(0)
    }
    expect(told.get('consumer-share-metrics time-between-poll-avg')).toBeGreaterThan(0)
    expect(told.get('consumer-share-metrics last-poll-seconds-ago')).toBeLessThan(10)
    expect(told.get('consumer-share-coordinator-metrics rebalance-total')).toBe(1)
    expect(told.get('consumer-share-coordinator-metrics heartbeat-total')).toBeGreaterThan(0)
    expect(told.get('consumer-metrics request-total')).toBeGreaterThan(0)

    const metrics = await consumer.metrics()
    expect(metrics.every(({ tags }) => tags['client-id'] === 'shop')).toBe(true)
    expect(metrics.every(({ description }) => description !== '')).toBe(true)
    expect(
      metrics.some(({ group, tags }) => group === 'consumer-node-metrics' && tags['node-id'] === 'node-1'),
    ).toBe(true)
  })
})

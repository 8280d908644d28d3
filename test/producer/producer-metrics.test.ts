import { describe, expect, test } from 'vitest'
import type { Metric } from '../../src/metrics/metric.ts'
import { Producer } from '../../src/producer/producer.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { startKafka } from '../../src/testing/index.ts'
import { startProducer } from '../support/start-producer.ts'

const notEnoughReplicas = 19

type Figures = Readonly<Record<string, number>>

/** The figures of the client by name, and those of topic `t`. */
async function figures(producer: Producer): Promise<{ client: Figures; topic: Figures; all: Metric[] }> {
  const all = await producer.metrics()
  const of = (group: string) =>
    Object.fromEntries(all.filter((one) => one.group === group).map(({ name, value }) => [name, value]))
  return { client: of('producer-metrics'), topic: of('producer-topic-metrics'), all }
}

describe('metrics of a producer', () => {
  test('are there under names of Java, with tags and words, before anything was sent', async () => {
    const { producer } = await startProducer({ clientId: 'shop' })
    const { all, client } = await figures(producer)
    expect(all.length).toBeGreaterThan(40)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    for (const { name, group, tags, description } of all) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect([group, tags]).toEqual(['producer-metrics', { 'client-id': 'shop' }])
      expect(description.length).toBeGreaterThan(10)
    }
    expect(client['record-send-total']).toBe(0)
    expect(client['batch-size-avg']).toBe(Number.NaN)
    expect(client['buffer-available-bytes']).toBe(33_554_432)
    expect(client['connection-count']).toBe(0)
    expect(client['metadata-age']).toBe(Number.NaN)
  })

  test('count records, batches and bytes, of all topics and of each', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 5 })
    await producer.sendMany([
      { topic: 't', value: 'x'.repeat(10) },
      { topic: 't', value: 'x'.repeat(1_000) },
      { topic: 't', value: 'x'.repeat(10) },
    ])
    const { client, topic, all } = await figures(producer)
    const [batch] = cluster.batches
    expect(cluster.batches).toHaveLength(1)
    expect(client).toMatchObject({
      'record-send-total': 3,
      'records-per-request-avg': 3,
      'batch-size-avg': batch!.size,
      'batch-size-max': batch!.size,
      'compression-rate-avg': 1,
      'record-size-avg': (batch!.size - 61) / 3,
      'record-error-total': 0,
      'record-retry-total': 0,
      'requests-in-flight': 0,
      'buffer-available-bytes': 33_554_432,
      'produce-throttle-time-max': 0,
    })
    expect(client['record-size-max']).toBeGreaterThan(1_000)
    expect(client['record-size-max']).toBeLessThan(1_020)
    // Two windows of 30 s, of which the first has just begun.
    expect(client['record-send-rate']).toBeCloseTo(3 / 30, 1)
    expect(client['record-queue-time-max']).toBeGreaterThanOrEqual(0)
    expect(client['request-latency-avg']).toBeGreaterThan(0)
    expect(client['metadata-age']).toBeGreaterThanOrEqual(0)
    expect(client['metadata-age']).toBeLessThan(60)
    expect(topic).toMatchObject({ 'record-send-total': 3, 'byte-total': batch!.size, 'compression-rate': 1 })
    expect(all.at(-1)!.tags).toEqual({ 'client-id': 'kafkawire', topic: 't' })
  })

  test('have the size after compression', async () => {
    const { cluster, producer } = await startProducer({ compressionType: 'gzip' })
    await producer.send({ topic: 't', value: 'x'.repeat(10_000) })
    const { client, topic } = await figures(producer)
    expect(client['batch-size-max']).toBe(cluster.batches[0]!.size)
    expect(client['compression-rate-avg']).toBeLessThan(0.1)
    expect(topic['compression-rate']).toBe(client['compression-rate-avg'])
    expect(client['record-size-max']).toBeGreaterThan(10_000)
  })

  test('count what is sent again, as sent and as a retry', async () => {
    const { cluster, producer } = await startProducer()
    let refusals = 2
    cluster.onBatch = () => (refusals-- > 0 ? { error: notEnoughReplicas } : 'append')
    await producer.sendMany([
      { topic: 't', value: 'a' },
      { topic: 't', value: 'b' },
    ])
    const { client, topic } = await figures(producer)
    const expected = { 'record-send-total': 6, 'record-retry-total': 4, 'record-error-total': 0 }
    expect(client).toMatchObject(expected)
    expect(topic).toMatchObject(expected)
  })

  test('count what is not delivered', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => ({ error: 87 })
    const sent = producer.sendMany([
      { topic: 't', value: 'a' },
      { topic: 't', value: 'b' },
    ])
    await expect(sent).rejects.toMatchObject({ code: 'INVALID_RECORD' })
    const { client, topic } = await figures(producer)
    expect([client['record-error-total'], topic['record-error-total']]).toEqual([2, 2])
  })

  test('count batches that were split', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = ({ values }) => (values.length > 1 ? { error: errorCodes.messageTooLarge } : 'append')
    await producer.sendMany([
      { topic: 't', value: 'a'.repeat(100) },
      { topic: 't', value: 'b'.repeat(100) },
    ])
    expect((await figures(producer)).client['batch-split-total']).toBe(1)
  })

  test('tell of those who wait for room in the buffer, and of those who got none', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 1_000, maxBlockMs: 50 })
    await producer.send({ topic: 't', value: 'a' })
    cluster.onBatch = () => 'silence'
    const filling = producer.send({ topic: 't', value: 'x'.repeat(700) })
    filling.catch(() => {})
    const late = producer.send({ topic: 't', value: 'x'.repeat(700) })
    expect((await figures(producer)).client['waiting-threads']).toBe(1)
    await expect(late).rejects.toMatchObject({ code: 'MAX_BLOCK_TIMEOUT' })
    const { client } = await figures(producer)
    expect(client['waiting-threads']).toBe(0)
    expect(client['buffer-exhausted-total']).toBe(1)
    expect(client['bufferpool-wait-time-ns-total']).toBeGreaterThanOrEqual(49e6)
    expect(client['bufferpool-wait-ratio']).toBeGreaterThan(0)
    expect(client['buffer-available-bytes']).toBeLessThan(300)
    expect(client['requests-in-flight']).toBe(1)
  })

  test('have the connections and their bytes, and stay readable after the end', async () => {
    const { producer } = await startProducer()
    await producer.send({ topic: 't', value: 'x'.repeat(5_000) })
    const { client } = await figures(producer)
    expect(client['connection-count']).toBeGreaterThanOrEqual(1)
    expect(client['request-size-max']).toBeGreaterThan(5_000)
    expect(client['outgoing-byte-total']).toBeGreaterThan(client['request-size-max']!)
    expect(client['incoming-byte-total']).toBeGreaterThan(100)
    expect(client['response-total']).toBe(client['request-total'])
    await producer.close()
    const after = (await figures(producer)).client
    expect(after['connection-count']).toBe(0)
    expect(after['connection-close-total']).toBe(after['connection-creation-total'])
    expect(after['record-send-total']).toBe(1)
  })
})

test('a producer has figures of each broker', async () => {
  await using kafka = await startKafka({ brokers: 2, topics: [{ name: 't', numPartitions: 2 }] })
  const producer = new Producer({ bootstrapServers: kafka.bootstrapServers })
  await producer.sendMany([0, 1].map((partition) => ({ topic: 't', partition, value: 'x' })))
  const metrics = await producer.metrics()
  await producer.close()
  const nodes = metrics.filter(({ group }) => group === 'producer-node-metrics')
  const figure = (id: number, name: string) =>
    nodes.find((one) => one.name === name && one.tags['node-id'] === `node-${id}`)?.value
  for (const id of kafka.brokerIds) {
    expect(figure(id, 'request-total')).toBeGreaterThan(0)
    expect(figure(id, 'response-total')).toBe(figure(id, 'request-total'))
    expect(figure(id, 'request-latency-avg')).toBeGreaterThan(0)
    expect(figure(id, 'request-latency-max')).toBeGreaterThanOrEqual(figure(id, 'request-latency-avg')!)
    expect(figure(id, 'incoming-byte-rate')).toBeGreaterThan(0)
  }
  const sum = nodes
    .filter(({ name }) => name === 'outgoing-byte-total')
    .reduce((all, { value }) => all + value, 0)
  const all = metrics.find((one) => one.name === 'outgoing-byte-total' && one.group === 'producer-metrics')
  expect(sum).toBe(all?.value)
})

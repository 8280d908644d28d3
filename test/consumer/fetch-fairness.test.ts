import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { delay, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

function consumerOf(kafka: TestKafka, options: Partial<ConsumerOptions> = {}): Consumer {
  return new Consumer({ bootstrapServers: kafka.bootstrapServers, autoOffsetReset: 'earliest', ...options })
}

/** Batches of 10 records of 100 bytes. */
async function fill(writer: TopicWriter, topic: string, partition: number, batches: number): Promise<void> {
  const values = Array.from({ length: 10 }, () => 'x'.repeat(100))
  for (let batch = 0; batch < batches; batch++) await writer.write(topic, partition, values)
}

describe('fetching is fair:', () => {
  it('100 cold partitions are read while a hot one has more and more, and it is not held up by them', async () => {
    await using kafka = await startKafka({
      topics: [
        { name: 'hot', numPartitions: 1 },
        { name: 'cold', numPartitions: 100 },
      ],
    })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await fill(writer, 'hot', 0, 300)
    // The hot one alone could fill each answer.
    await using consumer = consumerOf(kafka, { fetchMaxBytes: 20_000, maxPartitionFetchBytes: 20_000 })
    consumer.assign([
      { topic: 'hot', partition: 0 },
      ...Array.from({ length: 100 }, (_, partition) => ({ topic: 'cold', partition })),
    ])
    const seen = new Set<number>()
    let hot = 0
    let hotBetween = 0
    let written = 0
    for await (const batch of consumer.batches()) {
      if (batch.topic === 'cold') {
        seen.add(batch.partition)
        if (seen.size === 100) break
      } else {
        hot += batch.length
        if (seen.size > 0) hotBetween += batch.length
        // Cold ones get theirs while it is being read.
        while (written < Math.min(100, Math.floor(hot / 15))) await writer.write('cold', written++, ['c'])
      }
    }
    expect(hot).toBeLessThan(3000)
    expect(hotBetween).toBeGreaterThan(500)
  })

  it('partitions that all have more than fits into an answer take turns', async () => {
    await using kafka = await startKafka({ topics: [{ name: 'hot', numPartitions: 10 }] })
    await using writer = new TopicWriter(kafka.bootstrapServers)
    for (let partition = 0; partition < 10; partition++) await fill(writer, 'hot', partition, 40)
    await using consumer = consumerOf(kafka, { fetchMaxBytes: 5000, maxPartitionFetchBytes: 5000 })
    consumer.assign(Array.from({ length: 10 }, (_, partition) => ({ topic: 'hot', partition })))
    const counts = new Map<number, number>()
    let total = 0
    for await (const { partition, length } of consumer.batches()) {
      counts.set(partition, (counts.get(partition) ?? 0) + length)
      total += length
      if (total >= 2000) break
    }
    expect(counts.size).toBe(10)
    for (const count of counts.values()) expect(count).toBeLessThanOrEqual(400)
    // Half of all there is was read; a fair share is 200 each.
    expect(Math.min(...counts.values())).toBeGreaterThan(100)
  })

  it('a broker that answers slowly holds up nobody else, and gets its turn', async () => {
    await using kafka = await startKafka({
      brokers: 2,
      topics: [{ name: 'orders', numPartitions: 2 }],
    })
    kafka.moveLeader('orders', 0, 1)
    kafka.moveLeader('orders', 1, 2)
    await using writer = new TopicWriter(kafka.bootstrapServers)
    await fill(writer, 'orders', 0, 200)
    await fill(writer, 'orders', 1, 2)
    kafka.control('Fetch', ({ brokerId }) => (brokerId === 2 ? delay(300) : undefined))
    await using consumer = consumerOf(kafka, { fetchMaxBytes: 20_000 })
    consumer.assign([0, 1].map((partition) => ({ topic: 'orders', partition })))
    const order: number[] = []
    const begunAt = performance.now()
    let quickAt = Number.POSITIVE_INFINITY
    const counts = [0, 0]
    while (counts[0]! < 2000 || counts[1]! < 20) {
      for (const { partition } of await consumer.poll({ timeoutMs: 10_000 })) {
        counts[partition]!++
        if (order.at(-1) !== partition) order.push(partition)
      }
      if (counts[0] === 2000) quickAt = Math.min(quickAt, performance.now() - begunAt)
    }
    expect(order[0]).toBe(0)
    expect(quickAt).toBeLessThan(2000)
    expect(counts).toEqual([2000, 20])
  })
})

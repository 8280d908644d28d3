import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

describeAnyKafka('Consumer with atMostOnce', (kafka) => {
  function consumerOf(groupId: string, options: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      groupId,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 200,
      maxPollRecords: 10,
      atMostOnce: true,
      ...options,
    })
  }

  it('hands each record out at most once, and with orderly members exactly once, over joins and leaves', async () => {
    await using writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `once-${randomUUID()}`
    const groupId = `group-${randomUUID()}`
    await writer.createTopic(topic, 4)
    const values = Array.from({ length: 200 }, (_, i) => `v${i}`)
    for (let partition = 0; partition < 4; partition++) await writer.write(topic, partition, values)
    const seen = new Map<string, number>()
    const count = () => [...seen.values()].reduce((sum, times) => sum + times, 0)
    const read = async (consumer: Consumer) => {
      for await (const { partition, offset } of consumer) {
        const place = `${partition}-${offset}`
        seen.set(place, (seen.get(place) ?? 0) + 1)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const first = consumerOf(groupId, { topics: [topic] })
    const reading = [read(first)]
    await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(20)
    const second = consumerOf(groupId, { topics: [topic] })
    reading.push(read(second))
    await expect.poll(() => second.assignment().length, { timeout: 20_000 }).toBe(2)
    await first.close()
    await expect.poll(() => seen.size, { timeout: 30_000 }).toBe(800)
    await second.close()
    await Promise.all(reading)
    expect(Math.max(...seen.values())).toBe(1)
    await using third = consumerOf(groupId)
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic, partition }))
    const committed = await third.committed(partitions)
    expect(committed.map(({ offset }) => offset)).toEqual([200, 200, 200, 200])
  }, 60_000)

  it('loses what a member that vanished had committed and not handled, and repeats none of it', async () => {
    await using writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `once-${randomUUID()}`
    const groupId = `group-${randomUUID()}`
    await writer.createTopic(topic)
    await writer.write(
      topic,
      0,
      Array.from({ length: 25 }, (_, i) => `v${i}`),
    )
    const lost = consumerOf(groupId, { topics: [topic], groupInstanceId: 'one' })
    const [first] = await lost.poll({ timeoutMs: 20_000 })
    expect(first!.offset).toBe(0)
    // Another one under its name, as after a crash: the first is fenced, and what it had in hand is gone.
    await using next = consumerOf(groupId, { topics: [topic], groupInstanceId: 'one' })
    const records = await next.poll({ timeoutMs: 20_000 })
    expect(records[0]!.offset).toBe(10)
    await lost.close()
  }, 60_000)
})

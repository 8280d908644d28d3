import { expect, it } from 'vitest'
import type { ShareConsumer } from '../../src/consumer/share/share-consumer.ts'
import type { ShareRecord } from '../../src/consumer/share/share-record.ts'
import type { AcknowledgementResult } from '../../src/consumer/share/share-types.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { shareGroupTopic, values } from '../support/share-group.ts'

type Records = ShareRecord<Buffer | null, string>[]

/** Polls until it has `count` records. */
async function take(consumer: ShareConsumer<Buffer | null, string>, count: number): Promise<Records> {
  const records: Records = []
  const endsAt = performance.now() + 20_000
  while (records.length < count && performance.now() < endsAt) {
    records.push(...(await consumer.poll({ timeoutMs: 1000 })))
  }
  return records
}

describeAnyKafka('A share consumer', (kafka) => {
  async function group(options: Parameters<typeof shareGroupTopic>[1] = {}) {
    const made = await shareGroupTopic(kafka.bootstrapServers, options)
    const { groupId, topic } = made
    const common = { groupId, topics: [topic], valueDeserializer: string } as const
    return {
      ...made,
      implicit: () => made.kafka.shareConsumer(common),
      explicit: (more: { onAcknowledgementCommit?: (result: AcknowledgementResult) => void } = {}) =>
        made.kafka.shareConsumer({ ...common, shareAcknowledgementMode: 'explicit', ...more }),
    }
  }

  it('accepts what a poll gave with the next one, and with commit', async () => {
    await using made = await group()
    const { topic, writer } = made
    await writer.write(topic, 0, values(3))
    await using consumer = made.implicit()

    const records = await take(consumer, 3)
    expect(records.map(({ value }) => value)).toEqual(values(3))
    expect(records.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 1])
    expect(consumer.acquisitionLockTimeoutMs()).toBe(30_000)
    await consumer.poll()

    await writer.write(topic, 0, values(2, 3))
    const more = await take(consumer, 2)
    expect(more.map(({ value }) => value)).toEqual(values(2, 3))
    expect(await consumer.commit()).toEqual([{ topic, partition: 0, offsets: [3, 4], error: null }])
    expect(await consumer.commit()).toEqual([])
    await consumer.close()

    await writer.write(topic, 0, ['last'])
    await using other = made.implicit()
    expect((await take(other, 1)).map(({ value }) => value)).toEqual(['last'])
  })

  it('releases with close what was not accepted: others get it at once, and are told how often it was given', async () => {
    await using made = await group()
    await made.writer.write(made.topic, 0, values(4))
    const first = made.implicit()
    expect(await take(first, 4)).toHaveLength(4)
    await first.close()

    await using other = made.implicit()
    const again = await take(other, 4)
    expect(again.map(({ offset, deliveryCount }) => [offset, deliveryCount])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
    ])
  })

  it('is a loop, in which a record is accepted when the next is asked for', async () => {
    await using made = await group({ partitions: 2 })
    await made.writer.write(made.topic, 0, values(3))
    await made.writer.write(made.topic, 1, values(3, 3))
    const seen: string[] = []
    const first = made.implicit()
    for await (const { value } of first) {
      seen.push(value!)
      if (seen.length === 4) break
    }
    // What the loop had in hand was not accepted.
    await first.close()

    await using other = made.implicit()
    for await (const { value } of other) {
      seen.push(value!)
      if (seen.length === 7) break
    }
    expect(await other.commit()).toHaveLength(1)
    expect(new Set(seen)).toEqual(new Set(values(6)))
    expect(seen.filter((value) => value === seen[3])).toHaveLength(2)
  })

  it('does with each record what acknowledge() says, and tells of it', async () => {
    await using made = await group()
    const { topic } = made
    await made.writer.write(topic, 0, values(4))
    const told: AcknowledgementResult[] = []
    await using consumer = made.explicit({ onAcknowledgementCommit: (result) => told.push(result) })

    const [accepted, released, rejected, changed] = await take(consumer, 4)
    await expect(consumer.poll()).rejects.toThrow('have to be acknowledged before more are asked for')
    consumer.acknowledge(accepted!)
    consumer.acknowledge(released!, 'release')
    consumer.acknowledge({ topic, partition: 0, offset: rejected!.offset }, 'reject')
    consumer.acknowledge(changed!, 'release')
    consumer.acknowledge(changed!, 'accept')
    const result = { topic, partition: 0, offsets: [0, 1, 2, 3], error: null }
    expect(await consumer.commit()).toEqual([result])
    expect(told).toEqual([result])
    expect(() => consumer.acknowledge(accepted!)).toThrow(/-0 at offset 0 is not in hand/)

    const again = await take(consumer, 1)
    expect(again.map(({ value, deliveryCount }) => [value, deliveryCount])).toEqual([['value 1', 2]])
    consumer.acknowledge(again[0]!)
    expect(await consumer.poll({ timeoutMs: 600 })).toEqual([])
  })

  it('keeps a record beyond its lock by renewing it, and hands it out again', async () => {
    await using made = await group({ configs: { 'share.record.lock.duration.ms': '15000' } })
    await made.writer.write(made.topic, 0, values(2))
    await using consumer = made.explicit()

    const [renewed, done] = await take(consumer, 2)
    consumer.acknowledge(renewed!, 'renew')
    consumer.acknowledge(done!)
    const { topic } = made
    expect(await consumer.commit()).toEqual([{ topic, partition: 0, offsets: [0, 1], error: null }])

    const again = await consumer.poll({ timeoutMs: 5000 })
    expect(again.map(({ value, deliveryCount }) => [value, deliveryCount])).toEqual([['value 0', 1]])
    consumer.acknowledge(again[0]!)
    expect(await consumer.commit()).toEqual([{ topic, partition: 0, offsets: [0], error: null }])
    expect(await consumer.poll({ timeoutMs: 600 })).toEqual([])
  })

  it('shares the records of one partition with others of its group', async () => {
    await using made = await group()
    const consumers = [made.implicit(), made.implicit(), made.implicit()]
    const seen: string[] = []
    const reading = consumers.map(async (consumer) => {
      for await (const { value } of consumer) seen.push(value!)
    })
    for (let i = 0; i < 30; i++) await made.writer.write(made.topic, 0, values(10, i * 10))
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(300)
    await Promise.all(consumers.map((consumer) => consumer.commit()))
    await Promise.all(consumers.map((consumer) => consumer.close()))
    await Promise.all(reading)
    expect(new Set(seen)).toEqual(new Set(values(300)))
  })

  it('gets no more than maxPollRecords at a time with record_limit', async () => {
    await using made = await group()
    const { topic, groupId } = made
    await made.writer.write(topic, 0, values(10))
    await using consumer = made.kafka.shareConsumer({
      groupId,
      topics: [topic],
      shareAcquireMode: 'record_limit',
      maxPollRecords: 3,
    })
    await using other = made.implicit()

    await expect.poll(() => consumer.poll({ timeoutMs: 1000 }), { timeout: 20_000 }).toHaveLength(3)
    // What it has not acquired is there for others.
    expect((await take(other, 7)).map(({ offset }) => offset)).toEqual([3, 4, 5, 6, 7, 8, 9])
  })

  it('reads compressed batches, headers and keys, and passes over the marks of transactions', async () => {
    await using made = await group()
    const { topic, writer } = made
    await writer.write(topic, 0, [{ key: Buffer.from('k'), value: Buffer.from('v') }], {
      compression: 'gzip',
    })
    await using producer = made.kafka.producer({ transactionalId: `tx-${topic}` })
    await producer.transaction(async (tx) => {
      await tx.send({ topic, partition: 0, value: 'of a transaction', headers: { trace: 'a' } })
    })
    // A real broker writes the mark some time after it has confirmed the commit.
    await using asking = made.kafka.consumer()
    const end = async () => (await asking.endOffsets([{ topic, partition: 0 }]))[0]?.offset
    await expect.poll(end, { timeout: 10_000 }).toBe(3)
    await writer.write(topic, 0, ['last'])
    await using consumer = made.implicit()

    const records = await take(consumer, 3)
    expect(records.map(({ offset, value }) => [offset, value])).toEqual([
      [0, 'v'],
      [1, 'of a transaction'],
      [3, 'last'],
    ])
    expect(records[0]!.key?.toString()).toBe('k')
    expect(records[1]!.header('trace')?.toString()).toBe('a')
    // The mark between them was acknowledged as a gap.
    expect(await consumer.commit()).toEqual([{ topic, partition: 0, offsets: [0, 1, 3], error: null }])
  })

  it('leaves the group with unsubscribe, and joins again', async () => {
    await using made = await group()
    const { topic } = made
    await made.writer.write(topic, 0, values(2))
    await using consumer = made.implicit()
    expect(await take(consumer, 2)).toHaveLength(2)

    await consumer.unsubscribe()
    expect(consumer.subscription()).toEqual([])
    await expect(consumer.poll()).rejects.toThrow('call subscribe() first')

    consumer.subscribe([topic])
    expect((await take(consumer, 2)).map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2])
  })
})

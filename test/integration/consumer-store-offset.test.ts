import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { IllegalStateError, InvalidArgumentError } from '../../src/errors.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

describeAnyKafka('Consumer with enableAutoOffsetStore: false', (kafka) => {
  function consumerOf(groupId: string, options: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      groupId,
      enableAutoOffsetStore: false,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 300,
      ...options,
    })
  }

  async function topicOf(values: readonly string[]) {
    await using writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `store-${randomUUID()}`
    await writer.createTopic(topic)
    await writer.write(topic, 0, values)
    return { topic, partition: { topic, partition: 0 }, groupId: `group-${randomUUID()}` }
  }

  it('commits what was stored, and nothing else', async () => {
    const { topic, partition, groupId } = await topicOf(['a', 'b', 'c', 'd'])
    await using consumer = consumerOf(groupId, { topics: [topic], autoCommitIntervalMs: 50 })
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 3 })
    const [last] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    await consumer.commit()
    expect(await consumer.committed([partition])).toMatchObject([{ offset: null }])
    consumer.storeOffset({ ...partition, offset: 2, metadata: 'so far' })
    await expect
      .poll(() => consumer.committed([partition]), { timeout: 10_000 })
      .toMatchObject([{ offset: 2, metadata: 'so far' }])
    consumer.storeOffset(last!)
    await consumer.commit()
    expect(await consumer.committed([partition])).toMatchObject([{ offset: 4, metadata: '' }])
  })

  it('commits what was stored on close, and leaves a seek out of it', async () => {
    const { topic, partition, groupId } = await topicOf(['a', 'b', 'c', 'd'])
    const consumer = consumerOf(groupId, { topics: [topic] })
    const [first] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 2 })
    consumer.storeOffset(first!)
    consumer.seek({ ...partition, offset: 3 })
    await consumer.close()
    await using next = consumerOf(groupId, { topics: [topic] })
    expect((await next.poll({ timeoutMs: 10_000 }))[0]!.offset).toBe(1)
  })

  it('is for handlers of run that decide for themselves', async () => {
    const { topic, partition, groupId } = await topicOf(['a', 'b', 'c', 'd'])
    await using consumer = consumerOf(groupId, { topics: [topic] })
    await consumer.run({
      eachMessage: (record) => {
        if (record.offset === 1) consumer.storeOffset(record)
        if (record.offset === 3) void consumer.stop()
      },
    })
    expect(await consumer.committed([partition])).toMatchObject([{ offset: 2 }])
    await expect(consumer.run({ eachMessage: () => {}, atMostOnce: true })).rejects.toThrow(
      /not with enableAutoOffsetStore: false/,
    )
  })

  it('refuses a record that was handed out before another member had the partition', async () => {
    const { topic, partition, groupId } = await topicOf(['a', 'b', 'c', 'd'])
    await using consumer = consumerOf(groupId, { topics: [topic] })
    const [first] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    consumer.subscribe([])
    await using other = consumerOf(groupId, { topics: [topic] })
    const got = await other.poll({ timeoutMs: 20_000, maxRecords: 3 })
    expect(got).toHaveLength(3)
    other.storeOffset(got[2]!)
    await other.close()
    consumer.subscribe([topic])
    expect((await consumer.poll({ timeoutMs: 20_000 }))[0]!.offset).toBe(3)
    expect(() => consumer.storeOffset(first!)).toThrow(/handed out before the partition was assigned anew/)
    await consumer.commit()
    expect(await consumer.committed([partition])).toMatchObject([{ offset: 3 }])
  })

  it('refuses what cannot be stored', async () => {
    const { topic, partition, groupId } = await topicOf(['a'])
    await using consumer = consumerOf(groupId)
    expect(() => consumer.storeOffset({ ...partition, offset: 1 })).toThrow(/not assigned to this consumer/)
    consumer.assign([{ ...partition, offset: 0 }])
    const store = (given: object) => () => consumer.storeOffset(given as never)
    expect(store({ ...partition, offset: -1 })).toThrow(InvalidArgumentError)
    expect(store({ ...partition, offset: 1, metadata: 7 })).toThrow(/metadata of .* must be a string, not 7/)
    expect(store({ topic, offset: 1 })).toThrow(InvalidArgumentError)
    await using usual = consumerOf(groupId, { enableAutoOffsetStore: true })
    usual.assign([partition])
    expect(() => usual.storeOffset({ ...partition, offset: 1 })).toThrow(
      /storeOffset\(\) needs the option enableAutoOffsetStore: false/,
    )
    await using alone = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      enableAutoOffsetStore: false,
    })
    expect(() => alone.storeOffset({ ...partition, offset: 1 })).toThrow(IllegalStateError)
  })
})

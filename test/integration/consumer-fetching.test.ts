import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Admin } from '../../src/admin/admin.ts'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { dial } from '../../src/network/dial.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { describeKafka, startRealKafka } from '../support/real-kafka/index.ts'

const hour = 3_600_000

describeAnyKafka('fetching', (kafka) => {
  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string,
      fetchMaxWaitMs: 50,
      ...options,
    })
  }

  async function topicOf(partitions: number) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `fetching-${randomUUID()}`
    await writer.createTopic(topic, partitions)
    return { topic, writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
  }

  async function take(consumer: Consumer<string, string>, count: number): Promise<string[]> {
    const values: string[] = []
    while (values.length < count) {
      for (const { value } of await consumer.poll({ timeoutMs: 20_000 })) values.push(value!)
    }
    return values.sort()
  }

  it('reads each record once while partitions are paused, sought, given up and taken back', async () => {
    await using t = await topicOf(4)
    await using consumer = consumerOf({ maxPartitionFetchBytes: 500, maxPollRecords: 3 })
    const at = (partition: number) => ({ topic: t.topic, partition })
    consumer.assign([0, 1, 2, 3].map((partition) => ({ ...at(partition), offset: 0 })))
    const expected: string[] = []
    const seen: string[] = []
    for (let round = 0; round < 12; round++) {
      const partition = round % 4
      const values = Array.from({ length: 20 }, (_, index) => `${partition}:${round}:${index}`)
      expected.push(...values)
      await t.writer.write(t.topic, partition, values)
      consumer.pause([at((partition + 1) % 4)])
      seen.push(...(await consumer.poll({ timeoutMs: 200 })).map(({ value }) => value!))
      consumer.resume(consumer.paused())
      const moved = at((partition + 2) % 4)
      consumer.seek({ ...moved, offset: await consumer.position(moved) })
      if (round % 3 === 2) consumer.assign([0, 1, 2, 3].filter((one) => one !== partition).map(at))
      if (round % 3 !== 2) continue
      seen.push(...(await consumer.poll({ timeoutMs: 100 })).map(({ value }) => value!))
      const done = seen.filter((value) => value.startsWith(`${partition}:`)).length
      consumer.assign(
        [0, 1, 2, 3].map((one) => ({ ...at(one), ...(one === partition ? { offset: done } : {}) })),
      )
    }
    seen.push(...(await take(consumer, expected.length - seen.length)))
    expect(seen.sort()).toEqual(expected.sort())
    for (const { lag } of consumer.lag()) expect(lag).toBe(0)
  })

  it('begins with what is no older than autoOffsetReset by_duration says, else at the end (KIP-1106)', async () => {
    await using t = await topicOf(2)
    const now = Date.now()
    await t.writer.write(t.topic, 0, [{ value: 'old', timestamp: BigInt(now - 3 * hour) }])
    await t.writer.write(t.topic, 0, [{ value: 'young', timestamp: BigInt(now - hour) }])
    await t.writer.write(t.topic, 1, [{ value: 'older', timestamp: BigInt(now - 5 * hour) }])
    await using consumer = consumerOf({ autoOffsetReset: 'by_duration:PT2H' })
    consumer.assign([0, 1].map((partition) => ({ topic: t.topic, partition })))
    expect(await consumer.position({ topic: t.topic, partition: 0 })).toBe(1)
    expect(await consumer.position({ topic: t.topic, partition: 1 })).toBe(1)
    await t.writer.write(t.topic, 1, ['new'])
    expect(await take(consumer, 2)).toEqual(['new', 'young'])
    // What is out of range is found in the same way.
    consumer.seek({ topic: t.topic, partition: 0, offset: 100 })
    expect(await take(consumer, 1)).toEqual(['young'])
    await using longer = consumerOf({ autoOffsetReset: 'by_duration:P40000D' })
    longer.assign([{ topic: t.topic, partition: 0 }])
    expect(await take(longer, 2)).toEqual(['old', 'young'])
  })

  it('takes a seek with a leader epoch that the log has', async () => {
    await using t = await topicOf(1)
    await t.writer.write(t.topic, 0, ['a', 'b', 'c'])
    await using consumer = consumerOf({ autoOffsetReset: 'none' })
    consumer.assign([{ topic: t.topic, partition: 0, offset: 0 }])
    const [first] = await consumer.poll({ timeoutMs: 20_000, maxRecords: 1 })
    consumer.seek({ topic: t.topic, partition: 0, offset: 2, leaderEpoch: first!.leaderEpoch })
    expect(await take(consumer, 1)).toEqual(['c'])
  })
})

describeAnyKafka(
  'fetching from several brokers',
  (kafka) => {
    it('reads from the replica in the rack of the client (KIP-392)', async () => {
      await using cluster = await kafka.start({ nodes: 3 })
      const { bootstrapServers } = cluster
      await using admin = new Admin({ bootstrapServers })
      await admin.createTopics([{ name: 'orders', replicasAssignments: { 0: [1, 2, 3] } }])
      await using writer = new TopicWriter(bootstrapServers)
      await writer.write('orders', 0, ['a', 'b'])
      const ports: number[] = []
      await using consumer = new Consumer<string, string>({
        bootstrapServers,
        autoOffsetReset: 'earliest',
        valueDeserializer: string,
        clientRack: 'rack-3',
        connect: (target) => {
          ports.push(target.port)
          return dial(target)
        },
      })
      consumer.assign([{ topic: 'orders', partition: 0 }])
      const seen: string[] = []
      while (seen.length < 2) {
        for (const { value } of await consumer.poll({ timeoutMs: 20_000 })) seen.push(value!)
      }
      expect(seen).toEqual(['a', 'b'])
      // Its last new connection is the one for fetches from the follower.
      expect(ports.at(-1)).toBe(cluster.nodes[2]!.port)
    })
  },
  { needs: 'own' },
)

describeKafka(
  'a log that is truncated by an unclean election of a real Kafka',
  () => {
    it('is found out, and read on from where the logs part (KIP-320)', { timeout: 120_000 }, async () => {
      await using cluster = await startRealKafka({ nodes: 3 })
      const { bootstrapServers } = cluster
      await using admin = new Admin({ bootstrapServers })
      const configs = { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' }
      await admin.createTopics([{ name: 'orders', replicasAssignments: { 0: [1, 2] }, configs }])
      await using writer = new TopicWriter(bootstrapServers)
      await writer.write('orders', 0, ['a', 'b'])
      const errors: KafkaError[] = []
      await using consumer = new Consumer<string, string>({
        bootstrapServers,
        autoOffsetReset: 'earliest',
        valueDeserializer: string,
        onError: (error) => errors.push(error),
      })
      consumer.assign([{ topic: 'orders', partition: 0 }])
      const read = async (count: number) => {
        const values: string[] = []
        while (values.length < count) {
          for (const { value } of await consumer.poll({ timeoutMs: 60_000 })) values.push(value!)
        }
        return values
      }
      expect(await read(2)).toEqual(['a', 'b'])
      await cluster.kill(2)
      await writer.write('orders', 0, ['c', 'd'])
      expect(await read(2)).toEqual(['c', 'd'])
      // The only one that has them goes, and one that has not comes back.
      await cluster.kill(1)
      await cluster.restart(2)
      const { metadata } = writer.cluster
      const leader = async () => {
        await metadata.refresh(['orders'])
        return metadata.partition('orders', 0)!.leader
      }
      await expect.poll(leader, { timeout: 40_000 }).toBe(2)
      await writer.write('orders', 0, ['C', 'D', 'E'])
      expect(await read(3)).toEqual(['C', 'D', 'E'])
      expect(errors.filter(({ code }) => code === 'LOG_TRUNCATED')).toMatchObject([
        { topic: 'orders', partition: 0, position: 4, divergentOffset: 2 },
      ])
    })
  },
  { needs: 'own' },
)

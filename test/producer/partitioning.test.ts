import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { consistentPartition, partitionOfKey } from '../../src/producer/partitioner.ts'
import { type StartKafkaOptions, startKafka } from '../../src/testing/index.ts'
import { startProducer } from '../support/start-producer.ts'

describe('records without a key', () => {
  const racks: StartKafkaOptions = {
    brokers: 3,
    racks: ['a', 'b', 'c'],
    topics: [{ name: 't', numPartitions: 6, replicationFactor: 2 }],
  }

  test('go to partitions that are led in the own rack, with partitionerRackAware, as long as there are any', async () => {
    await using kafka = await startKafka(racks)
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, clientRack: 'b' })
    await using producer = client.producer({ partitionerRackAware: true, batchSize: 0, metadataMaxAgeMs: 50 })
    const partitions = await producer.partitionsFor('t')
    const near = partitions.filter(({ leader }) => leader === 2).map(({ partition }) => partition)
    expect(near.length).toBeGreaterThan(0)
    expect(near.length).toBeLessThan(6)
    const send = async (count: number) => {
      const sent = Array.from({ length: count }, (_, i) => producer.send({ topic: 't', value: `${i}` }))
      return (await Promise.all(sent)).map(({ partition }) => partition)
    }
    expect(new Set(await send(60))).toEqual(new Set(near))
    await kafka.stopBroker(2)
    expect(await send(60)).toHaveLength(60)
    expect(new Set(await send(200)).size).toBeGreaterThan(near.length)
  })

  test('go everywhere without it, and when nothing is led in that rack', async () => {
    await using kafka = await startKafka(racks)
    for (const options of [
      { clientRack: 'b' },
      { clientRack: 'elsewhere', partitionerRackAware: true },
      { partitionerRackAware: true },
    ]) {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      await using producer = client.producer({ ...options, batchSize: 0 })
      const sent = Array.from({ length: 200 }, (_, i) => producer.send({ topic: 't', value: `${i}` }))
      const partitions = (await Promise.all(sent)).map(({ partition }) => partition)
      expect(new Set(partitions).size, JSON.stringify(options)).toBe(6)
    }
  })

  test('pass by a broker that has taken nothing for partitionerAvailabilityTimeoutMs', async () => {
    const { cluster, producer } = await startProducer(
      { maxInFlightRequestsPerConnection: 1, batchSize: 0, partitionerAvailabilityTimeoutMs: 100 },
      { nodes: 2, topics: { t: { partitions: 2, leaders: [1, 2] } } },
    )
    cluster.onBatch = ({ partition }) => (partition === 1 ? 'silence' : 'append')
    const held = ['a', 'b'].map((value) => producer.send({ topic: 't', partition: 1, value }))
    for (const one of held) one.catch(() => {})
    await cluster.received(1)
    // The second record waits from here on. What is tested is that time goes by.
    await sleep(150)
    for (let i = 0; i < 20; i++) {
      expect(await producer.send({ topic: 't', value: `${i}` })).toMatchObject({ partition: 0 })
    }
  })

  test('do not pass it by as long as it takes requests, however busy it is', async () => {
    const { producer } = await startProducer(
      { maxInFlightRequestsPerConnection: 1, batchSize: 0, partitionerAvailabilityTimeoutMs: 5_000 },
      { nodes: 2, topics: { t: { partitions: 2, leaders: [1, 2] } } },
    )
    const sent = Array.from({ length: 200 }, (_, i) => producer.send({ topic: 't', value: `${i}` }))
    const partitions = (await Promise.all(sent)).map(({ partition }) => partition)
    expect(new Set(partitions)).toEqual(new Set([0, 1]))
  })
})

describe('named partitioners', () => {
  test('consistent sends each key where librdkafka does, null like an empty one', async () => {
    const topics = { t: { partitions: 7 } }
    const { producer } = await startProducer({ partitioner: 'consistent' }, { topics })
    for (const key of ['a', 'customer-7', '', null]) {
      const { partition } = await producer.send({ topic: 't', key, value: 'v' })
      expect(partition, String(key)).toBe(consistentPartition(key, 7))
    }
  })

  test('consistentRandom does so but for null and empty keys, which go here and there', async () => {
    const topics = { t: { partitions: 7 } }
    const { producer } = await startProducer({ partitioner: 'consistentRandom', batchSize: 0 }, { topics })
    const { partition } = await producer.send({ topic: 't', key: 'customer-7', value: 'v' })
    expect(partition).toBe(consistentPartition('customer-7', 7))
    for (const key of [null, '', new Uint8Array(0)]) {
      const sent = Array.from({ length: 100 }, () => producer.send({ topic: 't', key, value: 'v' }))
      const drawn = (await Promise.all(sent)).map((one) => one.partition)
      expect(new Set(drawn).size).toBeGreaterThan(1)
    }
  })

  test('default sends each key where Java does', async () => {
    const { producer } = await startProducer({}, { topics: { t: { partitions: 7 } } })
    const { partition } = await producer.send({ topic: 't', key: 'customer-7', value: 'v' })
    expect(partition).toBe(partitionOfKey('customer-7', 7))
  })
})

import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Consumer, ConsumerOptions } from '../../src/index.ts'
import { Kafka } from '../../src/index.ts'
import type { Connect } from '../../src/network/transport.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'

// A broker that is killed and comes back, and the leader of a partition that does not, are in broker-loss.test.ts.

const settings = {
  autoOffsetReset: 'earliest',
  metadataMaxAgeMs: 500,
  retryBackoffMs: 20,
  retryBackoffMaxMs: 200,
  reconnectBackoffMs: 10,
  reconnectBackoffMaxMs: 100,
  autoCommitIntervalMs: 50,
} as const satisfies ConsumerOptions

/** Reads with a loop that nothing may end but `close`. */
class Reading {
  readonly values: string[] = []
  readonly #loop: Promise<void>
  readonly #consumer: Consumer

  constructor(consumer: Consumer) {
    this.#consumer = consumer
    this.#loop = this.#read()
    // Looked at in the end.
    this.#loop.catch(() => {})
  }

  async has(...values: string[]): Promise<void> {
    await expect.poll(() => this.values.toSorted(), { timeout: 40_000 }).toEqual(values.toSorted())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.close()
    await this.#loop
  }

  async #read(): Promise<void> {
    for await (const { value } of this.#consumer) this.values.push(String(value))
  }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(['classic', 'consumer'] as const)(
  'consumption goes on by itself, group protocol %s',
  (groupProtocol) => {
    const ofProtocol: ConsumerOptions =
      groupProtocol === 'consumer' ? { groupProtocol } : { groupProtocol, heartbeatIntervalMs: 50 }

    /** A cluster in memory that clients find by a name, which stands for wherever the first broker that runs is now. */
    async function named(brokers: number) {
      const memory = await startKafka({
        brokers,
        transport: 'memory',
        topics: [{ name: 'orders', numPartitions: 2, replicationFactor: brokers }],
        configs: {
          'group.initial.rebalance.delay.ms': 0,
          'group.consumer.min.heartbeat.interval.ms': 1,
          'group.consumer.heartbeat.interval.ms': 50,
        },
      })
      const connect: Connect = (target) => {
        if (target.host !== 'kafka.example') return memory.connect(target)
        const at = Math.max(
          0,
          memory.brokerIds.findIndex((id) => memory.cluster.brokers.get(id)!.isRunning),
        )
        const [host, port] = memory.bootstrapServers.split(',')[at]!.split(':')
        return memory.connect({ ...target, host: host!, port: Number(port) })
      }
      const kafka = new Kafka({ bootstrapServers: 'kafka.example:9092', connect })
      const consumer = kafka.consumer({
        ...settings,
        ...ofProtocol,
        groupId: 'billing',
        topics: ['orders'],
      })
      const write = async (...values: string[]) => {
        await using producer = kafka.producer({ reconnectBackoffMs: 10, reconnectBackoffMaxMs: 100 })
        await Promise.all(
          values.map((value, at) => producer.send({ topic: 'orders', partition: at % 2, value })),
        )
      }
      return { memory, consumer, write, [Symbol.asyncDispose]: () => memory.close() }
    }

    function committed(memory: TestKafka, partition: number): number | undefined {
      return memory.cluster.groups.get('billing')?.offsets.get('orders', partition)?.offset
    }

    type Cluster = Awaited<ReturnType<typeof named>>

    /** Two messages are read, and committed. */
    async function begin({ memory, write }: Cluster, reading: Reading): Promise<void> {
      await write('a', 'b')
      await reading.has('a', 'b')
      await expect.poll(() => [committed(memory, 0), committed(memory, 1)]).toEqual([1, 1])
    }

    /** Two more are. */
    async function goesOn({ memory, write }: Cluster, reading: Reading, timeout = 1000): Promise<void> {
      await write('c', 'd')
      await reading.has('a', 'b', 'c', 'd')
      await expect.poll(() => [committed(memory, 0), committed(memory, 1)], { timeout }).toEqual([2, 2])
    }

    it('after all brokers have come back at other addresses, behind the same bootstrap name', async () => {
      await using cluster = await named(3)
      await using reading = new Reading(cluster.consumer)
      const { memory } = cluster
      await begin(cluster, reading)
      const before = memory.bootstrapServers.split(',')
      for (const id of memory.brokerIds) await memory.stopBroker(id)
      for (const id of memory.brokerIds) await memory.startBroker(id, { newPorts: true })
      expect(memory.bootstrapServers.split(',').filter((address) => before.includes(address))).toEqual([])
      await goesOn(cluster, reading)
    }, 60_000)

    it('after its coordinator was lost, with its commits', async () => {
      await using cluster = await named(3)
      await using reading = new Reading(cluster.consumer)
      const { memory } = cluster
      await begin(cluster, reading)
      const coordinator = memory.cluster.coordinators.find('group', 'billing')
      await memory.stopBroker(coordinator)
      expect(memory.cluster.coordinators.find('group', 'billing')).not.toBe(coordinator)
      await goesOn(cluster, reading)
    }, 60_000)

    it('after a broker that coordinates and leads was silent for a while, and has come to itself', async () => {
      await using cluster = await named(1)
      await using reading = new Reading(cluster.consumer)
      await cluster.write('a', 'b')
      await reading.has('a', 'b')
      const { memory } = cluster
      memory.freezeBroker(1)
      const silent = memory.requests.next(
        ({ api }) => api === 'Heartbeat' || api === 'ConsumerGroupHeartbeat',
      )
      await Promise.race([silent, new Promise((resolve) => setTimeout(resolve, 300))])
      memory.thawBroker(1)
      await goesOn(cluster, reading)
    }, 60_000)

    it('after its process was frozen for a quarter of an hour, and the group has forgotten it', async () => {
      await using cluster = await named(1)
      await using reading = new Reading(cluster.consumer)
      const { memory } = cluster
      await begin(cluster, reading)
      const { generationId } = cluster.consumer.groupMetadata()
      const { now } = performance
      const { now: date } = Date
      const frozenMs = 15 * 60_000
      // All in one turn: timers of the process do not run while it is frozen, and those of the broker do.
      vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + frozenMs)
      vi.spyOn(Date, 'now').mockImplementation(() => date.call(Date) + frozenMs)
      await memory.advanceClock(0)
      await goesOn(cluster, reading, 20_000)
      expect(cluster.consumer.groupMetadata().generationId).toBeGreaterThan(generationId)
    }, 60_000)
  },
)

describeAnyKafka('consumption goes on by itself', (kafka) => {
  async function topicWith(numPartitions: number) {
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
    const topic = `recovery-${randomUUID()}`
    const admin = client.admin()
    await admin.createTopics([{ name: topic, numPartitions, replicationFactor: 1 }])
    const producer = client.producer({ metadataMaxAgeMs: 500 })
    const consumer = client.consumer({ ...settings, groupId: `group-${topic}`, topics: [topic] })
    return {
      topic,
      admin,
      producer,
      consumer,
      [Symbol.asyncDispose]: async () => {
        await producer.close()
        await admin.close()
      },
    }
  }

  it('with partitions that are added, from their beginning', async () => {
    await using t = await topicWith(1)
    await using reading = new Reading(t.consumer)
    await t.producer.send({ topic: t.topic, partition: 0, value: 'a' })
    await reading.has('a')
    await t.admin.createPartitions([{ topic: t.topic, totalCount: 3 }])
    // Written before the consumer knows of it, as far as that goes.
    await using writer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    await writer.send({ topic: t.topic, partition: 2, value: 'b' })
    await writer.send({ topic: t.topic, partition: 0, value: 'c' })
    await reading.has('a', 'b', 'c')
  }, 60_000)

  it('after its topic was deleted and made anew, from the beginning of that', async () => {
    await using t = await topicWith(1)
    await using reading = new Reading(t.consumer)
    for (const value of ['a', 'b', 'c']) await t.producer.send({ topic: t.topic, value })
    await reading.has('a', 'b', 'c')
    await t.admin.deleteTopics([t.topic])
    await expect
      .poll(async () => (await t.admin.createTopics([{ name: t.topic, replicationFactor: 1 }]))[0]?.error, {
        timeout: 20_000,
      })
      .toBe(null)
    await using writer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    await writer.send({ topic: t.topic, value: 'd' })
    await reading.has('a', 'b', 'c', 'd')
  }, 60_000)
})

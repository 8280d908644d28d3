import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { type Consumer, Kafka, type Producer, string } from '../../src/index.ts'
import { type AnyKafka, describeAnyKafka } from '../support/any-kafka/index.ts'
import { NumberedMessages } from '../support/numbered-messages.ts'
import { type LogRecord, readLog } from '../support/read-log.ts'

/** Reads until `count` different numbers have come; gives, by partition, the numbers in the order of their first coming. */
async function readNumbers(
  consumers: readonly Consumer<string | null, string | null>[],
  count: number,
): Promise<Map<number, number[]>> {
  const seen = new Set<number>()
  const order = new Map<number, number[]>()
  let finish!: () => void
  const complete = new Promise<void>((resolve) => {
    finish = resolve
  })
  const loops = consumers.map(async (consumer) => {
    for await (const { partition, value } of consumer) {
      const n = Number(value)
      if (seen.has(n)) continue
      seen.add(n)
      const mine = order.get(partition)
      if (mine === undefined) order.set(partition, [n])
      else mine.push(n)
      if (seen.size === count) finish()
    }
  })
  await Promise.race([complete, Promise.all(loops)])
  return order
}

/** Sends all numbers, and kills while some of the first half are on their way; the second half is sent after that. */
async function sendAround(
  messages: NumberedMessages,
  producer: Producer,
  topic: string,
  total: number,
  kill: () => Promise<void>,
): Promise<{ rest: Promise<void> }> {
  const first = messages.send(producer, topic, 0, total / 2)
  await messages.reached(total / 4)
  while (producer.bufferedBytes === 0) await messages.reached(messages.confirmed.size + 1)
  await kill()
  const rest = first.then(() => messages.send(producer, topic, total / 2, total))
  rest.catch(() => {})
  return { rest }
}

/** Each number once, and the numbers of a key in order, as they were sent. */
function expectOnceInOrder(log: Map<number, LogRecord[]>, count: number): void {
  const numbers = [...log.values()].flat().map(({ value }) => Number(value))
  expect(numbers.length).toBe(count)
  expect(new Set(numbers).size).toBe(count)
  for (const records of log.values()) {
    const lastOfKey = new Map<string | null, number>()
    for (const { key, value } of records) {
      expect(Number(value)).toBeGreaterThan(lastOfKey.get(key) ?? -1)
      lastOfKey.set(key, Number(value))
    }
  }
}

function expectAscending(order: Map<number, number[]>, keys: number): void {
  for (const numbers of order.values()) {
    const lastOfKey = new Map<number, number>()
    for (const n of numbers) {
      expect(n).toBeGreaterThan(lastOfKey.get(n % keys) ?? -1)
      lastOfKey.set(n % keys, n)
    }
  }
}

/** A real cluster takes its time for everything; the one in memory shows the same with fewer messages, in a second. */
const messagesOf = (kind: AnyKafka['kind'], real: number) => (kind === 'real' ? real : real / 10)

describeAnyKafka(
  'brokers that are lost',
  ({ kind, start }) => {
    it('a single broker killed and restarted costs no message, doubles none and keeps the order', async () => {
      await using cluster = await start()
      const { bootstrapServers } = cluster
      const kafka = new Kafka({ bootstrapServers })
      const topic = `killed-${randomUUID()}`
      const total = messagesOf(kind, 200_000)
      await using admin = kafka.admin()
      await admin.createTopics([{ name: topic, numPartitions: 3, replicationFactor: 1 }])
      await using producer = kafka.producer()
      await using consumer = kafka.consumer({
        groupId: `readers-${randomUUID()}`,
        topics: [topic],
        autoOffsetReset: 'earliest',
        keyDeserializer: string,
        valueDeserializer: string,
      })
      const read = readNumbers([consumer], total)

      const messages = new NumberedMessages()
      const [node] = cluster.nodes
      const sending = await sendAround(messages, producer, topic, total, () => cluster.kill(node!.id))
      await cluster.restart(node!.id)
      await sending.rest
      await producer.flush()

      expect([...messages.failed.values()].map(String)).toEqual([])
      expect(messages.confirmed.size).toBe(total)
      expectAscending(await read, 100)
      const log = await readLog(cluster, bootstrapServers, topic)
      expectOnceInOrder(log, total)
      for (const [n, { partition, offset }] of messages.confirmed) {
        // -1: the broker had it already, and did not tell where.
        if (offset >= 0) expect(log.get(partition)![offset]!.value).toBe(String(n))
      }
    }, 180_000)

    it('the leader of a cluster of three killed while it is written to and read from costs nothing', async () => {
      await using cluster = await start({
        nodes: 3,
        brokerProperties: { 'min.insync.replicas': '2' },
      })
      const { bootstrapServers } = cluster
      const kafka = new Kafka({ bootstrapServers })
      const topic = `leader-lost-${randomUUID()}`
      const total = messagesOf(kind, 100_000)
      await using admin = kafka.admin()
      await admin.createTopics([{ name: topic, numPartitions: 3, replicationFactor: 3 }])
      await using producer = kafka.producer({ acks: 'all' })
      const options = {
        groupId: `readers-${randomUUID()}`,
        topics: [topic],
        autoOffsetReset: 'earliest',
        keyDeserializer: string,
        valueDeserializer: string,
      } as const
      await using one = kafka.consumer(options)
      await using other = kafka.consumer(options)
      const read = readNumbers([one, other], total)

      const messages = new NumberedMessages()
      const [partition] = await producer.partitionsFor(topic)
      const kill = () => cluster.kill(partition!.leader)
      await (await sendAround(messages, producer, topic, total, kill)).rest
      await producer.flush()

      expect([...messages.failed.values()].map(String)).toEqual([])
      expect(messages.confirmed.size).toBe(total)
      expectAscending(await read, 100)
      const alive = cluster.nodes.filter(({ id }) => id !== partition!.leader)
      const servers = alive.map(({ port }) => `127.0.0.1:${port}`).join(',')
      expectOnceInOrder(await readLog(cluster, servers, topic), total)
    }, 180_000)
  },
  { needs: 'own' },
)

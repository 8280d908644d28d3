import { afterEach, expect, test } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { Kafka } from '../../src/kafka.ts'
import { consumerProtocolSubscription, decodeVersioned } from '../../src/protocol/groups/consumer-protocol.ts'
import { drop, failWith, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { gate } from '../support/promises.ts'

// A consumer that leaves while its group goes on, and the moments around it.

const patience = { timeout: 10_000, interval: 5 }
const closing: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start() {
  const kafka = await startKafka({
    transport: 'memory',
    configs: {
      'group.initial.rebalance.delay.ms': 0,
      'group.min.session.timeout.ms': 1,
      'group.consumer.assignment.interval.ms': 0,
      'group.consumer.heartbeat.interval.ms': 50,
      'group.consumer.min.heartbeat.interval.ms': 50,
    },
  })
  closing.push(kafka)
  kafka.createTopics([{ name: 'orders', numPartitions: 4 }])
  const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, connect: kafka.connect })
  const producer = client.producer()
  for (let partition = 0; partition < 4; partition++) {
    await producer.send({ topic: 'orders', partition, value: `${partition}` })
  }
  await producer.close()
  return { kafka, client }
}

function join(client: Kafka, options: Partial<ConsumerOptions>) {
  const events: string[] = []
  const told = (kind: string) => (list: { partition: number }[]) =>
    void events.push(...list.map(({ partition }) => `${kind}${partition}`))
  const consumer: Consumer = client.consumer({
    groupId: 'billing',
    topics: ['orders'],
    autoOffsetReset: 'earliest',
    fetchMaxWaitMs: 20,
    onPartitionsAssigned: told('+'),
    onPartitionsRevoked: told('-'),
    onPartitionsLost: told('!'),
    ...options,
  })
  closing.push(consumer)
  return { consumer, events }
}

/** Has nothing in hand for longer than a moment. */
async function read(consumer: Consumer): Promise<void> {
  try {
    for await (const _ of consumer);
  } catch {
    // Without a subscription there is nothing to read.
  }
}

/** Heartbeats of this consumer that were answered from now on. */
function heartbeats(kafka: TestKafka, consumer: Consumer): () => number {
  const { memberId } = consumer.groupMetadata()
  const count = () =>
    [...kafka.requests.all('Heartbeat'), ...kafka.requests.all('ConsumerGroupHeartbeat')].filter(
      ({ body }) => body.memberId === memberId,
    ).length
  const before = count()
  return () => count() - before
}

test.each([
  ['classic', { partitionAssignmentStrategy: ['cooperative-sticky'], heartbeatIntervalMs: 20 }],
  ['consumer', { groupProtocol: 'consumer' }],
] as const)(
  'a consumer that is being closed takes nothing on that its group gives it meanwhile (%s)',
  async (_name, options) => {
    const { kafka, client } = await start()
    const handedOver = gate()
    const first = join(client, options as Partial<ConsumerOptions>)
    const events: string[] = []
    const second = client.consumer({
      groupId: 'billing',
      topics: ['orders'],
      fetchMaxWaitMs: 20,
      ...(options as Partial<ConsumerOptions>),
      onPartitionsAssigned: (list) => void events.push(...list.map(({ partition }) => `+${partition}`)),
      onPartitionsRevoked: async (list) => {
        events.push(...list.map(({ partition }) => `-${partition}`))
        await handedOver.opened
      },
    })
    closing.push(second)
    const loops = [read(first.consumer), read(second)]
    await expect.poll(() => first.consumer.assignment().length, patience).toBe(2)
    await expect.poll(() => second.assignment().length, patience).toBe(2)
    await expect.poll(() => events.length, patience).toBe(2)
    const closed = second.close()
    await expect.poll(() => events.length, patience).toBe(4)
    const beats = heartbeats(kafka, second)
    await first.consumer.close()
    await expect.poll(beats, patience).toBeGreaterThan(4)
    handedOver.open()
    await closed
    await Promise.all(loops)
    const taken = events.filter((one) => one.startsWith('+'))
    expect(events).toEqual([...taken, ...taken.map((one) => one.replace('+', '-'))])
  },
)

test.each([
  ['classic', { heartbeatIntervalMs: 20 }],
  ['consumer', { groupProtocol: 'consumer' }],
] as const)(
  'a consumer that unsubscribes while its membership is lost in a revocation holds nothing afterwards (%s)',
  async (_name, options) => {
    const { kafka, client } = await start()
    const revoking = gate()
    let revoked: string[] = []
    const { consumer, events } = join(client, {
      ...options,
      onPartitionsRevoked: (list) => {
        if (revoked.length > 0) return
        revoked = list.map(({ partition }) => `!${partition}`)
        revoking.open()
        return new Promise(() => {})
      },
    })
    const reading = read(consumer)
    await expect.poll(() => events.length, patience).toBe(4)
    const second = join(client, options)
    void read(second.consumer)
    await revoking.opened
    const { memberId } = consumer.groupMetadata()
    consumer.subscribe([])
    for (const api of ['Heartbeat', 'ConsumerGroupHeartbeat']) {
      kafka.control(api, ({ body }) =>
        body.memberId === memberId && body.memberEpoch !== -1 ? failWith('UNKNOWN_MEMBER_ID') : undefined,
      )
    }
    await expect.poll(() => events.filter((one) => one.startsWith('!')), patience).toEqual(revoked)
    expect(consumer.assignment()).toEqual([])
    await consumer.close()
    await reading
  },
)

test('an answer to SyncGroup that is lost costs one request timeout, and no rebalance', async () => {
  const { kafka, client } = await start()
  kafka.control('SyncGroup', () => drop(), { times: 1 })
  const { consumer, events } = join(client, { requestTimeoutMs: 500, defaultApiTimeoutMs: 1_000 })
  expect((await consumer.poll({ timeoutMs: 10_000 })).length).toBeGreaterThan(0)
  expect(kafka.requests.all('SyncGroup')).toHaveLength(2)
  expect(events).toHaveLength(4)
  expect(consumer.groupMetadata().generationId).toBe(1)
})

test('a consumer without a rack names none to the assignors', async () => {
  const { kafka, client } = await start()
  const { consumer } = join(client, {})
  await consumer.poll({ timeoutMs: 10_000 })
  const [joined] = kafka.requests.all('JoinGroup')
  const [protocol] = joined!.body.protocols as { metadata: Uint8Array }[]
  expect(decodeVersioned(consumerProtocolSubscription, protocol!.metadata).rackId).toBeNull()
})

test('the rebalances of a member of KIP-848 are measured as reconciliations', async () => {
  const { client } = await start()
  const { consumer } = join(client, { groupProtocol: 'consumer' })
  await consumer.poll({ timeoutMs: 10_000 })
  const metrics = await consumer.metrics()
  const figure = (name: string) => metrics.find((one) => one.name === name)!.value
  const names = ['rebalance-total', 'failed-rebalance-total', 'join-total', 'sync-total']
  expect(names.map(figure)).toEqual([1, 0, 0, 0])
  expect(figure('rebalance-latency-avg')).toBeGreaterThan(0)
  expect(figure('last-rebalance-seconds-ago')).toBeLessThan(10)
})

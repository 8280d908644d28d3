import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/consumer-options.ts'
import { Kafka } from '../../../src/kafka.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'
import {
  type Action,
  type ControlledRequest,
  delay,
  disconnect,
  failWith,
  type StartKafkaOptions,
  startKafka,
} from '../../../src/testing/index.ts'

const patience = { timeout: 20_000, interval: 10 }
const closing: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function setUp(options: StartKafkaOptions = {}) {
  const memory = await startKafka({
    ...options,
    configs: {
      'group.consumer.heartbeat.interval.ms': 100,
      'group.consumer.min.heartbeat.interval.ms': 50,
      ...options.configs,
    },
  })
  closing.push(memory)
  const topic = `faults-${randomUUID()}`
  memory.createTopics([{ name: topic, numPartitions: 2 }])
  const kafka = new Kafka({ bootstrapServers: memory.bootstrapServers, retryBackoffMs: 20 })
  const groupId = `group-${randomUUID()}`
  return { memory, topic, kafka, groupId }
}

function join(
  { kafka, topic, groupId }: { kafka: Kafka; topic: string; groupId: string },
  options: Partial<ConsumerOptions> = {},
) {
  const events: string[] = []
  const errors: KafkaError[] = []
  const told = (kind: string) => (list: { partition: number }[]) =>
    void events.push(`${kind}${list.map(({ partition }) => partition)}`)
  const consumer: Consumer = kafka.consumer({
    groupId,
    groupProtocol: 'consumer',
    topics: [topic],
    autoOffsetReset: 'earliest',
    onPartitionsAssigned: told('+'),
    onPartitionsRevoked: told('-'),
    onPartitionsLost: told('!'),
    onError: (error) => errors.push(error),
    ...options,
  })
  closing.push(consumer)
  const values: string[] = []
  const reading = (async () => {
    for await (const { value } of consumer) values.push(String(value))
  })().catch((error: KafkaError) => void errors.push(error))
  return { consumer, events, errors, values, reading }
}

async function produce({ kafka, topic }: { kafka: Kafka; topic: string }, ...values: string[]) {
  await using producer = kafka.producer()
  await producer.sendMany(values.map((value, i) => ({ topic, partition: i % 2, value })))
}

/** Lets joins pass. */
const unlessJoin = (action: () => Action) => (request: ControlledRequest) =>
  Number(request.body.memberEpoch) > 0 ? action() : undefined

test.each(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'] as const)(
  'after %s partitions are lost and come again, and what was not committed is read again',
  async (code) => {
    const at = await setUp()
    const member = join(at, { autoCommitIntervalMs: 60_000 })
    await produce(at, 'a', 'b')
    await expect.poll(() => member.values.length, patience).toBe(2)
    at.memory.control(
      'ConsumerGroupHeartbeat',
      unlessJoin(() => failWith(code)),
      { times: 1 },
    )
    await expect.poll(() => member.values.length, patience).toBe(4)
    expect(member.events).toEqual(['+0,1', '!0,1', '+0,1'])
    expect(member.errors).toEqual([])
  },
)

test('an answer that is lost on its way costs no partition', async () => {
  const at = await setUp()
  const member = join(at)
  await produce(at, 'a', 'b')
  await expect.poll(() => member.values.length, patience).toBe(2)
  // The epoch goes up with the second member, and the first one is not told of it.
  const lost = at.memory.control(
    'ConsumerGroupHeartbeat',
    unlessJoin(() => disconnect('after')),
    { times: 5 },
  )
  const second = join(at)
  await expect.poll(() => second.consumer.assignment().length, patience).toBe(1)
  await expect.poll(() => lost.count, patience).toBe(5)
  await produce(at, 'c', 'd')
  await expect.poll(() => member.values.length + second.values.length, patience).toBe(4)
  expect(member.events.filter((event) => event.startsWith('!'))).toEqual([])
})

test('a join of which the answer is lost leaves no second member behind', async () => {
  const at = await setUp()
  at.memory.control('ConsumerGroupHeartbeat', () => disconnect('after'), { times: 2 })
  const member = join(at)
  await expect.poll(() => member.consumer.assignment().length, patience).toBe(2)
  await produce(at, 'a', 'b')
  await expect.poll(() => member.values.length, patience).toBe(2)
})

test('a coordinator that moves is found again, and nothing is given up', async () => {
  const at = await setUp({ brokers: 3 })
  const member = join(at)
  await expect.poll(() => member.events, patience).toEqual(['+0,1'])
  at.memory.rehashCoordinators()
  await produce(at, 'a', 'b')
  await expect.poll(() => member.values.length, patience).toBe(2)
  await member.consumer.commit()
  expect(member.events).toEqual(['+0,1'])
})

test.each([
  ['3.9', "groupProtocol 'consumer' needs Kafka 4.0 or newer"],
  ['2.1', "groupProtocol 'consumer' needs Kafka 4.0 or newer"],
] as const)(
  'a broker of Kafka %s is too old, and the reader is told what the option needs',
  async (version, text) => {
    const at = await setUp({ version })
    const member = join(at)
    await expect.poll(() => member.errors[0]?.message, patience).toContain(text)
    expect(member.errors[0]?.code).toBe('UNSUPPORTED_VERSION')
  },
)

test('a commit of an older epoch is sent again with the present one', async () => {
  const at = await setUp()
  const member = join(at)
  await produce(at, 'a', 'b')
  await expect.poll(() => member.values.length, patience).toBe(2)
  const stale = at.memory.control('OffsetCommit', () => failWith('STALE_MEMBER_EPOCH'), { times: 1 })
  const committing = member.consumer.commit([{ topic: at.topic, partition: 0, offset: 1 }])
  // The epoch goes up meanwhile: another member comes.
  await expect.poll(() => stale.count, patience).toBe(1)
  // Without a newer epoch it is sent in vain.
  await committing.catch((error: KafkaError) => expect(error.code).toBe('STALE_MEMBER_EPOCH'))
  const { generationId } = member.consumer.groupMetadata()
  at.memory.control('OffsetCommit', () => failWith('STALE_MEMBER_EPOCH'), { times: 1 })
  const hold = at.memory.control(
    'ConsumerGroupHeartbeat',
    unlessJoin(() => delay(200)),
    { times: 1 },
  )
  join(at)
  await expect.poll(() => hold.count, patience).toBe(1)
  await expect
    .poll(() => member.consumer.groupMetadata().generationId, patience)
    .toBeGreaterThan(generationId)
  const [mine] = member.consumer.assignment()
  await member.consumer.commit([{ ...mine!, offset: 1 }])
  expect((await member.consumer.committed([mine!]))[0]?.offset).toBe(1)
})

test('a position is asked for in the name of the member, and again when its epoch was behind', async () => {
  const at = await setUp()
  const seen: unknown[] = []
  const refused = at.memory.control('OffsetFetch', ({ body }) => {
    seen.push((body.groups as { memberId: string; memberEpoch: number }[])[0])
    return seen.length <= 2 ? failWith('STALE_MEMBER_EPOCH') : undefined
  })
  const member = join(at)
  await produce(at, 'a', 'b')
  await expect.poll(() => member.values.length, patience).toBe(2)
  expect(refused.count).toBe(2)
  const { memberId, generationId } = member.consumer.groupMetadata()
  expect(seen.at(-1)).toMatchObject({ memberId, memberEpoch: generationId })
  expect(member.errors).toEqual([])
})

test('a slow hook holds up neither heartbeats nor the other member', async () => {
  const at = await setUp({
    configs: { 'group.consumer.session.timeout.ms': 1000, 'group.consumer.min.session.timeout.ms': 500 },
  })
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let isHeld = false
  const slow = join(at, {
    onPartitionsRevoked: async () => {
      isHeld = true
      await held
    },
  })
  await expect.poll(() => slow.consumer.assignment().length, patience).toBe(2)
  const other = join(at)
  await expect.poll(() => isHeld, patience).toBe(true)
  // Longer than the session: who is not heard of would be out of the group.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(slow.consumer.assignment()).toHaveLength(2)
  expect(other.consumer.assignment()).toHaveLength(0)
  const { group } = await other.consumer.health()
  expect(group?.isStable).toBe(true)
  goOn()
  await expect.poll(() => other.consumer.assignment().length, patience).toBe(1)
  expect(slow.errors).toEqual([])
})

test('offsets go along with a transaction under the member epoch, and not under an old one', async () => {
  const at = await setUp()
  const target = `target-${randomUUID()}`
  at.memory.createTopics([{ name: target, numPartitions: 1 }])
  await produce(at, 'a')
  await using consumer = at.kafka.consumer({
    groupId: at.groupId,
    groupProtocol: 'consumer',
    topics: [at.topic],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
  })
  const records = await consumer.poll({ timeoutMs: 10_000 })
  await using producer = at.kafka.producer({ transactionalId: randomUUID() })
  await producer.transaction(async (tx) => {
    void tx.send({ topic: target, value: 'copied' })
    await tx.sendOffsets(consumer, records)
  })
  expect((await consumer.committed([{ topic: at.topic, partition: 0 }]))[0]?.offset).toBe(1)
  const zombie = { ...consumer.groupMetadata(), memberId: 'somebody else' }
  const offsets = [{ topic: at.topic, partition: 0, offset: 0 }]
  await expect(producer.transaction((tx) => tx.sendOffsets(zombie, offsets))).rejects.toThrow(
    /UNKNOWN_MEMBER_ID/,
  )
})

test('nothing of it is left when it is closed in the middle of a join', async () => {
  const at = await setUp()
  at.memory.control('ConsumerGroupHeartbeat', ({ body }) => (body.memberEpoch === 0 ? delay(300) : undefined))
  const member = join(at)
  await expect.poll(() => member.consumer.groupMetadata().groupId, patience).toBe(at.groupId)
  await member.consumer.close({ timeoutMs: 2000 })
  await member.reading
  expect(member.consumer.groupMetadata().generationId).toBe(-1)
  expect(member.events).toEqual([])
})

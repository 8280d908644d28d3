import { afterEach, describe, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { drop, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { gate } from '../support/promises.ts'

// Races that schedules of faults have found (test/faults/consumer-schedules.test.ts), one by one.

const closing: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(records: number) {
  const kafka = await startKafka({
    transport: 'memory',
    topics: ['orders'],
    configs: { 'group.min.session.timeout.ms': 1, 'group.initial.rebalance.delay.ms': 0 },
  })
  closing.push(kafka)
  const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, connect: kafka.connect })
  const producer = client.producer()
  closing.push(producer)
  for (let i = 0; i < records; i++) await producer.send({ topic: 'orders', value: `${i}` })
  const options = {
    groupId: 'billing',
    topics: ['orders'],
    autoOffsetReset: 'earliest',
    heartbeatIntervalMs: 20,
    sessionTimeoutMs: 3000,
  } as const
  return { kafka, client, options }
}

function committed(kafka: TestKafka): number | undefined {
  return kafka.cluster.groups.get('billing')?.offsets.get('orders', 0)?.offset
}

describe('a consumer in a group', () => {
  test('that is closed by its own loop gives that no further record, and commits what the loop had', async () => {
    const { kafka, client, options } = await start(10)
    const consumer = client.consumer(options)
    const seen: number[] = []
    for await (const { offset } of consumer) {
      seen.push(offset)
      if (offset === 3) void consumer.close()
    }
    expect(seen).toEqual([0, 1, 2, 3])
    await consumer.close()
    expect(committed(kafka)).toBe(4)
  })

  test('that was late comes back when the application asks for records while it is on its way out', async () => {
    const { kafka, client, options } = await start(2)
    const left = gate()
    const errors: string[] = []
    const consumer = client.consumer({
      ...options,
      maxPollIntervalMs: 200,
      maxPollRecords: 1,
      onError: ({ code }) => errors.push(code),
    })
    closing.push(consumer)
    const [first] = await consumer.poll({ timeoutMs: 20_000 })
    expect(first?.offset).toBe(0)
    const leaving = kafka.requests.next(({ api }) => api === 'LeaveGroup')
    kafka.control('LeaveGroup', async () => {
      await left.opened
      return undefined
    })
    await leaving
    const asked = consumer.poll({ timeoutMs: 20_000 })
    left.open()
    // What it had in hand is not done, so it comes again.
    expect((await asked).map(({ offset }) => offset)).toEqual([0])
    expect(errors).toContain('MAX_POLL_INTERVAL_EXCEEDED')
  })

  test('does not commit offsets of what came before its partition was lost, though it is its own again', async () => {
    const { kafka, client, options } = await start(3)
    const consumer = client.consumer({ ...options, enableAutoCommit: false })
    closing.push(consumer)
    const records = await consumer.poll({ timeoutMs: 20_000 })
    const joins = kafka.requests.all('SyncGroup').length
    const { generationId } = consumer.groupMetadata()
    // As a coordinator that has forgotten it.
    const group = kafka.cluster.groups.classic('billing')
    const [member] = [...group.members]
    group.leave([{ memberId: member!.memberId, groupInstanceId: null }])
    await expect
      .poll(() => kafka.requests.all('SyncGroup').length, { timeout: 10_000 })
      .toBeGreaterThan(joins)
    await expect
      .poll(() => consumer.assignment(), { timeout: 10_000 })
      .toEqual([{ topic: 'orders', partition: 0 }])
    await expect
      .poll(() => consumer.groupMetadata().generationId, { timeout: 10_000 })
      .toBeGreaterThan(generationId)
    const stale = [{ topic: 'orders', partition: 0, offset: records[0]!.offset + 1 }]
    await expect(consumer.commit(stale)).rejects.toMatchObject({ code: 'PARTITION_NOT_ASSIGNED' })
    expect(committed(kafka)).toBe(undefined)
    // With the next ask it has nothing of that time any more.
    const [again] = await consumer.poll({ timeoutMs: 20_000 })
    expect(again?.offset).toBe(0)
    await consumer.commit(stale)
    expect(committed(kafka)).toBe(1)
  })

  test('tells of no mistake of its own when it is lost in the middle of an automatic commit', async () => {
    const { kafka, client, options } = await start(3)
    const errors: KafkaError[] = []
    const lost = gate()
    const consumer = client.consumer({
      ...options,
      onError: (error) => errors.push(error),
      onPartitionsLost: () => lost.open(),
    })
    closing.push(consumer)
    expect(await consumer.poll({ timeoutMs: 20_000 })).toHaveLength(3)
    const other = client.consumer(options)
    closing.push(other)
    const committing = kafka.requests.next(({ api }) => api === 'OffsetCommit')
    const silence = kafka.control('OffsetCommit', () => drop(), { clientId: 'kafkawire' })
    const waiting = [consumer.poll({ timeoutMs: 20_000 }), other.poll({ timeoutMs: 20_000 })]
    await committing
    // It is told by its heartbeats, which the coordinator answers, but no longer as those of a member.
    const group = kafka.cluster.groups.classic('billing')
    const identities = [...group.members].map(({ memberId }) => ({ memberId, groupInstanceId: null }))
    group.leave(identities)
    await lost.opened
    silence.remove()
    await Promise.race(waiting)
    expect(errors.filter(({ code }) => code === 'CLIENT_FAULT')).toEqual([])
  })

  test('does not commit in a later stay what has waited for its turn since an earlier one', async () => {
    const { kafka, client, options } = await start(3)
    const consumer = client.consumer({ ...options, enableAutoCommit: false })
    closing.push(consumer)
    expect(await consumer.poll({ timeoutMs: 20_000 })).toHaveLength(3)
    const held = gate()
    const first = kafka.requests.next(({ api }) => api === 'OffsetCommit')
    const control = kafka.control('OffsetCommit', async () => {
      await held.opened
      return undefined
    })
    const offsets = (offset: number) => [{ topic: 'orders', partition: 0, offset }]
    const failures: unknown[] = []
    const commits = [2, 1].map((offset) =>
      consumer.commit(offsets(offset)).catch((error: unknown) => failures.push(error)),
    )
    await first
    control.remove()
    const { generationId } = consumer.groupMetadata()
    // Nothing is in hand any more, so that it can be given up and come back.
    const asked = consumer.poll({ timeoutMs: 20_000 })
    consumer.enforceRebalance()
    await expect
      .poll(() => consumer.groupMetadata().generationId, { timeout: 10_000 })
      .toBeGreaterThan(generationId)
    await expect
      .poll(() => consumer.assignment(), { timeout: 10_000 })
      .toEqual([{ topic: 'orders', partition: 0 }])
    await asked
    held.open()
    await Promise.all(commits)
    expect(failures).toContainEqual(expect.objectContaining({ code: 'PARTITION_NOT_ASSIGNED' }))
    expect(committed(kafka)).toBe(undefined)
  })
})

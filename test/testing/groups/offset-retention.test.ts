import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { offsetCommit } from '../../../src/protocol/apis/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import {
  consumerProtocolSubscription,
  encodeVersioned,
} from '../../../src/protocol/groups/consumer-protocol.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import type { StartKafkaOptions } from '../../../src/testing/options.ts'
import { nameOf, RawClient, RawMember } from '../support/raw-group.ts'

const dayMs = 24 * 60 * 60 * 1000

async function setUp(options: StartKafkaOptions = {}) {
  const kafka = await startKafka({ ...options, topics: ['orders', 'bills'] })
  const groupId = `retained-${randomUUID()}`
  const client = await (options.version === '2.1'
    ? RawClient.connect(kafka.bootstrapServers)
    : RawClient.toCoordinator(kafka.bootstrapServers, groupId))
  return {
    kafka,
    groupId,
    client,
    async commit(topic: string, fields: object = {}, version = 5, timestamp: object = {}) {
      const { topics } = await client.send(offsetCommit, version, {
        groupId,
        ...fields,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 7n, ...timestamp }] }],
      })
      return nameOf(topics[0]!.partitions[0]!.errorCode)
    },
    async committed(version = 5) {
      const { topics } = await client.send(offsetFetch, version, { groupId, topics: null })
      return topics.map(({ name }) => name)
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await kafka.close()
    },
  }
}

const exists = (kafka: TestKafka, groupId: string) => kafka.cluster.groups.get(groupId) !== undefined

describe('Offsets in memory', () => {
  it('go after seven days, and the group with the last of them', async () => {
    await using t = await setUp()
    await t.commit('orders')
    await t.kafka.advanceClock(6 * dayMs)
    await t.commit('bills')
    expect(await t.committed()).toEqual(['orders', 'bills'])
    await t.kafka.advanceClock(2 * dayMs)
    expect(await t.committed()).toEqual(['bills'])
    await t.kafka.advanceClock(6 * dayMs)
    expect(exists(t.kafka, t.groupId)).toBe(false)
  })

  it('go after the time that the commit has asked for, in versions 2 to 4', async () => {
    await using t = await setUp()
    await t.commit('orders', { retentionTimeMs: BigInt(dayMs) }, 4)
    await t.commit('bills', {}, 4)
    await t.kafka.advanceClock(dayMs + 600_000)
    expect(await t.committed()).toEqual(['bills'])
  })

  it('go seven days after the last member, however old they are', async () => {
    await using t = await setUp({ configs: { 'group.max.session.timeout.ms': 20 * dayMs } })
    await t.commit('orders')
    await using member = await RawMember.connect(t.kafka, t.groupId)
    await member.enter(9, { sessionTimeoutMs: 20 * dayMs, protocolType: 'connect' })
    await member.sync({}, { protocolType: 'connect' })
    await t.kafka.advanceClock(10 * dayMs)
    await member.leave()
    expect(await t.committed()).toEqual(['orders'])
    await t.kafka.advanceClock(6 * dayMs)
    expect(await t.committed()).toEqual(['orders'])
    await t.kafka.advanceClock(2 * dayMs)
    expect(await t.committed()).toEqual([])
  })

  it('of topics that members do not read go while they are there', async () => {
    await using t = await setUp({
      configs: { 'offsets.retention.minutes': 20, 'group.max.session.timeout.ms': dayMs },
    })
    await t.commit('orders')
    await t.commit('bills')
    await using member = await RawMember.connect(t.kafka, t.groupId)
    const metadata = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['orders'] })
    await member.enter(9, { sessionTimeoutMs: dayMs, protocols: [{ name: 'range', metadata }] })
    await member.sync()
    await t.kafka.advanceClock(40 * 60_000)
    expect(await t.committed()).toEqual(['orders'])
  })

  it('stay while a transaction holds newer ones, and the last commit counts', async () => {
    await using t = await setUp({ configs: { 'offsets.retention.minutes': 20 } })
    await t.commit('orders')
    const { offsets } = t.kafka.cluster.groups.get(t.groupId)!
    const pending = {
      offset: 9,
      leaderEpoch: -1,
      metadata: '',
      committedAtMs: t.kafka.now(),
      expiresAtMs: null,
    }
    offsets.setPending(1n, 'orders', 0, pending)
    offsets.setPending(2n, 'bills', 0, pending)
    await t.kafka.advanceClock(40 * 60_000)
    expect(await t.committed()).toEqual(['orders'])
    const body = {
      groupId: t.groupId,
      topics: [{ name: 'orders', partitionIndexes: [0] }],
      requireStable: true,
    }
    const { topics } = await t.client.send(offsetFetch, 7, body)
    expect(topics[0]!.partitions).toMatchObject([{ committedOffset: -1n }])
    expect(nameOf(topics[0]!.partitions[0]!.errorCode)).toBe('UNSTABLE_OFFSET_COMMIT')
    await t.commit('orders')
    offsets.endTransaction(1n, true)
    offsets.endTransaction(2n, false)
    expect(offsets.get('orders', 0)).toMatchObject({ offset: 7 })
    expect(offsets.get('bills', 0)).toBeUndefined()
  })

  it('go with their topic', async () => {
    await using t = await setUp()
    await t.commit('orders')
    await t.commit('bills')
    t.kafka.cluster.topics.delete(t.kafka.cluster.topics.get('orders')!)
    expect(await t.committed()).toEqual(['bills'])
  })

  it('are kept in ZooKeeper by version 0, where there is one', async () => {
    await using old = await setUp({ version: '2.1' })
    expect(await old.commit('orders', {}, 0)).toBe('NONE')
    const read = async (client: RawClient, groupId: string, name: string) => {
      const { topics } = await client.send(offsetFetch, 0, {
        groupId,
        topics: [{ name, partitionIndexes: [0] }],
      })
      const { committedOffset, errorCode } = topics[0]!.partitions[0]!
      return [Number(committedOffset), nameOf(errorCode)]
    }
    expect(await read(old.client, old.groupId, 'orders')).toEqual([7, 'NONE'])
    expect(await read(old.client, old.groupId, 'bills')).toEqual([-1, 'UNKNOWN_TOPIC_OR_PARTITION'])
    await using raft = await setUp({ version: '3.9' })
    expect(await raft.commit('orders', {}, 0)).toBe('UNSUPPORTED_VERSION')
    expect(await read(raft.client, raft.groupId, 'orders')).toEqual([-1, 'UNSUPPORTED_VERSION'])
  })

  it('of version 1 bear the time that the commit names', async () => {
    await using t = await setUp({ version: '3.9' })
    const old = BigInt(t.kafka.now() - 6.9 * dayMs)
    expect(await t.commit('orders', {}, 1, { commitTimestamp: old })).toBe('NONE')
    await t.kafka.advanceClock(dayMs)
    expect(await t.committed()).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { newTopicName, RawConsumerGroup } from '../support/raw-consumer-member.ts'
import { RawClient } from '../support/raw-group.ts'
import { acks, RawShareGroup } from '../support/raw-share-member.ts'

function either(kafka: TestKafka) {
  return { bootstrapServers: kafka.bootstrapServers, passTime: (ms: number) => kafka.advanceClock(ms) }
}

describe('a consumer group that gets another coordinator', () => {
  it('is known there, and its members have the time of a session to find it', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    await using group = await RawConsumerGroup.connect(either(kafka))
    const topic = newTopicName()
    const id = await group.createTopic(topic)
    await group.join('a', [topic])
    await kafka.advanceClock(40_000)

    kafka.rehashCoordinators()

    expect((await group.beat({ memberEpoch: 2 })).error).toBe('NOT_COORDINATOR')
    expect((await group.describe()).errorCode).toBe(16)
    await kafka.advanceClock(40_000)
    await using moved = await RawConsumerGroup.connect(either(kafka), group.groupId)
    expect(await moved.beat({ memberEpoch: 2 })).toMatchObject({ error: 'NONE', epoch: 2 })
    expect((await moved.describe()).members[0]?.assignment.topicPartitions[0]?.topicId).toBe(id)
  })
})

describe('a share group in a partition that gets another leader', () => {
  it('gives out there what was acquired at the old one', async () => {
    await using kafka = await startKafka({
      brokers: 2,
      configs: { 'default.replication.factor': 2, 'group.share.heartbeat.interval.ms': 5000 },
    })
    await using group = await RawShareGroup.connect(either(kafka))
    // Where the topic is led is up to chance; requests go to the broker of the group.
    const here = kafka.cluster.coordinators.find('group', group.groupId)
    kafka.moveLeader(group.topic, 0, here)
    await group.join('a')
    await group.produce(4)
    expect((await group.fetch('a', 0)).partition?.acquired).toEqual([[0, 3, 1]])
    expect((await group.acknowledge('a', 1, [[0, 0, acks.accept]])).error).toBe('NONE')
    const there = kafka.brokerIds.find((id) => id !== here)!

    kafka.moveLeader(group.topic, 0, there)

    expect((await group.fetch('a', 2)).partition).toMatchObject({
      error: 'NOT_LEADER_OR_FOLLOWER',
      acquired: [],
    })
    expect((await group.acknowledge('a', 3, [[1, 1, acks.accept]])).error).toBe('NOT_LEADER_OR_FOLLOWER')
    await using client = await RawClient.connect(
      Object.values(kafka.cluster.brokers.get(there)!.addressFor('default')).join(':'),
    )
    const moved = group.on(client)
    expect((await moved.fetch('a', 0)).partition?.acquired).toEqual([[1, 3, 2]])
  })
})

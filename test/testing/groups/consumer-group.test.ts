import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { newTopicName, RawConsumerGroup } from '../support/raw-consumer-member.ts'
import { RawMember } from '../support/raw-group.ts'

describe('a consumer group', () => {
  let kafka: TestKafka
  const either = {
    get bootstrapServers() {
      return kafka.bootstrapServers
    },
    passTime: (ms: number) => kafka.advanceClock(ms),
  }
  beforeAll(async () => {
    kafka = await startKafka({ configs: { 'group.consumer.max.size': 3 } })
  })
  afterAll(() => kafka.close())

  it('loses a member that has not been heard of for its session', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const topic = newTopicName()
    await group.createTopic(topic)
    await group.join('a', [topic])

    await kafka.advanceClock(40_000)
    expect((await group.beat({ memberEpoch: 2 })).error).toBe('NONE')
    await kafka.advanceClock(40_000)
    expect((await group.state())[0]).toBe('Stable')
    await kafka.advanceClock(5000)

    expect(await group.state()).toEqual(['Empty', 3, 2])
    expect((await group.beat({ memberEpoch: 2 })).error).toBe('UNKNOWN_MEMBER_ID')
  })

  it('loses a member that does not give back what it is to give back within its rebalance timeout', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)
    await group.join('a', [topic], { rebalanceTimeoutMs: 30_000 })
    await group.join('b', [topic])
    await kafka.advanceClock(1000)
    await group.beat({ memberEpoch: 2 })

    await kafka.advanceClock(25_000)
    const owned = [{ topicId: id, partitions: [0, 1] }]
    expect((await group.beat({ memberEpoch: 2, topicPartitions: owned })).error).toBe('NONE')
    await group.beat({ memberId: 'b', memberEpoch: 2 })
    await kafka.advanceClock(5000)

    expect((await group.beat({ memberEpoch: 2, topicPartitions: owned })).error).toBe('UNKNOWN_MEMBER_ID')
    await kafka.advanceClock(1000)
    expect(await group.beat({ memberId: 'b', memberEpoch: 3 })).toMatchObject({
      assignment: { [id]: [0, 1] },
    })
  })

  it('keeps the partitions of a static member that is away until its session ends', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const topic = newTopicName()
    const id = await group.createTopic(topic)
    await group.join('a', [topic], { instanceId: 'i' })
    await group.beat({ memberEpoch: -2, instanceId: 'i' })
    await kafka.advanceClock(40_000)
    await group.join('b', [topic])
    expect(await group.beat({ memberId: 'b', memberEpoch: 3 })).toMatchObject({ assignment: null })

    await kafka.advanceClock(5000)

    expect(await group.beat({ memberId: 'b', memberEpoch: 3 })).toMatchObject({ assignment: { [id]: [0] } })
  })

  it('takes no more members than group.consumer.max.size', async () => {
    await using group = await RawConsumerGroup.connect(either)
    for (const memberId of ['a', 'b', 'c']) await group.join(memberId, [])

    expect(await group.join('d', [])).toMatchObject({
      error: 'GROUP_MAX_SIZE_REACHED',
      message: 'The consumer group has reached its maximum capacity of 3 members.',
    })
    expect((await group.join('a', [])).error).toBe('NONE')
  })

  it('finds new topics of a regular expression, but looks no more than every ten seconds', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const prefix = newTopicName()
    const first = await group.createTopic(`${prefix}-1`)
    await group.join('a', [], { subscribedTopicNames: null, subscribedTopicRegex: `${prefix}.*` })
    await kafka.advanceClock(1)
    await group.beat({ memberEpoch: 1 })
    const second = await group.createTopic(`${prefix}-2`)

    await kafka.advanceClock(5000)
    await group.beat({ memberEpoch: 2 })
    await kafka.advanceClock(1)
    expect(await group.beat({ memberEpoch: 2 })).toMatchObject({ epoch: 2, assignment: null })
    await kafka.advanceClock(5000)
    await group.beat({ memberEpoch: 2 })
    await kafka.advanceClock(1)

    expect(await group.beat({ memberEpoch: 2 })).toMatchObject({
      epoch: 3,
      assignment: { [first]: [0], [second]: [0] },
    })
  })

  it('takes the partitions of a topic that is deleted away', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const topic = newTopicName()
    await group.createTopic(topic)
    await group.join('a', [topic])
    kafka.cluster.topics.delete(kafka.cluster.topics.get(topic)!)
    await kafka.advanceClock(1000)

    expect(await group.beat({ memberEpoch: 2, topicPartitions: [] })).toMatchObject({
      epoch: 3,
      assignment: {},
    })
  })

  it('uses the assignor that most of its members ask for', async () => {
    await using group = await RawConsumerGroup.connect(either)
    const topics = [newTopicName(), newTopicName()]
    const ids = [await group.createTopic(topics[0]!), await group.createTopic(topics[1]!)]
    await group.join('a', topics, { serverAssignor: 'range' })
    await group.join('b', topics, { serverAssignor: 'range' })
    await kafka.advanceClock(1000)

    await group.beat({ memberId: 'b', memberEpoch: 2 })

    expect((await group.describe()).assignorName).toBe('range')
    // With a partition each, range gives all of them to the first.
    const [, b] = (await group.describe()).members.sort((x, y) => (x.memberId < y.memberId ? -1 : 1))
    expect(b!.targetAssignment.topicPartitions).toEqual([])
    expect(ids).toHaveLength(2)
  })

  it('takes the place of a classic group without members, and gives its place to one', async () => {
    await using classic = await RawMember.connect(kafka, `group-${newTopicName()}`)
    await using group = await RawConsumerGroup.connect(either, classic.groupId)
    await classic.enter()
    expect(await group.join('a', ['t'])).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      message: `Group ${group.groupId} is not a consumer group.`,
    })
    await classic.leave()

    expect((await group.join('a', ['t'])).error).toBe('NONE')
    expect((await classic.join(9)).errorCode).not.toBe(0)
    await group.beat({ memberEpoch: -1 })
    await using next = await RawMember.connect(kafka, classic.groupId)
    await next.enter()
    expect((await group.beat({ memberEpoch: 2 })).error).toBe('GROUP_ID_NOT_FOUND')
  })
})

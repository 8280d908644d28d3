import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeShareGroupOffsets } from '../../../src/protocol/apis/describe-share-group-offsets.ts'
import { shareGroupDescribe } from '../../../src/protocol/apis/share-group-describe.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { acks, RawShareGroup } from '../support/raw-share-member.ts'

const { accept, release, renew } = acks

describe('a share group', () => {
  let kafka: TestKafka
  const either = {
    get bootstrapServers() {
      return kafka.bootstrapServers
    },
    passTime: (ms: number) => kafka.advanceClock(ms),
  }
  beforeAll(async () => {
    kafka = await startKafka({ configs: { 'group.share.max.size': 2 } })
  })
  afterAll(() => kafka.close())

  it('gives records out again when their lock has run out', async () => {
    await using group = await RawShareGroup.connect(either)
    await group.join('a')
    await group.produce(4)
    await group.fetch('a', 0)
    await group.acknowledge('a', 1, [[0, 0, accept]])

    await kafka.advanceClock(25_000)
    expect((await group.fetch('b', 0, { maxWaitMs: 0 })).partition?.acquired).toEqual([])
    await kafka.advanceClock(5000)

    expect((await group.fetch('b', 1)).partition?.acquired).toEqual([[1, 3, 2]])
    expect((await group.acknowledge('a', 2, [[1, 3, accept]])).error).toBe('INVALID_RECORD_STATE')
  })

  it('lets a member renew its lock', async () => {
    await using group = await RawShareGroup.connect(either, { 'share.record.lock.duration.ms': '20000' })
    await group.join('a')
    await group.produce(2)
    await group.fetch('a', 0)
    await kafka.advanceClock(15_000)
    expect((await group.acknowledge('a', 1, [[0, 0, renew]], true)).error).toBe('NONE')

    await kafka.advanceClock(15_000)

    expect((await group.fetch('b', 0)).partition?.acquired).toEqual([[1, 1, 2]])
    expect((await group.acknowledge('a', 2, [[0, 0, accept]])).error).toBe('NONE')
  })

  it('gives a record out five times at most', async () => {
    await using group = await RawShareGroup.connect(either)
    await group.join('a')
    await group.produce(1)
    for (let count = 1; count <= 5; count++) {
      const { partition } = await group.fetch('a', 2 * count - 2)
      expect(partition?.acquired).toEqual([[0, 0, count]])
      await group.acknowledge('a', 2 * count - 1, [[0, 0, release]])
    }

    expect((await group.fetch('a', 10)).partition).toBeNull()
    await group.produce(1)
    expect((await group.fetch('a', 11)).partition?.acquired).toEqual([[1, 1, 1]])
  })

  it('begins at the end of a partition, where nothing else is said', async () => {
    await using group = await RawShareGroup.connect(either, { 'share.auto.offset.reset': 'latest' })
    await group.join('a')
    await group.produce(3)
    expect((await group.fetch('a', 0)).partition?.acquired).toEqual([])

    await group.produce(2)

    expect((await group.fetch('a', 1)).partition?.acquired).toEqual([[3, 4, 1]])
  })

  it('acquires no more than share.partition.max.record.locks at a time', async () => {
    await using group = await RawShareGroup.connect(either, { 'share.partition.max.record.locks': '100' })
    await group.join('a')
    for (let i = 0; i < 4; i++) await group.produce(50)

    const { partition } = await group.fetch('a', 0)

    expect(partition?.acquired).toEqual([[0, 99, 1]])
    expect((await group.fetch('a', 1)).partition).toBeNull()
    await group.acknowledge('a', 2, [[0, 49, accept]])
    expect((await group.fetch('a', 3)).partition?.acquired).toEqual([[100, 149, 1]])
  })

  it('wakes a member that waits when another gives records back', async () => {
    await using group = await RawShareGroup.connect(either)
    await group.join('a')
    await group.produce(2)
    await group.fetch('a', 0)
    const waiting = group.fetchElsewhere('b', { maxWaitMs: 20_000 })
    await kafka.requests.next(({ api, body }) => api === 'ShareFetch' && body.memberId === 'b')

    await group.acknowledge('a', 1, [[0, 1, release]])

    expect((await waiting).partition?.acquired).toEqual([[0, 1, 2]])
  })

  it('gives back what a connection has acquired when it ends', async () => {
    await using group = await RawShareGroup.connect(either)
    await group.join('a')
    await group.produce(2)
    expect((await group.fetchElsewhere('b', {})).partition?.acquired).toEqual([[0, 1, 1]])

    expect((await group.fetch('a', 0, { maxWaitMs: 20_000 })).partition?.acquired).toEqual([[0, 1, 2]])
  })

  it('has room for group.share.max.size members, and loses those that are silent', async () => {
    await using group = await RawShareGroup.connect(either)
    const joining = { memberEpoch: 0, subscribedTopicNames: [group.topic] }
    await group.beat({ ...joining, memberId: 'a' })
    await group.beat({ ...joining, memberId: 'b' })
    expect(await group.beat({ ...joining, memberId: 'c' })).toMatchObject({
      error: 'GROUP_MAX_SIZE_REACHED',
      message: 'The share group has reached its maximum capacity of 2 members.',
    })
    await kafka.advanceClock(40_000)
    await group.beat({ memberId: 'a', memberEpoch: 2 })
    await kafka.advanceClock(5000)

    const { groups } = await group.client.send(shareGroupDescribe, 1, { groupIds: [group.groupId] })
    expect(groups[0]?.members.map(({ memberId }) => memberId)).toEqual(['a'])
    expect(groups[0]?.groupState).toBe('Stable')
  })

  it('tells its start and its lag once something has been acknowledged', async () => {
    await using group = await RawShareGroup.connect(either)
    await group.join('a')
    await group.produce(5)
    const offsets = async () => {
      const { groups } = await group.client.send(describeShareGroupOffsets, 1, {
        groups: [{ groupId: group.groupId, topics: [{ topicName: group.topic, partitions: [0] }] }],
      })
      const { startOffset, lag } = groups[0]!.topics[0]!.partitions[0]!
      return [startOffset, lag]
    }
    await group.fetch('a', 0)
    expect(await offsets()).toEqual([-1n, -1n])

    await group.acknowledge('a', 1, [[1, 2, accept]])

    expect(await offsets()).toEqual([0n, 3n])
  })
})

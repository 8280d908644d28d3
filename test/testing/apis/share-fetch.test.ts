import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { alterShareGroupOffsets } from '../../../src/protocol/apis/alter-share-group-offsets.ts'
import { deleteShareGroupOffsets } from '../../../src/protocol/apis/delete-share-group-offsets.ts'
import { describeShareGroupOffsets } from '../../../src/protocol/apis/describe-share-group-offsets.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { type Ack, acks, RawShareGroup } from '../support/raw-share-member.ts'
import { TransactionClient } from '../support/transaction-client.ts'

const { accept, release, reject, gap, renew } = acks

async function offsetsOf(group: RawShareGroup) {
  const { groups } = await group.client.send(describeShareGroupOffsets, 1, {
    groups: [{ groupId: group.groupId, topics: null }],
  })
  return groups[0]!.topics.flatMap(({ partitions }) =>
    partitions.map(({ startOffset, lag }) => [Number(startOffset), Number(lag)]),
  )
}

describeEitherKafka('ShareFetch and ShareAcknowledge', (kafka) => {
  it('acquires records for one member, and not for another', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(10)

    const fetched = await group.fetch('a', 0)

    expect(fetched).toMatchObject({ error: 'NONE', partition: { error: 'NONE', acquired: [[0, 9, 1]] } })
    expect(fetched.partition?.recordBytes).toBeGreaterThan(70)
    expect(await group.fetch('b', 0)).toMatchObject({ partition: { acquired: [], recordBytes: 0 } })
    expect(await group.fetch('a', 1)).toEqual({ error: 'NONE', partition: null })
  })

  it('gives out again what is released, and not what is accepted or rejected', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(10)
    await group.fetch('a', 0)

    const fetched = await group.fetch('a', 1, {}, [
      [0, 3, accept],
      [4, 5, release],
      [6, 6, reject],
    ])

    expect(fetched.partition).toMatchObject({ acknowledgeError: 'NONE', acquired: [[4, 5, 2]] })
    expect(await offsetsOf(group)).toEqual([[0, 5]])
    const rest: Ack[] = [
      [4, 5, accept],
      [7, 9, accept],
    ]
    expect((await group.acknowledge('a', 2, rest)).error).toBe('NONE')
    expect(await offsetsOf(group)).toEqual([[4, 0]])
  })

  it('takes one type for each offset of a batch', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(5)
    await group.fetch('a', 0)

    expect((await group.acknowledge('a', 1, [[0, 4, accept, release, reject, gap, release]])).error).toBe(
      'NONE',
    )

    expect((await group.fetch('a', 2)).partition?.acquired).toEqual([
      [1, 1, 2],
      [4, 4, 2],
    ])
  })

  it('gives a member whole batches, unless it wants no more than it says', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    for (let i = 0; i < 3; i++) await group.produce(5)

    expect((await group.fetch('a', 0, { maxRecords: 3 })).partition?.acquired).toEqual([[0, 4, 1]])
    expect((await group.fetch('a', 1, { maxRecords: 1, shareAcquireMode: 1 })).partition?.acquired).toEqual([
      [5, 5, 1],
    ])
    expect((await group.fetch('a', 2, { batchSize: 1 })).partition?.acquired).toEqual([
      [6, 9, 1],
      [10, 14, 1],
    ])
  })

  it('tells a member that waits of new records', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.fetch('a', 0)
    const waiting = group.fetchElsewhere('b', { maxWaitMs: 20_000 })

    await group.produce(3)

    expect((await waiting).partition?.acquired).toEqual([[0, 2, 1]])
  })

  it('leaves aborted records out for groups that read what is committed', async () => {
    await using group = await RawShareGroup.connect(kafka, { 'share.isolation.level': 'read_committed' })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    await group.join('a')
    const transactionalId = `transaction-${randomUUID()}`
    for (const committed of [true, false, true]) {
      const identity = await client.init(transactionalId)
      await client.produce(group.topic, 0, ['x', 'y'], identity, { transactionalId })
      await client.end(transactionalId, identity, committed)
    }

    const seen = new Set<number>()
    for (let epoch = 0; !seen.has(7); epoch++) {
      const { error, partition } = await group.fetch('a', epoch)
      expect(error).toBe('NONE')
      for (const [first, last] of partition?.acquired ?? []) {
        for (let offset = first; offset <= last; offset++) seen.add(offset)
      }
    }

    // Those between are of the transaction that was aborted; 2, 5 and 8 are markers.
    expect([...seen].filter((offset) => offset % 3 !== 2)).toEqual([0, 1, 6, 7])
  })

  it('gives back what a session has acquired when it is closed', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(4)
    await group.fetch('a', 0)

    expect(await group.fetch('a', -1)).toEqual({ error: 'NONE', partition: null })

    expect((await group.fetch('b', 0)).partition?.acquired).toEqual([[0, 3, 2]])
    expect((await group.acknowledge('b', -1, [[0, 1, accept]])).error).toBe('NONE')
    expect((await group.fetch('c', 0)).partition?.acquired).toEqual([[2, 3, 3]])
  })

  it('wants session epochs in their order', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')

    expect((await group.fetch('a', 1)).error).toBe('SHARE_SESSION_NOT_FOUND')
    expect((await group.fetch('a', 0)).error).toBe('NONE')
    expect((await group.fetch('a', 2)).error).toBe('INVALID_SHARE_SESSION_EPOCH')
    expect((await group.acknowledge('a', 0, [[0, 0, accept]])).error).toBe('INVALID_SHARE_SESSION_EPOCH')
    expect((await group.acknowledge('b', 1, [[0, 0, accept]])).error).toBe('SHARE_SESSION_NOT_FOUND')
    expect((await group.fetch('a', 1)).error).toBe('NONE')
    expect((await group.fetch('a', 0, {}, [[0, 0, accept]])).error).toBe('INVALID_REQUEST')
  })

  it('refuses acknowledgements of what a member does not have', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(10)
    await group.fetch('a', 0)
    await group.fetch('b', 0)

    expect(await group.acknowledge('b', 1, [[0, 9, accept]])).toEqual({
      error: 'INVALID_RECORD_STATE',
      message: 'Member is not the owner of batch record',
    })
    expect(await group.acknowledge('a', 1, [[50, 51, accept]])).toEqual({
      error: 'INVALID_REQUEST',
      message: 'Batch record not found. The first offset in request is past acquired records.',
    })
    expect(await group.acknowledge('a', 2, [[8, 51, accept]])).toEqual({
      error: 'INVALID_REQUEST',
      message: 'Batch record not found. The last offset in request is past acquired records.',
    })
    expect((await group.acknowledge('a', 3, [[5, 5, accept]])).error).toBe('NONE')
    expect(await group.acknowledge('a', 4, [[5, 6, accept]])).toEqual({
      error: 'INVALID_RECORD_STATE',
      message: 'The offset cannot be acknowledged. The offset is not acquired.',
    })
    expect(await group.acknowledge('b', 2, [[6, 6, accept]])).toEqual({
      error: 'INVALID_RECORD_STATE',
      message: 'Member is not the owner of offset',
    })
    // One that is wrong spoils all of its request.
    expect(
      (
        await group.acknowledge('a', 5, [
          [7, 8, accept],
          [8, 9, accept],
        ])
      ).error,
    ).toBe('INVALID_RECORD_STATE')
    expect((await group.acknowledge('a', 6, [[6, 9, accept]])).error).toBe('NONE')
  })

  it.each<[string, Ack]>([
    ['a type that there is not', [0, 0, 9]],
    ['a renewal that the request does not announce', [0, 0, renew]],
    ['fewer types than offsets', [0, 2, accept, accept]],
    ['no type', [0, 2]],
    ['offsets the wrong way round', [2, 0, accept]],
  ])('refuses %s', async (_what, ack) => {
    await using group = await RawShareGroup.connect(kafka)
    await group.join('a')
    await group.produce(3)
    await group.fetch('a', 0)

    expect(await group.acknowledge('a', 1, [ack])).toEqual({ error: 'INVALID_REQUEST', message: null })
  })

  it('moves the start of an empty group, and forgets it', async () => {
    await using group = await RawShareGroup.connect(kafka)
    const { groupId, topic } = group
    await group.join('a')
    await group.produce(5)
    const alter = () =>
      group.client.send(alterShareGroupOffsets, 0, {
        groupId,
        topics: [{ topicName: topic, partitions: [{ partitionIndex: 0, startOffset: 3n }] }],
      })
    expect(await alter()).toMatchObject({ errorCode: 68, errorMessage: 'The group is not empty.' })
    await group.beat({ memberId: 'a', memberEpoch: -1 })

    expect((await alter()).responses[0]?.partitions[0]?.errorCode).toBe(0)
    expect(await offsetsOf(group)).toEqual([[3, 2]])
    const { responses } = await group.client.send(deleteShareGroupOffsets, 0, {
      groupId,
      topics: [{ topicName: topic }],
    })
    expect(responses[0]?.errorCode).toBe(0)
    expect(await offsetsOf(group)).toEqual([])
  })
})

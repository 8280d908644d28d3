import { describe, expect, it } from 'vitest'
import type { Metadata, TopicMetadata } from '../../src/cluster/metadata.ts'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { epochAfter, FetchSession } from '../../src/consumer/fetch-session.ts'
import type { FetchResponse } from '../../src/protocol/apis/fetch.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'

const limits = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1000,
  partitionMaxBytes: 100,
  isolationLevel: 'read_uncommitted',
  rackId: '',
} as const

const firstId = 'AAAAAAAAQACAAAAAAAAAAQ'
const secondId = 'AAAAAAAAQACAAAAAAAAAAg'

/** Topics with three partitions each. */
function metadataOf(
  topics: Record<string, { id: string | null; leaderEpoch?: number }>,
): Pick<Metadata, 'get'> {
  return {
    get: (name) => {
      const topic = topics[name]
      if (topic === undefined) return null
      const partitions = [0, 1, 2].map((partition) => ({ partition, leaderEpoch: topic.leaderEpoch ?? 0 }))
      return { name, id: topic.id, isInternal: false, partitions } as unknown as TopicMetadata
    },
  }
}

function partitionAt(partition: number, offset: number, topic = 'orders'): AssignedPartition {
  const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }
  const assigned = new AssignedPartition({ topic, partition }, 'default', true, backoff)
  assigned.seek(offset)
  return assigned
}

/** An answer of a session; each partition with a high watermark of 10. */
function answer(sessionId: number, topic: object, partitions: readonly number[]): FetchResponse {
  return {
    errorCode: 0,
    sessionId,
    responses:
      partitions.length === 0
        ? []
        : [{ topic: '', ...topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
  } as unknown as FetchResponse
}

/** What a request says, in short. */
function said({
  sessionId,
  sessionEpoch,
  topics = [],
  forgottenTopicsData = [],
}: ReturnType<FetchSession['end']>) {
  return {
    session: [sessionId, sessionEpoch],
    wanted: topics.map(({ topic, topicId, partitions = [] }) => [
      topic ?? topicId,
      ...partitions.map((one) => `${one.partition}@${one.fetchOffset}`),
    ]),
    forgotten: forgottenTopicsData.map(({ topic, topicId, partitions = [] }) => [
      topic ?? topicId,
      ...partitions,
    ]),
  }
}

const versions = [
  { version: 12, key: 'orders', about: { topic: 'orders' } },
  { version: 17, key: firstId, about: { topicId: firstId } },
]

describe.each(versions)('a fetch session, version $version', ({ version, key, about }) => {
  const metadata = metadataOf({ orders: { id: firstId } })

  function opened(...partitions: AssignedPartition[]): FetchSession {
    const session = new FetchSession()
    const request = session.request(partitions, version, limits, metadata)
    expect(said(request).session).toEqual([0, 0])
    session.answered(
      answer(
        7,
        about,
        partitions.map(({ partition }) => partition),
      ),
    )
    return session
  }

  it('begins with all, and names from then on only what has changed', () => {
    const [a, b] = [partitionAt(0, 5), partitionAt(1, 6)]
    const session = opened(a, b)
    b.seek(9)
    expect(said(session.request([a, b], version, limits, metadata))).toEqual({
      session: [7, 1],
      wanted: [[key, '1@9']],
      forgotten: [],
    })
    session.answered(answer(7, about, []))
    expect(said(session.request([a, b], version, limits, metadata))).toEqual({
      session: [7, 2],
      wanted: [],
      forgotten: [],
    })
  })

  it('has the topic of a position from an answer that leaves it out, too', () => {
    const [a, b] = [partitionAt(0, 5), partitionAt(1, 6)]
    const session = opened(a, b)
    a.seekUnchecked(9, -1)
    b.seekUnchecked(9, -1)
    session.request([a, b], version, limits, metadata)
    b.seekUnchecked(10, -1)
    session.answered(answer(7, about, []))
    expect([a.topicId, b.topicId]).toEqual([firstId, null])
  })

  it('names what is new, and what is no longer wanted, once', () => {
    const [a, b, c] = [partitionAt(0, 5), partitionAt(1, 6), partitionAt(2, 0)]
    const session = opened(a, b)
    expect(said(session.request([b, c], version, limits, metadata))).toEqual({
      session: [7, 1],
      wanted: [[key, '2@0']],
      forgotten: [[key, 0]],
    })
    session.answered(answer(7, about, []))
    expect(said(session.request([b, c], version, limits, metadata)).forgotten).toEqual([])
    session.answered(answer(7, about, []))
    expect(said(session.request([a, b, c], version, limits, metadata)).wanted).toEqual([[key, '0@5']])
  })

  it('names a partition again when its leader epoch has changed', () => {
    const a = partitionAt(0, 5)
    const session = opened(a)
    const later = metadataOf({ orders: { id: firstId, leaderEpoch: 1 } })
    expect(session.request([a], version, limits, later).topics).toMatchObject([
      { partitions: [{ partition: 0, currentLeaderEpoch: 1 }] },
    ])
  })

  it('gives the parts of an answer with what was asked, and begins anew after parts that nobody wants', () => {
    const [a, b] = [partitionAt(0, 5), partitionAt(1, 6)]
    const session = opened(a, b)
    session.request([a, b], version, limits, metadata)
    const answers = session.answered(answer(7, about, [1, 1, 2]))
    expect(answers.map(([{ partition, offset }]) => [partition, offset])).toEqual([[b, 6]])
    expect(said(session.request([a, b], version, limits, metadata))).toMatchObject({
      session: [7, 0],
      wanted: [[key, '0@5', '1@6']],
    })
  })

  it('begins anew when the first answer leaves out a partition', () => {
    const [a, b] = [partitionAt(0, 5), partitionAt(1, 6)]
    const session = new FetchSession()
    session.request([a, b], version, limits, metadata)
    expect(session.answered(answer(7, about, [0]))).toHaveLength(1)
    expect(said(session.request([a, b], version, limits, metadata)).session).toEqual([7, 0])
  })

  it('says all each time to a broker that has no room for a session', () => {
    const a = partitionAt(0, 5)
    const session = new FetchSession()
    for (let round = 0; round < 3; round++) {
      expect(said(session.request([a], version, limits, metadata))).toMatchObject({
        session: [0, 0],
        wanted: [[key, '0@5']],
      })
      session.answered(answer(0, about, [0]))
    }
    expect(session.isOpen).toBe(false)
  })

  it('begins anew when the broker has ended the session, and when it speaks of another one', () => {
    const a = partitionAt(0, 5)
    const session = opened(a)
    session.request([a], version, limits, metadata)
    session.answered(answer(0, about, []))
    expect(said(session.request([a], version, limits, metadata)).session).toEqual([0, 0])
    session.answered(answer(8, about, [0]))
    session.request([a], version, limits, metadata)
    session.answered(answer(9, about, []))
    expect(said(session.request([a], version, limits, metadata)).session).toEqual([9, 0])
  })

  it.each([
    ['fetchSessionIdNotFound', 0],
    ['invalidFetchSessionEpoch', 7],
    ['fetchSessionTopicIdError', 7],
  ] as const)('begins anew at once after %s', (name, id) => {
    const a = partitionAt(0, 5)
    const session = opened(a)
    session.request([a], version, limits, metadata)
    expect(session.refused(errorCodes[name])).toBe(true)
    expect(said(session.request([a], version, limits, metadata))).toMatchObject({
      session: [id, 0],
      wanted: [[key, '0@5']],
    })
    // The same of the request that begins one would go on for ever.
    expect(session.refused(errorCodes[name])).toBe(false)
  })

  it('says all anew, and ends the session before, when nobody knows what the broker has heard', () => {
    const [a, b] = [partitionAt(0, 5), partitionAt(1, 6)]
    const session = opened(a, b)
    session.request([a], version, limits, metadata)
    session.lost()
    expect(said(session.request([a, b], version, limits, metadata))).toEqual({
      session: [7, 0],
      wanted: [[key, '0@5', '1@6']],
      forgotten: [],
    })
  })

  it('tells what the broker does not tell twice to a partition that was given up and came back between two fetches', () => {
    const before = partitionAt(0, 5)
    const session = opened(before)
    Object.assign(before, { highWatermark: 10, endOffset: 9 })
    const after = partitionAt(0, 5)
    expect(said(session.request([after], version, limits, metadata)).wanted).toEqual([])
    expect(after).toMatchObject({ highWatermark: 10, endOffset: 9 })
    const [[asked] = []] = session.answered(answer(7, about, [0]))
    expect(asked!.partition).toBe(after)
  })

  it('holds the version of a position that was left and is back', () => {
    const a = partitionAt(0, 5)
    const session = opened(a)
    a.seek(50)
    a.seek(5)
    expect(said(session.request([a], version, limits, metadata)).wanted).toEqual([])
    const [[asked] = []] = session.answered(answer(7, about, [0]))
    expect(asked!.version).toBe(a.version)
  })

  it('ends with an epoch that the broker takes for the end', () => {
    const session = opened(partitionAt(0, 5))
    expect(session.isOpen).toBe(true)
    expect(said(session.end()).session).toEqual([7, -1])
    expect(session.isOpen).toBe(false)
  })
})

describe('a fetch session', () => {
  it('forgets a topic that was made anew under its old id, and asks for it under the new one', () => {
    const a = partitionAt(0, 5)
    const session = new FetchSession()
    session.request([a], 17, limits, metadataOf({ orders: { id: firstId } }))
    session.answered(answer(7, { topicId: firstId }, [0]))
    const request = session.request([a], 17, limits, metadataOf({ orders: { id: secondId } }))
    expect(said(request)).toEqual({
      session: [7, 1],
      wanted: [[secondId, '0@5']],
      forgotten: [[firstId, 0]],
    })
    expect(session.answered(answer(7, { topicId: secondId }, [0]))).toHaveLength(1)
  })

  it('begins anew when it goes from names to ids, and from ids to names', () => {
    const a = partitionAt(0, 5)
    const session = new FetchSession()
    const metadata = metadataOf({ orders: { id: firstId } })
    session.request([a], 12, limits, metadata)
    session.answered(answer(7, { topic: 'orders' }, [0]))
    expect(said(session.request([a], 13, limits, metadata))).toEqual({
      session: [7, 0],
      wanted: [[firstId, '0@5']],
      forgotten: [],
    })
    session.answered(answer(8, { topicId: firstId }, [0]))
    expect(said(session.request([a], 12, limits, metadata))).toMatchObject({
      session: [8, 0],
      wanted: [['orders', '0@5']],
    })
  })

  it('is none before version 7', () => {
    const a = partitionAt(0, 5)
    const session = new FetchSession()
    for (let round = 0; round < 2; round++) {
      const request = session.request([a], 6, limits, metadataOf({ orders: { id: null } }))
      expect(request).not.toHaveProperty('sessionEpoch')
      expect(said(request)).toMatchObject({ wanted: [['orders', '0@5']], forgotten: [] })
      session.answered(answer(0, { topic: 'orders' }, [0]))
    }
  })

  it('counts its epochs over their end, past the one that begins a session', () => {
    expect([0, 1, 0x7ffffffe, 0x7fffffff].map(epochAfter)).toEqual([1, 2, 0x7fffffff, 1])
  })
})

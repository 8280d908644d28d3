import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Metadata } from '../../src/cluster/metadata.ts'
import { Deadline } from '../../src/deadline.ts'
import { ConnectionError } from '../../src/errors.ts'
import { type MetadataResponse, metadata as metadataApi } from '../../src/protocol/apis/metadata.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import type { StructInput } from '../../src/protocol/schema.ts'
import { failureOf, gate } from '../support/promises.ts'

type Answer = StructInput<typeof metadataApi.response.fields>

const version = metadataApi.versions.max

/** An answer as it comes from the wire. */
function answer(body: Answer): MetadataResponse {
  return metadataApi.response.decode(version, metadataApi.response.encode(version, body))
}

const id = (n: number) => `AAAAAAAAAAAAAAAAAAAA${'BCDEFGHI'[n]}A`

interface PartitionInput {
  leaderId?: number
  leaderEpoch?: number
  partitionIndex?: number
}

function topic(
  name: string,
  partitions: PartitionInput[],
  extra: { errorCode?: number; topicId?: string } = {},
) {
  return {
    name,
    ...extra,
    partitions: partitions.map((partition, i) => ({
      partitionIndex: i,
      leaderId: 1,
      leaderEpoch: 0,
      ...partition,
    })),
  }
}

const nodes = [1, 2, 3].map((nodeId) => ({ nodeId, host: `node-${nodeId}`, port: 9092 }))

let asked: (readonly string[] | null)[]
let reply: (topics: readonly string[] | null) => MetadataResponse | Promise<MetadataResponse>
let known: Metadata

function make(options: { metadataMaxAgeMs?: number; retryBackoffMs?: number } = {}): Metadata {
  return new Metadata(
    async (topics) => {
      asked.push(topics)
      return await reply(topics)
    },
    { metadataMaxAgeMs: 60_000, retryBackoffMs: 5, retryBackoffMaxMs: 20, ...options },
  )
}

beforeEach(() => {
  asked = []
  reply = (topics) => answer({ brokers: nodes, topics: (topics ?? []).map((name) => topic(name, [{}])) })
  known = make()
})

afterEach(() => {
  vi.restoreAllMocks()
  known.close()
})

describe('an answer', () => {
  it('tells nodes, controller, cluster, topics and partitions', () => {
    known.update(
      answer({
        brokers: nodes,
        clusterId: 'c1',
        controllerId: 2,
        topics: [topic('a', [{ leaderId: 3, leaderEpoch: 7 }, {}], { topicId: id(1) })],
      }),
    )
    expect(known.clusterId).toBe('c1')
    expect(known.controllerId).toBe(2)
    expect(known.nodes.get(2)).toEqual({ id: 2, host: 'node-2', port: 9092, rack: null })
    expect(known.get('a')).toMatchObject({ name: 'a', id: id(1), isInternal: false })
    expect(known.partition('a', 0)).toMatchObject({ topic: 'a', partition: 0, leader: 3, leaderEpoch: 7 })
    expect(known.partition('a', 2)).toBeNull()
    expect(known.partition('b', 0)).toBeNull()
    expect(known.nameOf(id(1))).toBe('a')
    expect(asked).toEqual([])
  })

  it('with an older leader epoch never overwrites a newer one, partition by partition', () => {
    known.update(
      answer({
        topics: [
          topic(
            'a',
            [
              { leaderId: 1, leaderEpoch: 5 },
              { leaderId: 1, leaderEpoch: 5 },
            ],
            { topicId: id(1) },
          ),
        ],
      }),
    )
    known.update(
      answer({
        topics: [
          topic(
            'a',
            [
              { leaderId: 2, leaderEpoch: 4 },
              { leaderId: 2, leaderEpoch: 6 },
            ],
            { topicId: id(1) },
          ),
        ],
      }),
    )
    expect(known.get('a')?.partitions).toMatchObject([
      { leader: 1, leaderEpoch: 5 },
      { leader: 2, leaderEpoch: 6 },
    ])
  })

  it('of the same epoch, or of a broker that tells none, is taken', () => {
    known.update(answer({ topics: [topic('a', [{ leaderId: 1, leaderEpoch: 5 }], { topicId: id(1) })] }))
    known.update(answer({ topics: [topic('a', [{ leaderId: -1, leaderEpoch: 5 }], { topicId: id(1) })] }))
    expect(known.partition('a', 0)?.leader).toBe(-1)
    known.update(answer({ topics: [topic('a', [{ leaderId: 2, leaderEpoch: -1 }], { topicId: id(1) })] }))
    expect(known.partition('a', 0)?.leader).toBe(2)
  })

  it('about another topic of the same name starts anew, whatever its epochs', () => {
    known.update(answer({ topics: [topic('a', [{ leaderId: 1, leaderEpoch: 50 }, {}], { topicId: id(1) })] }))
    known.update(answer({ topics: [topic('a', [{ leaderId: 2, leaderEpoch: 0 }], { topicId: id(2) })] }))
    expect(known.get('a')).toMatchObject({ id: id(2), partitions: [{ leader: 2, leaderEpoch: 0 }] })
    expect(known.get('a')?.partitions).toHaveLength(1)
    expect(known.nameOf(id(1))).toBeNull()
    expect(known.nameOf(id(2))).toBe('a')
  })

  it('without a topic id is about the topic that is known', () => {
    known.update(answer({ topics: [topic('a', [{ leaderId: 1, leaderEpoch: 5 }], { topicId: id(1) })] }))
    known.update(answer({ topics: [topic('a', [{ leaderId: 2, leaderEpoch: 4 }])] }))
    expect(known.partition('a', 0)).toMatchObject({ leader: 1, leaderEpoch: 5 })
  })

  it('that is an error keeps what was known', () => {
    known.update(answer({ topics: [topic('a', [{ leaderId: 2, leaderEpoch: 5 }])] }))
    known.update(answer({ topics: [{ name: 'a', errorCode: errorCodes.unknownTopicOrPartition }] }))
    expect(known.partition('a', 0)?.leader).toBe(2)
    expect(known.errorCode('a')).toBe(errorCodes.unknownTopicOrPartition)
    known.update(answer({ topics: [topic('a', [{}])] }))
    expect(known.errorCode('a')).toBe(errorCodes.none)
  })

  it('without nodes keeps those that are known; one with nodes replaces them', () => {
    known.update(answer({ brokers: nodes }))
    known.update(answer({ brokers: [] }))
    expect([...known.nodes.keys()]).toEqual([1, 2, 3])
    known.update(answer({ brokers: [nodes[1]!] }))
    expect([...known.nodes.keys()]).toEqual([2])
  })

  it.each([
    ['a gap', [0, 2]],
    ['the same twice', [0, 0]],
    ['a negative one', [0, -1]],
    ['one far out', [0, 0x7fffffff]],
  ])('with %s among its partitions spoils that topic alone', (_, indexes) => {
    known.update(answer({ topics: [topic('a', [{ leaderEpoch: 1 }, {}, {}])] }))
    known.update(
      answer({
        topics: [
          topic(
            'a',
            indexes.map((partitionIndex) => ({ partitionIndex, leaderEpoch: 9 })),
          ),
          topic('b', [{}]),
        ],
      }),
    )
    expect(known.get('a')?.partitions).toHaveLength(3)
    expect(known.errorCode('a')).toBe(errorCodes.leaderNotAvailable)
    expect(known.get('b')?.partitions).toHaveLength(1)
  })

  it('is told to listeners, until they want no more', () => {
    const listener = vi.fn()
    const end = known.onUpdate(listener)
    known.update(answer({}))
    expect(listener).toHaveBeenCalledTimes(1)
    end()
    known.update(answer({}))
    expect(listener).toHaveBeenCalledTimes(1)
  })
})

describe('a hint (KIP-951)', () => {
  const endpoint = { nodeId: 9, host: 'node-9', port: 9099, rack: null }

  beforeEach(() => {
    known.update(answer({ brokers: nodes, topics: [topic('a', [{ leaderId: 1, leaderEpoch: 5 }])] }))
  })

  it('names the new leader and where it is', () => {
    const listener = vi.fn()
    known.onUpdate(listener)
    expect(known.hint('a', 0, { leaderId: 9, leaderEpoch: 6 }, [endpoint])).toBe(true)
    expect(known.partition('a', 0)).toMatchObject({ leader: 9, leaderEpoch: 6 })
    expect(known.nodes.get(9)).toEqual({ id: 9, host: 'node-9', port: 9099, rack: null })
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('needs no address for a node that is known', () => {
    expect(known.hint('a', 0, { leaderId: 2, leaderEpoch: 6 }, [])).toBe(true)
  })

  it.each([
    ['of an older epoch', 'a', 0, { leaderId: 2, leaderEpoch: 4 }],
    ['of the same epoch', 'a', 0, { leaderId: 2, leaderEpoch: 5 }],
    ['without a leader', 'a', 0, { leaderId: -1, leaderEpoch: 6 }],
    ['about a topic that is not known', 'b', 0, { leaderId: 2, leaderEpoch: 6 }],
    ['about a partition that is not known', 'a', 1, { leaderId: 2, leaderEpoch: 6 }],
    ['to a node without an address', 'a', 0, { leaderId: 8, leaderEpoch: 6 }],
  ])('%s is no news', (_, name, partition, hint) => {
    expect(known.hint(name, partition, hint, [endpoint])).toBe(false)
    expect(known.partition('a', 0)).toMatchObject({ leader: 1, leaderEpoch: 5 })
  })
})

describe('refresh', () => {
  it('asks once for all who ask in the same tick', async () => {
    await Promise.all([known.refresh(['a']), known.refresh(['b', 'a']), known.refresh([])])
    expect(asked).toEqual([['a', 'b']])
  })

  it('answers calls that come while one is on its way by the next one together', async () => {
    const { opened, open } = gate()
    const usual = reply
    reply = async (topics) => {
      await opened
      return usual(topics)
    }
    const first = known.refresh(['a'])
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    let isNextDone = false
    const next = Promise.all([known.refresh(['a']), known.refresh(['b'])]).then(() => {
      isNextDone = true
    })
    open()
    await first
    expect(isNextDone).toBe(false)
    await next
    expect(asked).toEqual([['a'], ['a', 'b']])
  })

  it('keeps a time between two questions about what is known, and none for what is new', async () => {
    known = make({ retryBackoffMs: 120 })
    await known.refresh(['a'])
    const start = performance.now()
    await known.refresh(['b'])
    expect(performance.now() - start).toBeLessThan(60)
    await known.refresh(['a'])
    expect(performance.now() - start).toBeGreaterThan(100)
  })

  it('that fails fails for those who asked, and not for the next', async () => {
    const error = new ConnectionError('CONNECTION_REFUSED', 'nobody there')
    reply = () => Promise.reject(error)
    const first = [failureOf(known.refresh(['a'])), failureOf(known.refresh(['a']))]
    expect(await Promise.all(first)).toEqual([error, error])
    reply = () => answer({ topics: [topic('a', [{}])] })
    await known.refresh(['a'])
    expect(known.get('a')).not.toBeNull()
  })

  it('comes by itself when what is known is used and old, once, and again after a failure', async () => {
    known = make({ metadataMaxAgeMs: 1_000, retryBackoffMs: 0 })
    await known.refresh(['a'])
    let now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    now += 1_500
    reply = () => Promise.reject(new Error('down'))
    expect(known.get('a')).not.toBeNull()
    expect(known.get('a')).not.toBeNull()
    await vi.waitFor(() => expect(asked).toHaveLength(2))
    reply = () => answer({ topics: [topic('a', [{ leaderId: 2, leaderEpoch: 3 }])] })
    await vi.waitFor(() => expect(known.partition('a', 0)?.leader).toBe(2))
    expect(asked).toHaveLength(3)
  })

  it('of all topics asks for all', async () => {
    reply = () => answer({ topics: [topic('a', [{}]), topic('b', [{}]), { name: 'c', errorCode: 29 }] })
    expect((await known.all()).map((one) => one.name)).toEqual(['a', 'b'])
    expect(asked).toEqual([null])
  })
})

describe('waiting for a topic', () => {
  it('lasts until the topic is there', async () => {
    reply = () =>
      asked.length < 3
        ? answer({ topics: [{ name: 'a', errorCode: errorCodes.unknownTopicOrPartition }] })
        : answer({ topics: [topic('a', [{}])] })
    expect((await known.topic('a', new Deadline(2_000))).name).toBe('a')
    expect(asked).toHaveLength(3)
  })

  it('ends at the deadline with what the brokers said', async () => {
    reply = () => answer({ topics: [{ name: 'a', errorCode: errorCodes.unknownTopicOrPartition }] })
    expect(await failureOf(known.topic('a', new Deadline(60)))).toMatchObject({
      name: 'BrokerError',
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      topic: 'a',
    })
  })

  it('ends at the deadline with what went wrong before it', async () => {
    const { opened } = gate()
    const error = new ConnectionError('CONNECTION_REFUSED', 'nobody there')
    reply = async () => {
      if (asked.length > 1) await opened
      throw error
    }
    expect(await failureOf(known.topic('a', new Deadline(60)))).toBe(error)
  })

  it('ends at once when the topic may not be seen', async () => {
    reply = () => answer({ topics: [{ name: 'a', errorCode: errorCodes.topicAuthorizationFailed }] })
    expect(await failureOf(known.topic('a', new Deadline(60_000)))).toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
    })
  })

  it('tells of partitions with gaps', async () => {
    reply = () => answer({ topics: [topic('a', [{}, { partitionIndex: 2 }])] })
    expect(await failureOf(known.topic('a', new Deadline(40)))).toMatchObject({
      code: 'INVALID_METADATA',
      message: 'the partitions of topic a have gaps',
    })
  })

  it('ends with the signal, for its reason', async () => {
    const { opened } = gate()
    reply = async () => {
      await opened
      return answer({})
    }
    const controller = new AbortController()
    const waiting = failureOf(known.topic('a', new Deadline(60_000, controller.signal)))
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await failureOf(known.topic('a', new Deadline(60_000, controller.signal)))).toBe(reason)
  })

  it('ends when the client is closed', async () => {
    reply = () => answer({ topics: [{ name: 'a', errorCode: errorCodes.unknownTopicOrPartition }] })
    known = make({ retryBackoffMs: 10_000 })
    const waiting = failureOf(known.topic('a', new Deadline(60_000)))
    await vi.waitFor(() => expect(known.errorCode('a')).not.toBe(0))
    known.close()
    expect(await waiting).toMatchObject({ name: 'IllegalStateError' })
    expect(await failureOf(known.refresh(['a']))).toMatchObject({ name: 'IllegalStateError' })
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster, type ClusterOptions } from '../../src/cluster/cluster.ts'
import { committedOffsets } from '../../src/cluster/committed-offsets.ts'
import { listOffsets, offsetSpec } from '../../src/cluster/list-offsets.ts'
import { Deadline } from '../../src/deadline.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { listOffsets as listOffsetsApi } from '../../src/protocol/apis/list-offsets.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { offsetFetch } from '../../src/protocol/apis/offset-fetch.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { clusterOptions } from '../support/network-options.ts'
import { failureOf } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'

let one: ScriptedBroker
let two: ScriptedBroker
/** Leader by partition of the topic `a`. */
let leaders: number[]
let epoch: number
const clusters: Cluster[] = []

beforeEach(async () => {
  one = await startScriptedBroker({ nodeId: 1 })
  two = await startScriptedBroker({ nodeId: 2 })
  leaders = [1, 2]
  epoch = 3
  for (const broker of [one, two]) {
    broker.on(metadata, ({ body }) => ({
      brokers: [one.node(), two.node()],
      controllerId: 1,
      topics: (body.topics ?? []).map(({ name }) =>
        name === 'a'
          ? {
              name,
              partitions: leaders.map((leaderId, partitionIndex) => ({
                partitionIndex,
                leaderId,
                leaderEpoch: epoch,
              })),
            }
          : { name, errorCode: errorCodes.topicAuthorizationFailed },
      ),
    }))
    broker.on(listOffsetsApi, ({ body }) => ({
      topics: body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          offset: BigInt(broker.nodeId * 100 + partitionIndex),
          timestamp,
          leaderEpoch: epoch,
        })),
      })),
    }))
  }
})

afterEach(async () => {
  for (const cluster of clusters.splice(0)) cluster.close()
  await Promise.all([one.stop(), two.stop()])
})

function clusterOf(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster(clusterOptions([one.address, two.address], options))
  clusters.push(cluster)
  return cluster
}

const latest = (partition: number, topic = 'a') => ({ topic, partition, timestamp: offsetSpec.latest })

const list = (
  cluster: Cluster,
  partitions: { topic: string; partition: number; timestamp: number }[],
  ms = 3_000,
) => listOffsets(cluster, partitions, 'read_uncommitted', new Deadline(ms))

describe('offsets by leader', () => {
  it('take one request a leader, with the leader epoch that is believed in', async () => {
    leaders = [1, 2, 1]
    const found = await list(clusterOf(), [latest(0), latest(1), latest(2)])
    expect(Object.fromEntries(found)).toEqual({
      'a-0': { value: { offset: 100, timestamp: -1, leaderEpoch: 3 } },
      'a-1': { value: { offset: 201, timestamp: -1, leaderEpoch: 3 } },
      'a-2': { value: { offset: 102, timestamp: -1, leaderEpoch: 3 } },
    })
    expect([one, two].map((broker) => broker.seen(listOffsetsApi).length)).toEqual([1, 1])
    expect(two.seen(listOffsetsApi)[0]?.body).toMatchObject({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 'a', partitions: [{ partitionIndex: 1, currentLeaderEpoch: 3, timestamp: -1n }] }],
    })
  })

  it('are asked of the new leader when it has moved, for that partition alone', async () => {
    two.on(listOffsetsApi, ({ body }) => {
      leaders = [1, 1]
      epoch = 4
      return {
        topics: body.topics.map(({ name }) => ({
          name,
          partitions: [{ partitionIndex: 1, errorCode: errorCodes.notLeaderOrFollower }],
        })),
      }
    })
    const found = await list(clusterOf(), [latest(0), latest(1)])
    expect(found.get('a-1')).toMatchObject({ value: { offset: 101 } })
    expect(
      one.seen(listOffsetsApi).map(({ body }) => body.topics[0]?.partitions.map((p) => p.partitionIndex)),
    ).toEqual([[0], [1]])
  })

  it('are asked of the new leader when the old one is gone', async () => {
    const cluster = clusterOf()
    await list(cluster, [latest(1)])
    leaders = [1, 1]
    epoch = 4
    await two.stop()
    expect((await list(cluster, [latest(1)])).get('a-1')).toMatchObject({ value: { offset: 101 } })
  })

  it('wait for a leader to be elected', async () => {
    leaders = [1, -1]
    one.on(listOffsetsApi, () => {
      leaders = [1, 2]
      return { topics: [{ name: 'a', partitions: [{ partitionIndex: 0 }] }] }
    })
    const found = await list(clusterOf(), [latest(0), latest(1)])
    expect(found.get('a-1')).toMatchObject({ value: { offset: 201 } })
  })

  it('end at the deadline with the cause, partition by partition', async () => {
    leaders = [1, -1]
    const found = await list(clusterOf(), [latest(0), latest(1)], 80)
    expect(found.get('a-0')).toMatchObject({ value: { offset: 100 } })
    expect(found.get('a-1')).toMatchObject({
      error: { code: 'LEADER_NOT_AVAILABLE', topic: 'a', partition: 1 },
    })
  })

  it('of a topic that may not be seen is an error of its partitions alone', async () => {
    const found = await list(clusterOf(), [latest(0), latest(0, 'secret')])
    expect(found.get('a-0')).toMatchObject({ value: { offset: 100 } })
    expect(found.get('secret-0')).toMatchObject({ error: { code: 'TOPIC_AUTHORIZATION_FAILED' } })
  })

  it('of a partition that does not exist is an error that says which do', async () => {
    const found = await list(clusterOf(), [latest(7), latest(-1), latest(0.5)])
    const message = (partition: number) => `topic a has no partition ${partition}: allowed are 0 to 1`
    for (const partition of [7, -1, 0.5]) {
      expect(found.get(`a-${partition}`)).toMatchObject({
        error: { name: 'InvalidArgumentError', message: message(partition) },
      })
    }
  })

  it('of a partition that was added since the last metadata are found', async () => {
    const cluster = clusterOf()
    await list(cluster, [latest(0)])
    leaders = [1, 2, 2]
    expect((await list(cluster, [latest(2)])).get('a-2')).toMatchObject({ value: { offset: 202 } })
  })

  it('that the broker leaves out are an error', async () => {
    one.on(listOffsetsApi, () => ({}))
    expect((await list(clusterOf(), [latest(0)])).get('a-0')).toMatchObject({
      error: { code: 'INVALID_RESPONSE' },
    })
  })

  it('come from the oldest brokers, too', async () => {
    const oldest = { min: 0, max: 0 }
    one.on(
      listOffsetsApi,
      () => ({ topics: [{ name: 'a', partitions: [{ oldStyleOffsets: [42n, 0n] }] }] }),
      oldest,
    )
    expect((await list(clusterOf(), [latest(0)])).get('a-0')).toEqual({
      value: { offset: 42, timestamp: -1, leaderEpoch: -1 },
    })
  })

  it('are never off by one for being too large', async () => {
    one.on(listOffsetsApi, () => ({ topics: [{ name: 'a', partitions: [{ offset: 2n ** 53n + 1n }] }] }))
    expect(await failureOf(list(clusterOf(), [latest(0)]))).toMatchObject({
      name: 'RangeError',
      message: expect.stringContaining('offset 9007199254740993 of a-0 is beyond the safe integers'),
    })
  })

  it('of the greatest timestamp are not asked of a broker that does not know what that is', async () => {
    one.on(listOffsetsApi, () => ({}), { min: 0, max: 6 })
    const query = { topic: 'a', partition: 0, timestamp: offsetSpec.maxTimestamp }
    expect(await failureOf(list(clusterOf(), [query]))).toMatchObject({ name: 'UnsupportedVersionError' })
  })

  it('ends when the client is closed, between two tries too', async () => {
    leaders = [-1]
    const cluster = clusterOf({ retryBackoffMs: 30_000, retryBackoffMaxMs: 30_000 })
    const waiting = failureOf(list(cluster, [latest(0)], 60_000))
    await vi.waitFor(() => expect(one.seen(metadata).length + two.seen(metadata).length).toBe(1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    cluster.close()
    expect(await waiting).toMatchObject({ name: 'IllegalStateError' })
  })

  it('ends with the signal', async () => {
    leaders = [-1]
    const controller = new AbortController()
    const deadline = new Deadline(60_000, controller.signal)
    const waiting = failureOf(listOffsets(clusterOf(), [latest(0)], 'read_committed', deadline))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
  })
})

describe('committed offsets', () => {
  const committed = (
    cluster: Cluster,
    partitions: { topic: string; partition: number }[] | null,
    requireStable = true,
  ) => committedOffsets(cluster, 'g', partitions, { requireStable, deadline: new Deadline(2_000) })

  beforeEach(() => {
    for (const broker of [one, two]) {
      broker.on(findCoordinator, () => ({ coordinators: [{ key: 'g', ...two.node() }] }))
    }
  })

  it('leave out what was not committed', async () => {
    two.on(offsetFetch, () => ({
      groups: [
        {
          groupId: 'g',
          topics: [
            {
              name: 'a',
              partitions: [
                { partitionIndex: 0, committedOffset: 12n, committedLeaderEpoch: 3, metadata: 'm' },
                { partitionIndex: 1, committedOffset: -1n },
              ],
            },
          ],
        },
      ],
    }))
    const found = await committed(clusterOf(), [latest(0), latest(1)])
    expect([...found.values()]).toEqual([
      { topic: 'a', partition: 0, offset: 12, leaderEpoch: 3, metadata: 'm' },
    ])
    expect(two.seen(offsetFetch)[0]?.body).toMatchObject({
      requireStable: true,
      groups: [{ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0, 1] }] }],
    })
  })

  it('are asked for again while they may still change', async () => {
    two.on(offsetFetch, () => {
      const errorCode = two.seen(offsetFetch).length < 3 ? errorCodes.unstableOffsetCommit : 0
      return {
        groups: [
          {
            groupId: 'g',
            topics: [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 5n, errorCode }] }],
          },
        ],
      }
    })
    expect((await committed(clusterOf(), null)).get('a-0')?.offset).toBe(5)
    expect(two.seen(offsetFetch)).toHaveLength(3)
    expect(two.seen(offsetFetch)[0]?.body.groups[0]?.topics).toBeNull()
  })

  it.each([
    ['partition', { groups: [{ groupId: 'g', topics: [{ name: 'a', partitions: [] }] }] }],
    ['group', { groups: [] }],
  ])(
    'are asked for again when the answer leaves a %s out: that is no word of there being none',
    async (_what, left) => {
      two.on(offsetFetch, () => {
        if (two.seen(offsetFetch).length < 3) return left
        const partitions = [{ partitionIndex: 0, committedOffset: 5n }]
        return { groups: [{ groupId: 'g', topics: [{ name: 'a', partitions }] }] }
      })
      expect((await committed(clusterOf(), [latest(0)])).get('a-0')?.offset).toBe(5)
      expect(two.seen(offsetFetch)).toHaveLength(3)
    },
  )

  it('fail with the error of a partition', async () => {
    const errorCode = errorCodes.topicAuthorizationFailed
    two.on(offsetFetch, () => ({
      groups: [{ groupId: 'g', topics: [{ name: 'a', partitions: [{ partitionIndex: 0, errorCode }] }] }],
    }))
    expect(await failureOf(committed(clusterOf(), null))).toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      topic: 'a',
      partition: 0,
      groupId: 'g',
    })
  })

  it('come from old brokers, too', async () => {
    two.on(
      offsetFetch,
      () => ({
        topics: [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 5n, metadata: '' }] }],
      }),
      { min: 1, max: 5 },
    )
    expect((await committed(clusterOf(), [latest(0)])).get('a-0')?.offset).toBe(5)
  })
})

import { describe, expect, it } from 'vitest'
import { Admin, type AdminOptions, type ListGroupsOptions } from '../../src/admin/admin.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { consumerProtocolAssignment, encodeVersioned } from '../../src/protocol/groups/consumer-protocol.ts'
import { type Handlers, ScriptedCluster, type ScriptedClusterOptions } from './scripted-cluster.ts'

function start(
  handlers: Handlers,
  options?: ScriptedClusterOptions,
  adminOptions: Partial<AdminOptions> = {},
) {
  const cluster = new ScriptedCluster(handlers, options)
  const { bootstrapServers, connect } = cluster
  const fast = { retryBackoffMs: 1, reconnectBackoffMs: 1, reconnectBackoffMaxMs: 1 }
  const admin = new Admin({ bootstrapServers, connect, ...fast, ...adminOptions })
  return { cluster, admin }
}

const group = (groupId: string, groupState = 'Stable') => ({
  groupId,
  protocolType: 'consumer',
  groupState,
  groupType: 'classic',
})

describe('listGroups', () => {
  it('asks every broker, and merges what they coordinate', async () => {
    const lists: Record<number, object[]> = {
      1: [group('b'), group('moved', 'Dead')],
      2: [group('a'), group('moved')],
    }
    const { cluster, admin } = start(
      { ListGroups: ({ node }) => ({ groups: lists[node] }) },
      { nodes: [1, 2] },
    )
    await using _ = admin
    const common = { protocolType: 'consumer', state: 'Stable', type: 'classic' }
    expect(await admin.listGroups({ states: ['Stable'], types: ['classic'] })).toEqual({
      groups: [
        { ...common, groupId: 'a' },
        { ...common, groupId: 'b' },
        { ...common, groupId: 'moved' },
      ],
      errors: [],
    })
    const asked = cluster.of('ListGroups')
    expect(asked.map(({ node }) => node).sort()).toEqual([1, 2])
    expect(asked[0]?.body).toMatchObject({ statesFilter: ['Stable'], typesFilter: ['classic'] })
  })

  it('asks a broker again while its groups are loading', async () => {
    let calls = 0
    const { admin } = start({
      ListGroups: () => {
        calls++
        return calls < 3 ? { errorCode: errorCodes.coordinatorLoadInProgress } : { groups: [group('a')] }
      },
    })
    await using _ = admin
    expect(await admin.listGroups()).toMatchObject({ groups: [{ groupId: 'a' }], errors: [] })
  })

  it('gives what the other brokers said along with the error of the one that refuses', async () => {
    const { cluster, admin } = start(
      {
        ListGroups: ({ node }) =>
          node === 1 ? { groups: [group('a')] } : { errorCode: errorCodes.clusterAuthorizationFailed },
      },
      { nodes: [1, 2] },
    )
    await using _ = admin
    expect(await admin.listGroups()).toMatchObject({
      groups: [{ groupId: 'a' }],
      errors: [{ code: 'CLUSTER_AUTHORIZATION_FAILED', broker: 'node2:9092' }],
    })
    expect(cluster.of('ListGroups')).toHaveLength(2)
  })

  it('gives up a broker that cannot be reached at the deadline, and says why', async () => {
    const { cluster, admin } = start({ ListGroups: () => ({ groups: [group('a')] }) }, { nodes: [1, 2] })
    cluster.down.add(2)
    await using _ = admin
    expect(await admin.listGroups({ timeoutMs: 200 })).toMatchObject({
      groups: [{ groupId: 'a' }],
      errors: [{ code: 'CONNECTION_REFUSED' }],
    })
    expect(cluster.of('ListGroups')).toHaveLength(1)
  })

  it('asks all again when a broker has left, as its groups have moved to the others', async () => {
    let moved = false
    const { cluster, admin } = start(
      {
        ListGroups: () => {
          if (moved) return { groups: [group('a'), group('b')] }
          moved = true
          cluster.nodes.splice(1, 1)
          return { groups: [group('a')] }
        },
      },
      { nodes: [1, 2] },
    )
    cluster.down.add(2)
    await using _ = admin
    expect(await admin.listGroups()).toMatchObject({
      groups: [{ groupId: 'a' }, { groupId: 'b' }],
      errors: [],
    })
  })

  it('leaves state and type open where the broker is too old to tell, and refuses to filter by them', async () => {
    const { cluster, admin } = start(
      { ListGroups: () => ({ groups: [{ groupId: 'a', protocolType: 'consumer' }] }) },
      { maxVersions: { ListGroups: 3 } },
    )
    await using _ = admin
    expect(await admin.listGroups()).toEqual({
      groups: [{ groupId: 'a', protocolType: 'consumer', state: null, type: null }],
      errors: [],
    })
    for (const filter of [{ states: ['Empty'] }, { types: ['consumer'] }] as const) {
      expect(await admin.listGroups(filter)).toMatchObject({
        groups: [],
        errors: [{ code: 'UNSUPPORTED_VERSION', message: expect.stringContaining(Object.keys(filter)[0]!) }],
      })
    }
    expect(cluster.of('ListGroups')).toHaveLength(1)
  })

  it('refuses a state or a type that Kafka does not have', async () => {
    const { admin } = start({})
    await using _ = admin
    const states = { states: ['stable'] } as unknown as ListGroupsOptions
    await expect(admin.listGroups(states)).rejects.toThrow(/states\[0\] is "stable"; allowed: Empty, /)
    const types = { types: 'classic' } as unknown as ListGroupsOptions
    await expect(admin.listGroups(types)).rejects.toThrow(/types is "classic"; allowed: an array/)
  })
})

/** A group in an answer to DescribeGroups, with one member. */
function described(groupId: string, memberAssignment: Uint8Array, protocolType = 'consumer') {
  const member = {
    memberId: 'm1',
    groupInstanceId: 'i1',
    clientId: 'c1',
    clientHost: '/10.0.0.1',
    memberMetadata: new Uint8Array(),
    memberAssignment,
  }
  return { groupId, groupState: 'Stable', protocolType, protocolData: 'range', members: [member] }
}

const assignment = (...assignedPartitions: { topic: string; partitions: number[] }[]) =>
  encodeVersioned(consumerProtocolAssignment, 3, { assignedPartitions })

describe('describeGroups', () => {
  it('sends one request to each coordinator, and gives results in the order asked', async () => {
    const { cluster, admin } = start(
      {
        FindCoordinator: (request, scripted) => scripted.coordinator(request, (key) => (key === 'b' ? 2 : 1)),
        DescribeGroups: ({ body }) => ({
          groups: (body.groups as string[]).map((id) =>
            described(id, assignment({ topic: 't', partitions: [1, 0] }, { topic: 's', partitions: [2] })),
          ),
        }),
      },
      { nodes: [1, 2] },
    )
    await using _ = admin
    const results = await admin.describeGroups(['c', 'b', 'a'])
    expect(results.map(({ groupId }) => groupId)).toEqual(['c', 'b', 'a'])
    expect(results[1]).toEqual({
      groupId: 'b',
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'range',
      coordinator: { id: 2, host: 'node2', port: 9092, rack: null },
      members: [
        {
          memberId: 'm1',
          groupInstanceId: 'i1',
          clientId: 'c1',
          host: '/10.0.0.1',
          assignment: [
            { topic: 's', partition: 2 },
            { topic: 't', partition: 0 },
            { topic: 't', partition: 1 },
          ],
        },
      ],
      error: null,
    })
    const asked = cluster
      .of('DescribeGroups')
      .map(({ node, body }) => [node, [...(body.groups as string[])].sort()])
    expect(asked.sort()).toEqual([
      [1, ['a', 'c']],
      [2, ['b']],
    ])
  })

  it('follows a coordinator that moves, for the group that moved alone', async () => {
    let lookups = 0
    const { cluster, admin } = start(
      {
        FindCoordinator: (request, scripted) => {
          lookups++
          return scripted.coordinator(request, () => (lookups > 2 ? 2 : 1))
        },
        DescribeGroups: ({ node, body }) => ({
          groups: (body.groups as string[]).map((id) =>
            id === 'moves' && node === 1
              ? { groupId: id, errorCode: errorCodes.notCoordinator }
              : described(id, new Uint8Array()),
          ),
        }),
      },
      { nodes: [1, 2] },
    )
    await using _ = admin
    expect(await admin.describeGroups(['stays', 'moves'])).toMatchObject([
      { groupId: 'stays', coordinator: { id: 1 }, members: [{ assignment: [] }], error: null },
      { groupId: 'moves', coordinator: { id: 2 }, error: null },
    ])
    expect(cluster.of('DescribeGroups').map(({ node, body }) => [node, body.groups])).toEqual([
      [1, ['stays', 'moves']],
      [2, ['moves']],
    ])
  })

  it('looks for the coordinator again when the one it knew cannot be reached', async () => {
    let lookups = 0
    const { cluster, admin } = start(
      {
        FindCoordinator: (request, scripted) => {
          lookups++
          return scripted.coordinator(request, () => (lookups === 1 ? 2 : 1))
        },
        DescribeGroups: () => ({ groups: [described('a', new Uint8Array())] }),
      },
      { nodes: [1, 2] },
    )
    cluster.down.add(2)
    await using _ = admin
    expect(await admin.describeGroups(['a'], { timeoutMs: 5_000 })).toMatchObject([
      { coordinator: { id: 1 }, error: null },
    ])
  })

  it('keeps the error of one group from the others', async () => {
    const { admin } = start({
      FindCoordinator: (request, scripted) => scripted.coordinator(request, () => 1),
      DescribeGroups: () => ({
        groups: [
          { groupId: 'none', errorCode: errorCodes.groupIdNotFound, errorMessage: 'no such group' },
          described('broken', Buffer.from('00010000ffff', 'hex')),
          described('workers', Buffer.from('not of consumers'), 'connect'),
        ],
      }),
    })
    await using _ = admin
    expect(await admin.describeGroups(['none', 'broken', 'workers', 'forgotten'])).toMatchObject([
      { groupId: 'none', error: { code: 'GROUP_ID_NOT_FOUND', groupId: 'none' } },
      { groupId: 'broken', error: { code: 'INVALID_RESPONSE', cause: { name: 'ProtocolError' } } },
      { groupId: 'workers', members: [{ assignment: [] }], error: null },
      { groupId: 'forgotten', error: { code: 'INVALID_RESPONSE' } },
    ])
  })

  it('says at the deadline what was in the way, not just that it is over', async () => {
    const { admin } = start({
      FindCoordinator: (request, scripted) => scripted.coordinator(request, () => 1),
      DescribeGroups: () => ({ groups: [{ groupId: 'a', errorCode: errorCodes.coordinatorLoadInProgress }] }),
    })
    await using _ = admin
    expect(await admin.describeGroups(['a'], { timeoutMs: 100 })).toMatchObject([
      { groupId: 'a', error: { code: 'COORDINATOR_LOAD_IN_PROGRESS', retriable: true } },
    ])
  })
})

const latest = (offset: bigint) => ({ errorCode: 0, timestamp: -1n, offset, leaderEpoch: 0 })

/** A group `g` with commits on `orders` 0 and 1 and on `gone`, and a member that holds `orders` 1 and 2. */
function lagHandlers(overrides: Handlers = {}): Handlers {
  const partition = { errorCode: 0, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1] }
  return {
    FindCoordinator: (request, scripted) => scripted.coordinator(request, () => 1),
    OffsetFetch: () => ({
      groups: [
        {
          groupId: 'g',
          topics: [
            { name: 'orders', partitions: [1, 0].map((at) => commit(at, 10n)) },
            { name: 'gone', partitions: [commit(0, 5n)] },
          ],
        },
      ],
    }),
    DescribeGroups: () => ({ groups: [described('g', assignment({ topic: 'orders', partitions: [1, 2] }))] }),
    Metadata: ({ body }, scripted) =>
      scripted.metadata(
        ((body.topics as { name: string }[] | null) ?? []).map(({ name }) =>
          name === 'gone'
            ? { name, errorCode: errorCodes.unknownTopicOrPartition }
            : {
                name,
                partitions: [0, 1, 2].map((at) => ({
                  ...partition,
                  partitionIndex: at,
                  leaderId: at === 0 ? 2 : 1,
                })),
              },
        ),
      ),
    ListOffsets: ({ body }) => ({
      topics: (body.topics as { name: string; partitions: { partitionIndex: number }[] }[]).map(
        ({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            ...latest(BigInt(12 + partitionIndex)),
          })),
        }),
      ),
    }),
    ...overrides,
  }
}

function commit(partitionIndex: number, committedOffset: bigint) {
  return { partitionIndex, committedOffset, metadata: '', errorCode: 0 }
}

describe('groupLag', () => {
  const nobody = { consumerId: null, host: null, clientId: null }
  const member = { consumerId: 'm1', host: '/10.0.0.1', clientId: 'c1' }

  it('joins commits, assignments and log ends, one ListOffsets a leader', async () => {
    const { cluster, admin } = start(lagHandlers(), { nodes: [1, 2] })
    await using _ = admin
    expect(await admin.groupLag('g')).toEqual([
      { topic: 'gone', partition: 0, currentOffset: 5, logEndOffset: null, lag: null, ...nobody },
      { topic: 'orders', partition: 0, currentOffset: 10, logEndOffset: 12, lag: 2, ...nobody },
      { topic: 'orders', partition: 1, currentOffset: 10, logEndOffset: 13, lag: 3, ...member },
      { topic: 'orders', partition: 2, currentOffset: null, logEndOffset: 14, lag: null, ...member },
    ])
    expect(
      cluster
        .of('ListOffsets')
        .map(({ node }) => node)
        .sort(),
    ).toEqual([1, 2])
    for (const api of ['OffsetFetch', 'DescribeGroups', 'Metadata']) expect(cluster.of(api)).toHaveLength(1)
  })

  it('does not ask for topics that were deleted since it last looked', async () => {
    let deleted = false
    const handlers = lagHandlers()
    const { cluster, admin } = start(
      {
        ...handlers,
        Metadata: (request, scripted) =>
          deleted
            ? scripted.metadata(
                ['orders', 'gone'].map((name) => ({ name, errorCode: errorCodes.unknownTopicOrPartition })),
              )
            : handlers.Metadata!(request, scripted),
      },
      { nodes: [1, 2] },
    )
    await using _ = admin
    await admin.groupLag('g')
    deleted = true
    cluster.requests.length = 0
    const rows = await admin.groupLag('g')
    expect(rows.map(({ logEndOffset }) => logEndOffset)).toEqual([null, null, null, null])
    expect(cluster.of('ListOffsets')).toEqual([])
  })

  it('asks the new leader when the old one cannot be reached', async () => {
    let asked = 0
    const handlers = lagHandlers()
    const { cluster, admin } = start(
      {
        ...handlers,
        Metadata: (request, scripted) => {
          asked++
          if (asked === 1) return handlers.Metadata!(request, scripted)
          const partitions = [0, 1, 2].map((at) => ({
            errorCode: 0,
            partitionIndex: at,
            leaderId: 1,
            leaderEpoch: 1,
            replicaNodes: [1],
            isrNodes: [1],
          }))
          return scripted.metadata([{ name: 'orders', partitions }])
        },
      },
      { nodes: [1, 2] },
    )
    cluster.down.add(2)
    await using _ = admin
    const rows = await admin.groupLag('g', { timeoutMs: 10_000 })
    expect(rows[1]).toMatchObject({ topic: 'orders', partition: 0, logEndOffset: 12 })
  })

  it('tells what lies beyond the end by a negative lag', async () => {
    const { admin } = start(
      lagHandlers({
        ListOffsets: () => ({
          topics: [
            {
              name: 'orders',
              partitions: [0, 1, 2].map((partitionIndex) => ({ partitionIndex, ...latest(4n) })),
            },
          ],
        }),
      }),
      { nodes: [1, 2] },
    )
    await using _ = admin
    expect(await admin.groupLag('g')).toMatchObject([{}, { lag: -6 }, { lag: -6 }, { lag: null }])
  })

  it('gives the offsets of a group that only commits, and of one that is not classic', async () => {
    const unknown = [{ groupId: 'g', errorCode: errorCodes.groupIdNotFound, errorMessage: 'not classic' }]
    const { admin } = start(lagHandlers({ DescribeGroups: () => ({ groups: unknown }) }), { nodes: [1, 2] })
    await using _ = admin
    expect(await admin.groupLag('g')).toMatchObject([
      { topic: 'gone' },
      { topic: 'orders', partition: 0, lag: 2, consumerId: null },
      { topic: 'orders', partition: 1, lag: 3, consumerId: null },
    ])
  })

  it.each([
    ['by an error', { groupId: 'g', errorCode: errorCodes.groupIdNotFound }],
    ['as dead, before Kafka 4', { groupId: 'g', groupState: 'Dead' }],
  ])('rejects for a group that the broker does not know and tells so %s', async (_how, answer) => {
    const { admin } = start(
      lagHandlers({
        OffsetFetch: () => ({ groups: [{ groupId: 'g', topics: [] }] }),
        DescribeGroups: () => ({ groups: [answer] }),
      }),
    )
    await using _ = admin
    await expect(admin.groupLag('g')).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'GROUP_ID_NOT_FOUND',
      groupId: 'g',
      message: expect.stringContaining('group g: GROUP_ID_NOT_FOUND'),
    })
  })

  it('rejects when a topic may not be seen', async () => {
    const { admin } = start(
      lagHandlers({
        Metadata: (_, scripted) =>
          scripted.metadata([{ name: 'orders', errorCode: errorCodes.topicAuthorizationFailed }]),
      }),
    )
    await using _ = admin
    await expect(admin.groupLag('g')).rejects.toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      topic: 'orders',
    })
  })

  it('refuses an empty group id', async () => {
    const { admin } = start({})
    await using _ = admin
    await expect(admin.groupLag('')).rejects.toThrow(/groupId is ""; allowed: a string that is not empty/)
  })
})

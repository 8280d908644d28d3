import { describe, expect, it } from 'vitest'
import { Admin, type AdminOptions, type NewTopic } from '../../src/admin/admin.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { type Handlers, ScriptedCluster, type ScriptedClusterOptions } from './scripted-cluster.ts'

const throttlingQuotaExceeded = 89

function start(
  handlers: Handlers,
  options?: ScriptedClusterOptions,
  adminOptions: Partial<AdminOptions> = {},
) {
  const cluster = new ScriptedCluster(handlers, options)
  const { bootstrapServers, connect } = cluster
  const admin = new Admin({ bootstrapServers, connect, retryBackoffMs: 1, ...adminOptions })
  return { cluster, admin }
}

interface Named {
  readonly name: string
}

const namesOf = (body: Readonly<Record<string, unknown>>) => (body.topics as Named[]).map(({ name }) => name)

describe('createTopics', () => {
  it('sends what was asked for to the controller, and tells what it made of it', async () => {
    const { cluster, admin } = start(
      {
        CreateTopics: () => ({
          topics: [
            {
              name: 'a',
              topicId: 'cP4wovEdScG2SHo2QE-eKQ',
              numPartitions: 3,
              replicationFactor: 1,
              configs: [
                { name: 'retention.ms', value: '1', configSource: 1, readOnly: false, isSensitive: false },
                { name: 'new', value: null, configSource: 99, readOnly: true, isSensitive: true },
              ],
            },
            { name: 'b', errorCode: errorCodes.topicAlreadyExists, errorMessage: 'it is there' },
          ],
        }),
      },
      { nodes: [1, 2] },
    )
    cluster.controllerId = 2
    await using _ = admin
    const replicasAssignments = new Map([[0, [2, 1]]])
    const results = await admin.createTopics(
      [
        { name: 'a', numPartitions: 3, configs: { 'retention.ms': '1' } },
        { name: 'b', replicasAssignments },
      ],
      { timeoutMs: 5_000 },
    )
    expect(results).toEqual([
      {
        name: 'a',
        topicId: 'cP4wovEdScG2SHo2QE-eKQ',
        numPartitions: 3,
        replicationFactor: 1,
        configs: [
          {
            name: 'retention.ms',
            value: '1',
            source: 'DYNAMIC_TOPIC_CONFIG',
            isReadOnly: false,
            isSensitive: false,
          },
          { name: 'new', value: null, source: 'UNKNOWN', isReadOnly: true, isSensitive: true },
        ],
        error: null,
      },
      { name: 'b', error: expect.objectContaining({ code: 'TOPIC_ALREADY_EXISTS', topic: 'b' }) },
    ])
    expect(results[1]?.error?.message).toContain('it is there')
    expect(cluster.of('CreateTopics')).toMatchObject([
      {
        node: 2,
        body: {
          validateOnly: false,
          topics: [
            {
              name: 'a',
              numPartitions: 3,
              replicationFactor: -1,
              assignments: [],
              configs: [{ name: 'retention.ms', value: '1' }],
            },
            {
              name: 'b',
              numPartitions: -1,
              replicationFactor: -1,
              assignments: [{ partitionIndex: 0, brokerIds: [2, 1] }],
              configs: [],
            },
          ],
        },
      },
    ])
    const timeoutMs = cluster.of('CreateTopics')[0]!.body.timeoutMs as number
    expect(timeoutMs).toBeGreaterThan(4_000)
    expect(timeoutMs).toBeLessThanOrEqual(5_000)
  })

  it('tries again those that a quota puts off, and only those', async () => {
    let calls = 0
    const { cluster, admin } = start({
      CreateTopics: ({ body }) => {
        calls++
        const code = (name: string) => (name === 'late' && calls < 3 ? throttlingQuotaExceeded : 0)
        return {
          throttleTimeMs: 5,
          topics: namesOf(body).map((name) => ({ name, errorCode: code(name), errorMessage: null })),
        }
      },
    })
    await using _ = admin
    const results = await admin.createTopics([{ name: 'late' }, { name: 'early' }])
    expect(results).toMatchObject([
      { name: 'late', error: null },
      { name: 'early', error: null },
    ])
    expect(cluster.of('CreateTopics').map(({ body }) => namesOf(body))).toEqual([
      ['late', 'early'],
      ['late'],
      ['late'],
    ])
  })

  it('reports a quota at once when it lasts beyond the deadline, or no retry is wanted', async () => {
    const { cluster, admin } = start({
      CreateTopics: () => ({
        throttleTimeMs: 50_000,
        topics: [{ name: 'a', errorCode: throttlingQuotaExceeded, errorMessage: null }],
      }),
    })
    await using _ = admin
    const refused = [{ name: 'a', error: { code: 'THROTTLING_QUOTA_EXCEEDED', retriable: true } }]
    expect(await admin.createTopics([{ name: 'a' }], { timeoutMs: 40_000 })).toMatchObject(refused)
    expect(cluster.of('CreateTopics')).toHaveLength(1)

    const other = start({
      CreateTopics: () => ({
        topics: [{ name: 'a', errorCode: throttlingQuotaExceeded, errorMessage: null }],
      }),
    })
    await using __ = other.admin
    const options = { retryOnQuotaViolation: false }
    expect(await other.admin.createTopics([{ name: 'a' }], options)).toMatchObject(refused)
    expect(other.cluster.of('CreateTopics')).toHaveLength(1)
  })

  it('tells of the topics that are there when the retry of the others fails', async () => {
    let calls = 0
    const { admin } = start({
      CreateTopics: () => {
        calls++
        if (calls > 1) return undefined
        return {
          topics: [
            { name: 'done', errorMessage: null },
            { name: 'late', errorCode: throttlingQuotaExceeded, errorMessage: null },
          ],
        }
      },
    })
    await using _ = admin
    const results = await admin.createTopics([{ name: 'done' }, { name: 'late' }], { timeoutMs: 300 })
    expect(results).toMatchObject([
      { name: 'done', error: null },
      { name: 'late', error: { code: 'API_TIMEOUT' } },
    ])
  })

  it('finds the new controller when the one it knew is none any more', async () => {
    const { cluster, admin } = start(
      {
        CreateTopics: ({ node, body }, scripted) => {
          const errorCode = node === 1 ? errorCodes.notController : 0
          scripted.controllerId = 2
          return { topics: namesOf(body).map((name) => ({ name, errorCode, errorMessage: null })) }
        },
      },
      { nodes: [1, 2] },
    )
    await using _ = admin
    expect(await admin.createTopics([{ name: 'a' }])).toMatchObject([{ name: 'a', error: null }])
    expect(cluster.of('CreateTopics').map(({ node }) => node)).toEqual([1, 2])
  })

  it('finds another controller when the one it knew cannot be reached', async () => {
    const { cluster, admin } = start(
      {
        Metadata: (_, scripted) => {
          const answer = scripted.metadata()
          scripted.controllerId = 1
          return answer
        },
        CreateTopics: ({ body }) => ({
          topics: namesOf(body).map((name) => ({ name, errorMessage: null })),
        }),
      },
      { nodes: [1, 2] },
    )
    cluster.controllerId = 2
    cluster.down.add(2)
    await using _ = admin
    expect(await admin.createTopics([{ name: 'a' }])).toMatchObject([{ name: 'a', error: null }])
    expect(cluster.of('CreateTopics').map(({ node }) => node)).toEqual([1])
  })

  it('reports a topic that the answer leaves out, and drops one that nobody asked for', async () => {
    const { admin } = start({ CreateTopics: () => ({ topics: [{ name: 'other', errorMessage: null }] }) })
    await using _ = admin
    expect(await admin.createTopics([{ name: 'a' }])).toMatchObject([
      { name: 'a', error: { code: 'INVALID_RESPONSE', message: expect.stringContaining('a') } },
    ])
  })

  it('says what is not known when the broker may not or cannot tell', async () => {
    const { admin } = start({
      CreateTopics: () => ({
        topics: [{ name: 'a', topicConfigErrorCode: errorCodes.topicAuthorizationFailed, configs: null }],
      }),
    })
    await using _ = admin
    expect(await admin.createTopics([{ name: 'a' }])).toEqual([
      { name: 'a', topicId: null, numPartitions: null, replicationFactor: null, configs: null, error: null },
    ])
  })

  it('refuses defaults that an old broker does not have', async () => {
    const { cluster, admin } = start({ CreateTopics: () => ({}) }, { maxVersions: { CreateTopics: 3 } })
    await using _ = admin
    await expect(admin.createTopics([{ name: 'a', numPartitions: 1 }])).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      topic: 'a',
    })
    expect(cluster.of('CreateTopics')).toEqual([])
  })

  it('sends nothing for an empty list', async () => {
    const { cluster, admin } = start({})
    await using _ = admin
    expect(await admin.createTopics([])).toEqual([])
    expect(await admin.deleteTopics([])).toEqual([])
    expect(await admin.createPartitions([])).toEqual([])
    expect(await admin.describeTopics([])).toEqual([])
    expect(await admin.describeGroups([])).toEqual([])
    expect(cluster.requests).toEqual([])
  })

  it.each<[unknown, RegExp]>([
    ['a', /topics is "a"; allowed: an array/],
    [[null], /topics\[0\] is null; allowed: an object/],
    [[{ name: '' }], /topics\[0\]\.name is ""; allowed: a string that is not empty/],
    [[{ name: 'a' }, { name: 'a' }], /"a" is given twice/],
    [
      [{ name: 'a', numPartitions: 0 }],
      /numPartitions is 0; allowed: an integer from 1 to 2147483647, or -1/,
    ],
    [[{ name: 'a', numPartitions: 1.5 }], /numPartitions is 1\.5/],
    [[{ name: 'a', replicationFactor: 40_000 }], /replicationFactor is 40000; allowed: .* 32767/],
    [[{ name: 'a', replicationFactor: 1, replicasAssignments: { 0: [1] } }], /replicationFactor is 1/],
    [[{ name: 'a', numPartitions: 1, replicasAssignments: { 0: [1] } }], /numPartitions is 1/],
    [[{ name: 'a', replicasAssignments: {} }], /replicasAssignments is \{\}; allowed: at least one/],
    [[{ name: 'a', replicasAssignments: { 0: [] } }], /replicasAssignments\[0\] is \[\]/],
    [[{ name: 'a', replicasAssignments: { x: [1] } }], /a partition of .* is NaN/],
    [[{ name: 'a', replicasAssignments: { 0: [-1] } }], /replicasAssignments\[0\]\[0\] is -1/],
    [[{ name: 'a', configs: { 'retention.ms': 5 } }], /configs\['retention\.ms'\] is 5; allowed: a string/],
  ])('refuses %j', async (topics, message) => {
    const { cluster, admin } = start({})
    await using _ = admin
    await expect(admin.createTopics(topics as NewTopic[])).rejects.toThrow(message)
    await expect(admin.createTopics(topics as NewTopic[])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(cluster.requests).toEqual([])
  })
})

describe('deleteTopics', () => {
  const id = 'cP4wovEdScG2SHo2QE-eKQ'

  it('deletes by name on brokers that know no ids', async () => {
    const { cluster, admin } = start(
      {
        DeleteTopics: () => ({
          responses: [{ name: 'b', errorCode: errorCodes.unknownTopicOrPartition }, { name: 'a' }],
        }),
      },
      { maxVersions: { DeleteTopics: 5 } },
    )
    await using _ = admin
    expect(await admin.deleteTopics(['a', 'b'])).toEqual([
      { name: 'a', topicId: null, error: null },
      {
        name: 'b',
        topicId: null,
        error: expect.objectContaining({ code: 'UNKNOWN_TOPIC_OR_PARTITION', topic: 'b' }),
      },
    ])
    expect(cluster.of('DeleteTopics')[0]?.body).toMatchObject({ topicNames: ['a', 'b'] })
    await expect(admin.deleteTopics({ ids: [id] })).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' })
  })

  it('deletes by id, and tells the name where the broker does', async () => {
    const other = 'nRT2dIa0QFWjJZBaOA9I3w'
    const { admin } = start({
      DeleteTopics: () => ({
        responses: [
          { name: null, topicId: other, errorCode: errorCodes.unknownTopicId },
          { name: 'a', topicId: id },
        ],
      }),
    })
    await using _ = admin
    expect(await admin.deleteTopics({ ids: [id, other] })).toEqual([
      { name: 'a', topicId: id, error: null },
      { name: null, topicId: other, error: expect.objectContaining({ code: 'UNKNOWN_TOPIC_ID' }) },
    ])
  })

  it.each<[unknown, RegExp]>([
    ['a', /topics is "a"; allowed: an array of names, or \{ ids \}/],
    [undefined, /topics is undefined/],
    [['a', 'a'], /given twice/],
    [[''], /topics\[0\] is ""/],
    [{ ids: ['short'] }, /topics\.ids\[0\] is "short"; allowed: a topic id/],
    [{ ids: ['AAAAAAAAAAAAAAAAAAAAAA'] }, /topics\.ids\[0\]/],
  ])('refuses %j', async (topics, message) => {
    const { admin } = start({})
    await using _ = admin
    await expect(admin.deleteTopics(topics as string[])).rejects.toThrow(message)
  })
})

describe('createPartitions', () => {
  it('sends totals and assignments, and gives a result for each topic', async () => {
    const { cluster, admin } = start({
      CreatePartitions: () => ({
        results: [{ name: 'a' }, { name: 'b', errorCode: 37, errorMessage: 'it has 4' }],
      }),
    })
    await using _ = admin
    const results = await admin.createPartitions([
      { topic: 'a', totalCount: 3, assignments: [[1, 2]] },
      { topic: 'b', totalCount: 2 },
    ])
    expect(results).toMatchObject([
      { topic: 'a', error: null },
      { topic: 'b', error: { code: 'INVALID_PARTITIONS', message: expect.stringContaining('it has 4') } },
    ])
    expect(cluster.of('CreatePartitions')[0]?.body).toMatchObject({
      validateOnly: false,
      topics: [
        { name: 'a', count: 3, assignments: [{ brokerIds: [1, 2] }] },
        { name: 'b', count: 2, assignments: null },
      ],
    })
  })

  it('refuses a count that no topic can have', async () => {
    const { admin } = start({})
    await using _ = admin
    await expect(admin.createPartitions([{ topic: 'a', totalCount: 0 }])).rejects.toThrow(
      /topics\[0\]\.totalCount is 0; allowed: an integer from 1 to 2147483647/,
    )
  })
})

describe('describeTopics', () => {
  it('names brokers that are down by their id alone, and gives partitions in order', async () => {
    const partition = { errorCode: 0, leaderEpoch: 4, isrNodes: [1], offlineReplicas: [9] }
    const { cluster, admin } = start({
      Metadata: (_, scripted) =>
        scripted.metadata([
          {
            name: 'a',
            partitions: [
              { ...partition, partitionIndex: 1, leaderId: -1, replicaNodes: [9, 1] },
              { ...partition, partitionIndex: 0, leaderId: 1, replicaNodes: [1, 9] },
            ],
          },
        ]),
    })
    await using _ = admin
    const alive = { id: 1, host: 'node1', port: 9092, rack: null }
    const gone = { id: 9, host: '', port: -1, rack: null }
    const common = { leaderEpoch: 4, isr: [alive], offlineReplicas: [gone] }
    expect(await admin.describeTopics(['a', 'b'])).toEqual([
      {
        name: 'a',
        topicId: null,
        isInternal: false,
        partitions: [
          { ...common, partition: 0, leader: alive, replicas: [alive, gone] },
          { ...common, partition: 1, leader: null, replicas: [gone, alive] },
        ],
        error: null,
      },
      { name: 'b', error: expect.objectContaining({ code: 'INVALID_RESPONSE', topic: 'b' }) },
    ])
    const body = cluster.of('Metadata')[0]?.body
    expect(body).toMatchObject({ allowAutoTopicCreation: false, topics: [{ name: 'a' }, { name: 'b' }] })
  })
})

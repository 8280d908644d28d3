import { describe, expect, it } from 'vitest'
import { apis } from '../../../src/protocol/registry.ts'
import { defaultValue, type Field, type FieldMap, type StructOf } from '../../../src/protocol/schema.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { errorAnswer } from '../../../src/testing/faults/error-answer.ts'
import { kafkaVersions, versionProfile } from '../../../src/testing/versions/kafka-version.ts'

/** A request with two items in each list, told apart by their place. */
function filled(fields: FieldMap, version: number, salt = ''): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const exists = version >= field.versions.min && version <= field.versions.max
    value[name] = exists ? sample(field, version, `${name}${salt}`) : defaultValue(field)
  }
  return value
}

function sample(field: Field, version: number, name: string): unknown {
  switch (field.type) {
    case 'array':
      return [1, 2].map((i) => sample(field.element!, version, `${name}${i}`))
    case 'struct':
      return filled(field.fields!, version, name.slice(-1))
    case 'string':
      return name
    case 'uuid':
      return `AAAAAAAAAAAAAAAAAAAA${name.endsWith('2') ? 'AgA' : 'AQA'}`.slice(0, 22)
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint16':
      return name.endsWith('2') ? 2 : 1
    case 'int64':
      return name.endsWith('2') ? 2n : 1n
    default:
      return defaultValue(field)
  }
}

const offered = new Map<number, Set<number>>()
for (const version of kafkaVersions) {
  for (const [key, { min, max }] of versionProfile(version).apis) {
    const known = offered.get(key) ?? new Set()
    for (let one = min; one <= max; one++) known.add(one)
    offered.set(key, known)
  }
}

const all = apis.flatMap((api) =>
  [...(offered.get(api.key) ?? [])]
    .filter((version) => version >= api.versions.min && version <= api.versions.max)
    .map((version) => ({ api, version, name: `${api.name} v${version}` })),
)

/** All error codes in an answer, wherever they are. */
function codesIn(value: unknown, found: number[] = []): number[] {
  if (Array.isArray(value)) for (const one of value) codesIn(one, found)
  else if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) {
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'errorCode' || name === 'partitionErrorCode') found.push(inner as number)
      else codesIn(inner, found)
    }
  }
  return found
}

function answerOf(name: string, version: number, request?: Record<string, unknown>) {
  const api = apis.find((one) => one.name === name)!
  const asked = (request ?? filled(api.request.fields, version)) as StructOf<FieldMap>
  const answer = errorAnswer(api, version, asked, 'NOT_CONTROLLER')
  return api.response.decode(version, api.response.encode(version, answer)) as Record<string, unknown>
}

/** Answers of these versions have no error code at all. */
const without = new Set(['UpdateMetadata', 'DescribeLogDirs v0', 'DescribeLogDirs v1', 'DescribeLogDirs v2'])

describe('an answer that is an error', () => {
  it.each(all)('of $name can be written, and every code in it is the one', ({ api, version, name }) => {
    const request = filled(api.request.fields, version) as StructOf<FieldMap>
    const answer = errorAnswer(api, version, request, 'KAFKA_STORAGE_ERROR')
    const read = api.response.decode(version, api.response.encode(version, answer))
    const codes = codesIn(api.response.toJson(version, read))
    expect(new Set(codes)).toEqual(new Set(without.has(name) ? [] : [errors.KAFKA_STORAGE_ERROR]))
  })

  it.each(all)('of $name can be written where the request names nothing', ({ api, version }) => {
    const request = Object.fromEntries(
      Object.entries(api.request.fields).map(([name, field]) => [name, defaultValue(field)]),
    )
    const answer = errorAnswer(api, version, request as StructOf<FieldMap>, 'UNKNOWN_SERVER_ERROR')
    expect(() => api.response.encode(version, answer)).not.toThrow()
  })

  const mirrored: readonly [string, number, string, string, string, string][] = [
    ['Produce', 9, 'responses', 'name', 'partitionResponses', 'index'],
    ['Fetch', 12, 'responses', 'topic', 'partitions', 'partitionIndex'],
    ['ListOffsets', 7, 'topics', 'name', 'partitions', 'partitionIndex'],
    ['OffsetCommit', 8, 'topics', 'name', 'partitions', 'partitionIndex'],
    ['OffsetFetch', 7, 'topics', 'name', 'partitions', 'partitionIndex'],
    ['OffsetForLeaderEpoch', 4, 'topics', 'topic', 'partitions', 'partition'],
    ['DeleteRecords', 2, 'topics', 'name', 'partitions', 'partitionIndex'],
    ['AddPartitionsToTxn', 3, 'resultsByTopicV3AndBelow', 'name', 'resultsByPartition', 'partitionIndex'],
    ['TxnOffsetCommit', 3, 'topics', 'name', 'partitions', 'partitionIndex'],
    ['ElectLeaders', 2, 'replicaElectionResults', 'topic', 'partitionResult', 'partitionId'],
    ['AlterReplicaLogDirs', 2, 'results', 'topicName', 'partitions', 'partitionIndex'],
    ['AlterPartitionReassignments', 0, 'responses', 'name', 'partitions', 'partitionIndex'],
    ['DescribeProducers', 0, 'topics', 'name', 'partitions', 'partitionIndex'],
  ]
  it.each(mirrored)('of %s v%d names topics and partitions of the request', (...[name, version, ...path]) => {
    const [topics, topicName, partitions, index] = path
    const answer = answerOf(name, version)
    const told = (answer[topics] as Record<string, unknown>[]).map((topic) => [
      String(topic[topicName]).slice(-1),
      (topic[partitions] as Record<string, number>[]).map((one) => one[index]),
    ])
    const expected = ['1', '2'].map((place) => [place, [1, 2]])
    expect(told).toEqual(name === 'AlterReplicaLogDirs' ? [...expected, ...expected] : expected)
  })

  it('names topics by their ids where the version does', () => {
    const topicId = 'AQAAAAAAAAAAAAAAAAAAAA'
    const fetched = answerOf('Fetch', 13, {
      sessionId: 7,
      topics: [{ topicId, partitions: [{ partition: 5 }] }],
    })
    expect(fetched).toMatchObject({
      sessionId: 7,
      errorCode: errors.NOT_CONTROLLER,
      responses: [{ topicId, partitions: [{ partitionIndex: 5, highWatermark: -1n }] }],
    })
    const described = answerOf('Metadata', 12, { topics: [{ topicId, name: null }] })
    // As Java, although the version has a null for it.
    expect(described.topics).toMatchObject([{ topicId, name: '', errorCode: errors.NOT_CONTROLLER }])
  })

  it('names groups, keys, users, resources and transactions of the request', () => {
    const code = errors.NOT_CONTROLLER
    const lists: [string, number, Record<string, unknown>, string, unknown][] = [
      ['DescribeGroups', 5, { groups: ['g'] }, 'groups', [{ groupId: 'g', errorCode: code }]],
      ['DeleteGroups', 2, { groupsNames: ['g'] }, 'results', [{ groupId: 'g', errorCode: code }]],
      ['ConsumerGroupDescribe', 0, { groupIds: ['g'] }, 'groups', [{ groupId: 'g', errorCode: code }]],
      [
        'FindCoordinator',
        4,
        { coordinatorKeys: ['k'] },
        'coordinators',
        [{ key: 'k', nodeId: -1, port: -1 }],
      ],
      [
        'DescribeTransactions',
        0,
        { transactionalIds: ['t'] },
        'transactionStates',
        [{ transactionalId: 't' }],
      ],
      ['DescribeUserScramCredentials', 0, { users: [{ name: 'u' }] }, 'results', [{ user: 'u' }]],
      ['DeleteTopics', 5, { topicNames: ['a', 'b'] }, 'responses', [{ name: 'a' }, { name: 'b' }]],
      [
        'AlterUserScramCredentials',
        0,
        { deletions: [{ name: 'u' }], upsertions: [{ name: 'v' }, { name: 'u' }] },
        'results',
        [{ user: 'u' }, { user: 'v' }],
      ],
      [
        'DescribeConfigs',
        4,
        { resources: [{ resourceType: 2, resourceName: 'r' }] },
        'results',
        [{ resourceType: 2, resourceName: 'r', configs: [] }],
      ],
      [
        'AlterClientQuotas',
        1,
        { entries: [{ entity: [{ entityType: 'user', entityName: null }], ops: [] }] },
        'entries',
        [{ errorCode: code, entity: [{ entityType: 'user', entityName: null }] }],
      ],
      [
        'WriteTxnMarkers',
        1,
        { markers: [{ producerId: 9n, topics: [{ name: 't', partitionIndexes: [3] }] }] },
        'markers',
        [{ producerId: 9n, topics: [{ name: 't', partitions: [{ partitionIndex: 3, errorCode: code }] }] }],
      ],
      [
        'OffsetFetch',
        8,
        { groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [1] }] }] },
        'groups',
        [{ groupId: 'g', errorCode: code, topics: [{ name: 't', partitions: [{ partitionIndex: 1 }] }] }],
      ],
      ['CreateTopics', 7, { topics: [{ name: 't', configs: [{ name: 'c' }] }] }, 'topics', [{ name: 't' }]],
    ]
    for (const [name, version, request, list, expected] of lists) {
      const answer = answerOf(name, version, request)[list] as unknown[]
      expect(answer, name).toMatchObject(expected as object[])
      expect(answer, name).toHaveLength((expected as unknown[]).length)
    }
  })

  it('of a request with a coordinator for one key tells it at the top', () => {
    expect(answerOf('FindCoordinator', 3)).toMatchObject({
      errorCode: errors.NOT_CONTROLLER,
      nodeId: -1,
      host: '',
      port: -1,
    })
  })
})

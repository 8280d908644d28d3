import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  ClusterView,
  MemberSubscription,
  TopicPartition,
} from '../../../../src/consumer/group/assignors/assignor.ts'
import { assignorByName, builtInAssignors } from '../../../../src/consumer/group/assignors/built-in.ts'
import { InvalidOptionError } from '../../../../src/errors.ts'

type AssignmentByTopic = Record<string, Record<string, number[]>>

interface Vector {
  assignor: string
  case: number
  partitionCounts: Record<string, number>
  brokerRacks?: Record<string, string>
  replicas?: Record<string, number[][]>
  members: { memberId: string; groupInstanceId: string | null; rackId: string | null; topics: string[] }[]
  assignment: AssignmentByTopic
}

const vectors: Vector[] = gunzipSync(
  readFileSync(new URL('../../../vectors/assignors.ndjson.gz', import.meta.url)),
)
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

function member(about: Partial<MemberSubscription> & { memberId: string }): MemberSubscription {
  return {
    groupInstanceId: null,
    rackId: null,
    topics: [],
    ownedPartitions: [],
    generationId: -1,
    userData: null,
    ...about,
  }
}

function cluster(vector: Pick<Vector, 'partitionCounts' | 'brokerRacks' | 'replicas'>): ClusterView {
  return {
    partitionCount: (topic) => vector.partitionCounts[topic] ?? 0,
    replicaRacks: (topic, partition) =>
      (vector.replicas?.[topic]?.[partition] ?? []).map((broker) => vector.brokerRacks?.[broker] ?? null),
  }
}

function byTopic(assignment: Map<string, TopicPartition[]>): AssignmentByTopic {
  const result: AssignmentByTopic = {}
  for (const [memberId, partitions] of assignment) {
    const topics: Record<string, number[]> = {}
    for (const { topic, partition } of partitions) {
      topics[topic] ??= []
      topics[topic].push(partition)
    }
    result[memberId] = topics
  }
  return result
}

const topicName = fc.constantFrom('a', 'B', 'c.1', '\u0442\u0435\u043c\u0430', '__proto__')
const rack = fc.constantFrom('east', 'west', 'north')

/** Groups of up to 8 members over up to 5 topics; some topics do not exist, some have replicas without racks. */
const group = fc.record({
  members: fc.uniqueArray(
    fc.record({
      memberId: fc.string({ minLength: 1, maxLength: 4 }),
      groupInstanceId: fc.option(fc.string({ minLength: 1, maxLength: 4 })),
      rackId: fc.option(fc.oneof(rack, fc.constant(''))),
      topics: fc.array(topicName, { maxLength: 6 }),
    }),
    {
      maxLength: 8,
      comparator: (a, b) =>
        a.memberId === b.memberId || (a.groupInstanceId !== null && a.groupInstanceId === b.groupInstanceId),
    },
  ),
  replicaRacks: fc
    .uniqueArray(
      fc.tuple(topicName, fc.array(fc.array(fc.option(rack), { maxLength: 3 }), { maxLength: 12 })),
      { selector: ([topic]) => topic },
    )
    .map((entries) => new Map(entries)),
})

function view(racks: ReadonlyMap<string, readonly (readonly (string | null)[])[]>): ClusterView {
  return {
    partitionCount: (topic) => racks.get(topic)?.length ?? 0,
    replicaRacks: (topic, partition) => racks.get(topic)?.[partition] ?? [],
  }
}

describe.each(['range', 'roundrobin'])('%s', (name) => {
  const assignor = assignorByName(name)
  const cases = vectors.filter((vector) => vector.assignor === name)

  test('there are golden vectors of it', () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  test.each(cases)('golden vector $case: the assignment is the one of the Java client', (vector) => {
    const members = vector.members.map((about) => member(about))

    const assignment = assignor.assign(members, cluster(vector))

    expect(byTopic(assignment)).toEqual(vector.assignment)
  })

  test('goes by its Java name and is eager', () => {
    expect(assignor).toMatchObject({ name, rebalanceProtocol: 'eager' })
  })

  test('a group without members gets an empty assignment', () => {
    expect(assignor.assign([], cluster({ partitionCounts: { orders: 3 } }))).toEqual(new Map())
  })

  test('members without a topic, or with unknown topics alone, are there with nothing', () => {
    const members = [member({ memberId: 'a' }), member({ memberId: 'b', topics: ['no-such-topic'] })]

    const assignment = assignor.assign(members, cluster({ partitionCounts: { orders: 3 } }))

    expect(assignment).toEqual(
      new Map([
        ['a', []],
        ['b', []],
      ]),
    )
  })

  test('an unknown topic beside a known one changes nothing', () => {
    const view = cluster({ partitionCounts: { orders: 3 } })
    const known = ['a', 'b'].map((memberId) => member({ memberId, topics: ['orders'] }))
    const both = ['a', 'b'].map((memberId) => member({ memberId, topics: ['no-such-topic', 'orders'] }))

    expect(assignor.assign(both, view)).toEqual(assignor.assign(known, view))
  })

  test('with more members than partitions the last members get nothing', () => {
    const members = ['c', 'a', 'd', 'b'].map((memberId) => member({ memberId, topics: ['orders'] }))

    const assignment = assignor.assign(members, cluster({ partitionCounts: { orders: 2 } }))

    expect(byTopic(assignment)).toEqual({ a: { orders: [0] }, b: { orders: [1] }, c: {}, d: {} })
  })

  test('static members come first, by instance id whatever their member ids are', () => {
    const members = [
      member({ memberId: 'a', topics: ['orders'] }),
      member({ memberId: 'z', groupInstanceId: 'static-1', topics: ['orders'] }),
      member({ memberId: 'b', groupInstanceId: 'static-2', topics: ['orders'] }),
    ]

    const assignment = assignor.assign(members, cluster({ partitionCounts: { orders: 3 } }))

    expect(byTopic(assignment)).toEqual({ z: { orders: [0] }, b: { orders: [1] }, a: { orders: [2] } })
  })

  test('names are ordered by UTF-16 unit, not as a locale would', () => {
    const members = ['a', 'B', '\uffee', '\u{1f600}'].map((memberId) =>
      member({ memberId, topics: ['orders'] }),
    )

    const assignment = assignor.assign(members, cluster({ partitionCounts: { orders: 4 } }))

    expect([...assignment.keys()]).toEqual(['B', 'a', '\u{1f600}', '\uffee'])
    expect([...assignment.values()].flat().map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
  })

  test('a topic that a subscription names twice counts once', () => {
    const members = [
      member({ memberId: 'a', topics: ['orders', 'orders'] }),
      member({ memberId: 'b', topics: ['orders'] }),
    ]

    const assignment = assignor.assign(members, cluster({ partitionCounts: { orders: 4 } }))

    expect([...assignment.values()].map((partitions) => partitions.length)).toEqual([2, 2])
  })

  test('1,000 members share 10,000 partitions evenly, whether of one topic or of many', () => {
    const topics = Array.from({ length: 1_000 }, (_, index) => `topic-${index}`)
    const few = Array.from({ length: 1_000 }, (_, index) =>
      member({ memberId: `m${index}`, topics: ['big'] }),
    )
    const many = few.map((one) => member({ memberId: one.memberId, topics }))
    const racks = ['east', 'west', 'north']
    const view: ClusterView = {
      partitionCount: (topic) => (topic === 'big' ? 10_000 : 10),
      replicaRacks: (_, partition) => [racks[partition % 3]!, racks[(partition + 1) % 3]!],
    }

    const ofOne = assignor.assign(
      few.map((one, index) => ({ ...one, rackId: racks[index % 3]! })),
      view,
    )
    const ofMany = assignor.assign(many, view)

    expect(new Set([...ofOne.values()].map((partitions) => partitions.length))).toEqual(new Set([10]))
    expect([...ofMany.values()].reduce((sum, partitions) => sum + partitions.length, 0)).toBe(10_000)
  })

  test('each partition of a subscribed topic goes to exactly one member, which subscribed to it', () => {
    fc.assert(
      fc.property(group, ({ members, replicaRacks }) => {
        const assignment = assignor.assign(members.map(member), view(replicaRacks))

        const wanted = [...new Set(members.flatMap(({ topics }) => topics))]
        const expected = wanted.flatMap((topic) =>
          (replicaRacks.get(topic) ?? []).map((_, partition) => `${topic}-${partition}`),
        )
        const given = [...assignment.values()].flat().map(({ topic, partition }) => `${topic}-${partition}`)
        expect(given.toSorted()).toEqual(expected.toSorted())
        expect([...assignment.keys()].toSorted()).toEqual(members.map(({ memberId }) => memberId).toSorted())
        for (const { memberId, topics } of members) {
          for (const { topic } of assignment.get(memberId)!) expect(topics).toContain(topic)
        }
      }),
    )
  })

  test('the order of members and of their topics does not matter', () => {
    fc.assert(
      fc.property(group, ({ members, replicaRacks }) => {
        const turned = members
          .toReversed()
          .map((about) => member({ ...about, topics: about.topics.toReversed() }))

        expect(assignor.assign(turned, view(replicaRacks))).toEqual(
          assignor.assign(members.map(member), view(replicaRacks)),
        )
      }),
    )
  })

  test('a member gets its partitions topic by topic in order of name, partitions ascending', () => {
    fc.assert(
      fc.property(group, ({ members, replicaRacks }) => {
        const assignment = assignor.assign(members.map(member), view(replicaRacks))

        for (const partitions of assignment.values()) {
          const sorted = partitions.toSorted((a, b) =>
            a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
          )
          expect(partitions).toEqual(sorted)
        }
      }),
    )
  })
})

describe('lookup by name', () => {
  test('each built-in assignor is found by its own name', () => {
    for (const name of builtInAssignors.keys()) expect(assignorByName(name).name).toBe(name)
  })

  test.each(['Range', '', 'constructor'])(
    'the name %j is refused with the names that are allowed',
    (name) => {
      const allowed = [...builtInAssignors.keys()].join(', ')
      let thrown: unknown
      try {
        assignorByName(name)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(InvalidOptionError)
      expect(thrown).toMatchObject({
        code: 'INVALID_OPTION',
        retriable: false,
        message: `no partition assignor is named '${name}', allowed: ${allowed}`,
      })
      expect(allowed).toBe('range, roundrobin, sticky, cooperative-sticky')
    },
  )
})

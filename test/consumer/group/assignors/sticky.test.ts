import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  ClusterView,
  MemberSubscription,
  TopicPartition,
} from '../../../../src/consumer/group/assignors/assignor.ts'
import { assignorByName } from '../../../../src/consumer/group/assignors/built-in.ts'
import { withoutTransfers } from '../../../../src/consumer/group/assignors/transfers.ts'
import { vectors } from '../../../support/vectors.ts'

interface Vector {
  assignor: string
  case: number
  round: number
  partitionCounts: Record<string, number>
  brokerRacks?: Record<string, string>
  replicas?: Record<string, number[][]>
  members: {
    memberId: string
    groupInstanceId: string | null
    rackId: string | null
    topics: string[]
    owned: Record<string, number[]>
    generation: number
    userData: string | null
  }[]
  stats: { countsSorted: number[]; assigned: number; kept: number }
}

const cases = vectors<Vector>('assignors').filter(({ assignor }) => assignor.endsWith('sticky'))

function partitionsOf(byTopic: Record<string, number[]>): TopicPartition[] {
  return Object.entries(byTopic).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

function names(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`)
}

/** The sum of all differences, as Java measures it: 0 when all have the same. */
function imbalance(counts: readonly number[]): number {
  return counts.reduce(
    (sum, one, at) => sum + counts.slice(0, at).reduce((inner, other) => inner + Math.abs(one - other), 0),
    0,
  )
}

function member(memberId: string, topics: readonly string[], about: Partial<MemberSubscription> = {}) {
  return {
    memberId,
    groupInstanceId: null,
    rackId: null,
    topics,
    ownedPartitions: [],
    generationId: -1,
    userData: null,
    ...about,
  } satisfies MemberSubscription
}

function cluster(counts: Readonly<Record<string, number>>): ClusterView {
  return { partitionCount: (topic) => counts[topic] ?? 0, replicaRacks: () => [] }
}

describe('golden vectors of the Java client', () => {
  test('there are some of both', () => {
    expect(new Set(cases.map(({ assignor }) => assignor))).toEqual(new Set(['sticky', 'cooperative-sticky']))
  })

  test.each(cases)('$assignor $case, round $round: valid, as balanced, and no less is kept', (vector) => {
    const isSticky = vector.assignor === 'sticky'
    const members = vector.members.map(({ memberId, groupInstanceId, rackId, topics, ...had }) =>
      member(memberId, topics, {
        groupInstanceId,
        rackId,
        ownedPartitions: isSticky ? [] : partitionsOf(had.owned),
        generationId: had.generation,
        userData: had.userData === null ? null : Buffer.from(had.userData, 'hex'),
      }),
    )
    const assignment = assignorByName(vector.assignor).assign(members, {
      partitionCount: (topic) => vector.partitionCounts[topic] ?? 0,
      replicaRacks: (topic, partition) =>
        (vector.replicas?.[topic]?.[partition] ?? []).map((broker) => vector.brokerRacks?.[broker] ?? null),
    })

    const given = names([...assignment.values()].flat())
    expect(new Set(given).size).toBe(given.length)
    for (const { memberId, topics } of members) {
      for (const { topic, partition } of assignment.get(memberId)!) {
        expect(topics).toContain(topic)
        expect(partition).toBeLessThan(vector.partitionCounts[topic]!)
      }
    }
    let kept = 0
    for (const { memberId, owned } of vector.members) {
      const mine = new Set(names(assignment.get(memberId)!))
      kept += names(partitionsOf(owned)).filter((name) => mine.has(name)).length
    }
    expect(kept).toBeGreaterThanOrEqual(vector.stats.kept)
    const counts = [...assignment.values()].map(({ length }) => length).sort((a, b) => a - b)
    const { countsSorted, assigned } = vector.stats
    expect(given.length).toBeGreaterThanOrEqual(assigned)
    // Who keeps more of what it had leaves less out for now, and so may have more than in Java's; nobody has less.
    if (isSticky) expect(imbalance(counts)).toBeLessThanOrEqual(imbalance(countsSorted))
    else expect(counts[0]).toBeGreaterThanOrEqual(countsSorted[0]!)
  })
})

const topicNames = ['a', 'b', 'c', 'd']
const groups = fc.record({
  counts: fc.record(Object.fromEntries(topicNames.map((name) => [name, fc.nat({ max: 9 })]))),
  members: fc.array(
    fc.record({
      topics: fc.subarray(topicNames),
      owned: fc.uniqueArray(fc.record({ topic: fc.constantFrom(...topicNames), partition: fc.nat(9) }), {
        selector: ({ topic, partition }) => `${topic}-${partition}`,
        maxLength: 12,
      }),
      generation: fc.integer({ min: -1, max: 2 }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
})

/** The least imbalance there can be: each partition in turn by an augmenting path, from nothing. */
function bestCounts(members: readonly MemberSubscription[], view: ClusterView): number[] {
  const owned = members.map(() => [] as string[])
  const topics = [...new Set(members.flatMap((one) => one.topics))]
  for (const topic of topics) {
    for (let partition = 0; partition < view.partitionCount(topic); partition++) {
      // The least loaded of all that can be reached by handing partitions on.
      const via = new Map<number, { from: number; topic: string } | null>()
      const open = (wanted: string, from: number | null) => {
        for (const [index, one] of members.entries()) {
          if (via.has(index) || !one.topics.includes(wanted)) continue
          via.set(index, from === null ? null : { from, topic: wanted })
        }
      }
      open(topic, null)
      for (const index of via.keys()) for (const held of new Set(owned[index])) open(held, index)
      const target = [...via.keys()].reduce((a, b) => (owned[b]!.length < owned[a]!.length ? b : a))
      let at = target
      for (let step = via.get(at)!; step !== null; step = via.get(at)!) {
        owned[at]!.push(step.topic)
        owned[step.from]!.splice(owned[step.from]!.indexOf(step.topic), 1)
        at = step.from
      }
      owned[at]!.push(topic)
    }
  }
  return owned.map(({ length }) => length)
}

describe('sticky', () => {
  /** A member as it is after it was given this. */
  function having(
    memberId: string,
    topics: readonly string[],
    had: readonly TopicPartition[],
    generation: number,
  ) {
    const assignor = assignorByName('sticky')
    assignor.onAssignment?.(had, generation)
    return member(memberId, topics, { userData: assignor.subscriptionUserData?.(topics) ?? null })
  }

  test('no assignment of these subscriptions is better balanced, and each partition has one owner', () => {
    fc.assert(
      fc.property(groups, ({ counts, members }) => {
        const view = cluster(counts)
        const all = members.map(({ topics, owned, generation }, index) =>
          having(`m${index}`, topics, owned, generation),
        )
        const assignment = assignorByName('sticky').assign(all, view)
        const given = names([...assignment.values()].flat()).toSorted()
        const wanted = [...new Set(all.flatMap(({ topics }) => topics))]
        const expected = wanted.flatMap((topic) =>
          Array.from({ length: counts[topic]! }, (_, partition) => `${topic}-${partition}`),
        )
        expect(given).toEqual(expected.toSorted())
        for (const { memberId, topics } of all) {
          for (const { topic } of assignment.get(memberId)!) expect(topics).toContain(topic)
        }
        const lengths = [...assignment.values()].map(({ length }) => length)
        expect(imbalance(lengths)).toBe(imbalance(bestCounts(all, view)))
      }),
      { numRuns: 300 },
    )
  })

  test('a second look at the same group changes nothing', () => {
    fc.assert(
      fc.property(groups, ({ counts, members }) => {
        const view = cluster(counts)
        const fresh = members.map(({ topics }, index) => member(`m${index}`, topics))
        const first = assignorByName('sticky').assign(fresh, view)
        const again = fresh.map(({ memberId, topics }) => having(memberId, topics, first.get(memberId)!, 7))
        expect(assignorByName('sticky').assign(again, view)).toEqual(first)
      }),
    )
  })

  test('a partition that two claim stays with the one of the later generation', () => {
    const had = [{ topic: 't', partition: 0 }]
    const old = having('a', ['t'], had, 3)
    const young = having('b', ['t'], had, 4)
    const assignment = assignorByName('sticky').assign([old, young], cluster({ t: 2 }))
    expect(names(assignment.get('b')!)).toEqual(['t-0'])
    expect(names(assignment.get('a')!)).toEqual(['t-1'])
  })

  test('a chain of members is moved along when the fullest and the emptiest have no topic in common', () => {
    const t = (topic: string, ...partitions: number[]) =>
      partitions.map((partition) => ({ topic, partition }))
    const members = [
      having('a', ['x'], t('x', 0, 1), 1),
      having('b', ['x', 'y'], t('y', 0), 1),
      having('c', ['y'], [], -1),
    ]
    const assignment = assignorByName('sticky').assign(members, cluster({ x: 2, y: 1 }))
    expect([...assignment.values()].map(({ length }) => length)).toEqual([1, 1, 1])
  })

  test('says what it has in the bytes of the Java client, and nothing before it has anything', () => {
    const assignor = assignorByName('sticky')
    expect(assignor.subscriptionUserData?.(['t0'])).toBe(null)
    assignor.onAssignment?.(
      [
        { topic: 't0', partition: 1 },
        { topic: 't0', partition: 5 },
      ],
      30,
    )
    expect(Buffer.from(assignor.subscriptionUserData?.(['t0']) ?? []).toString('hex')).toBe(
      '00000001000274300000000200000001000000050000001e',
    )
  })

  test('a claim of version 0 has no generation, and bytes that are no claim are none', () => {
    const old = Buffer.from('0000000100027430000000020000000000000001', 'hex')
    const members = [
      member('a', ['t0'], { userData: Buffer.from('ffffff', 'hex') }),
      member('b', ['t0'], { userData: old }),
    ]
    const assignment = assignorByName('sticky').assign(members, cluster({ t0: 4 }))
    expect(names(assignment.get('b')!)).toEqual(['t0-0', 't0-1'])
    expect(names(assignment.get('a')!)).toEqual(['t0-2', 't0-3'])
  })

  test('among members with equally few the one in the rack of a replica is taken', () => {
    const members = ['east', 'west'].map((rackId) => member(rackId, ['t'], { rackId }))
    const assignment = assignorByName('sticky').assign(members, {
      partitionCount: () => 4,
      replicaRacks: (_topic, partition) => [partition < 2 ? 'west' : 'east'],
    })
    expect(assignment.get('west')).toContainEqual({ topic: 't', partition: 0 })
    expect([...assignment.values()].map(({ length }) => length)).toEqual([2, 2])
  })
})

describe('cooperative-sticky', () => {
  const owning = (memberId: string, partitions: number[], about: Partial<MemberSubscription> = {}) =>
    member(memberId, ['t'], {
      ownedPartitions: partitions.map((partition) => ({ topic: 't', partition })),
      generationId: 5,
      ...about,
    })

  test('what has to move is given to nobody until it was given up', () => {
    const assignor = assignorByName('cooperative-sticky')
    const view = cluster({ t: 4 })
    const first = assignor.assign([owning('a', [0, 1, 2, 3]), owning('b', [], { generationId: -1 })], view)
    expect(first.get('a')).toHaveLength(2)
    expect(first.get('b')).toEqual([])
    const kept = first.get('a')!.map(({ partition }) => partition)
    const second = assignor.assign([owning('a', kept), owning('b', [])], view)
    expect(second.get('a')).toEqual(first.get('a'))
    expect(second.get('b')).toHaveLength(2)
  })

  test('nobody gets what another owns, and after as many rounds as it takes nothing is left over', () => {
    fc.assert(
      fc.property(groups, ({ counts, members }) => {
        const view = cluster(counts)
        const assignor = assignorByName('cooperative-sticky')
        let all = members.map(({ topics, owned, generation }, index) =>
          member(`m${index}`, topics, { ownedPartitions: owned, generationId: generation }),
        )
        const wanted = [...new Set(all.flatMap(({ topics }) => topics))]
        const total = wanted.reduce((sum, topic) => sum + counts[topic]!, 0)
        let given = 0
        // One to settle the claims of several, one to give up, one to take on.
        for (let round = 0; round < 3; round++) {
          const assignment = assignor.assign(all, view)
          for (const { memberId } of all) {
            const others = new Set(
              names(all.flatMap((one) => (one.memberId === memberId ? [] : one.ownedPartitions))),
            )
            const mine = new Set(names(all.find((one) => one.memberId === memberId)!.ownedPartitions))
            for (const name of names(assignment.get(memberId)!)) {
              expect(others.has(name) && !mine.has(name)).toBe(false)
            }
          }
          given = [...assignment.values()].flat().length
          all = all.map((one) => ({
            ...one,
            ownedPartitions: assignment.get(one.memberId)!,
            generationId: 10 + round,
          }))
        }
        expect(given).toBe(total)
      }),
    )
  })

  test('older members tell their generation by userData', () => {
    const assignor = assignorByName('cooperative-sticky')
    assignor.onAssignment?.([], 9)
    const userData = assignor.subscriptionUserData?.(['t']) ?? null
    expect(Buffer.from(userData ?? []).toString('hex')).toBe('00000009')
    const members = [owning('a', [0], { generationId: -1, userData }), owning('b', [0], { generationId: 8 })]
    const assignment = assignor.assign(members, cluster({ t: 2 }))
    expect(names(assignment.get('a')!)).toEqual(['t-0'])
  })

  test('a transfer is left out of any assignment, and what its owner keeps is not', () => {
    const given = new Map([
      ['a', [{ topic: 't', partition: 0 }]],
      ['b', [{ topic: 't', partition: 1 }]],
    ])
    expect(withoutTransfers(given, [owning('a', [0, 1]), owning('b', [])])).toEqual(
      new Map([
        ['a', [{ topic: 't', partition: 0 }]],
        ['b', []],
      ]),
    )
  })
})

test('2,000 members share 10,000 partitions out in half a second of work, whatever they had', () => {
  const topics = Array.from({ length: 100 }, (_, index) => `t${index}`)
  const view = cluster(Object.fromEntries(topics.map((topic) => [topic, 100])))
  const assignor = assignorByName('cooperative-sticky')
  const fresh = Array.from({ length: 2_000 }, (_, index) =>
    member(
      `m${index}`,
      topics.filter((_topic, at) => (at * 7 + index) % 5 !== 0),
    ),
  )
  const before = assignor.assign(
    fresh.filter((_, index) => index % 10 !== 0),
    view,
  )
  const members = fresh.map((one) => ({
    ...one,
    ownedPartitions: before.get(one.memberId) ?? [],
    generationId: 1,
  }))
  const startedAt = process.cpuUsage()
  const assignment = assignor.assign(members, view)
  expect(process.cpuUsage(startedAt).user / 1000).toBeLessThan(500)
  expect(Math.max(...[...assignment.values()].map(({ length }) => length))).toBe(5)
})

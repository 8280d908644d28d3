import { describe, expect, it } from 'vitest'
import { rangeAssignor } from '../../../src/testing/groups/range-assignor.ts'
import type { AssignorMember, ServerAssignor } from '../../../src/testing/groups/server-assignor.ts'
import { uniformAssignor } from '../../../src/testing/groups/uniform-assignor.ts'
import { Random } from '../../../src/testing/random.ts'

type Assignment = Record<string, Record<string, number[]>>

function member(memberId: string, topics: string[], target: Record<string, number[]> = {}): AssignorMember {
  return {
    memberId,
    instanceId: null,
    subscribedTopicIds: new Set(topics),
    target: new Map(Object.entries(target).map(([id, partitions]) => [id, new Set(partitions)])),
  }
}

function assign(
  assignor: ServerAssignor,
  members: AssignorMember[],
  counts: Record<string, number>,
): Assignment {
  const target = assignor.assign({ members, partitionCounts: new Map(Object.entries(counts)) })
  return Object.fromEntries(
    [...target].map(([id, topics]) => [
      id,
      Object.fromEntries([...topics].map(([topic, set]) => [topic, [...set].sort((a, b) => a - b)])),
    ]),
  )
}

const sizeOf = (topics: Record<string, number[]>) => Object.values(topics).flat().length

describe('the range assignor', () => {
  it('gives the same stretch of each topic to the same member, in the order of their ids', () => {
    const members = [member('b', ['t', 'u']), member('a', ['t', 'u'])]

    expect(assign(rangeAssignor, members, { t: 3, u: 3 })).toEqual({
      a: { t: [0, 1], u: [0, 1] },
      b: { t: [2], u: [2] },
    })
  })

  it('counts only those who read a topic', () => {
    const members = [member('a', ['t']), member('b', ['t', 'u']), member('c', [])]

    expect(assign(rangeAssignor, members, { t: 2, u: 2 })).toEqual({
      a: { t: [0] },
      b: { t: [1], u: [0, 1] },
      c: {},
    })
  })

  it('begins with static members, by their instance ids', () => {
    const members = [
      member('a', ['t']),
      { ...member('z', ['t']), instanceId: 'i2' },
      { ...member('y', ['t']), instanceId: 'i1' },
    ]

    expect(assign(rangeAssignor, members, { t: 3 })).toEqual({ y: { t: [0] }, z: { t: [1] }, a: { t: [2] } })
  })
})

describe('the uniform assignor', () => {
  it('shares out all partitions of all topics evenly', () => {
    const members = [member('a', ['t', 'u']), member('b', ['t', 'u'])]

    const assigned = assign(uniformAssignor, members, { t: 3, u: 2 })

    expect([sizeOf(assigned.a!), sizeOf(assigned.b!)]).toEqual([3, 2])
  })

  it('moves no more than it has to when a member comes', () => {
    const members = [
      member('a', ['t'], { t: [0, 2, 4] }),
      member('b', ['t'], { t: [1, 3, 5] }),
      member('c', ['t']),
    ]

    const assigned = assign(uniformAssignor, members, { t: 6 })

    expect(assigned.a!.t).toEqual([0, 2])
    expect(assigned.b!.t).toEqual([1, 3])
    expect(assigned.c!.t).toEqual([4, 5])
  })

  it('gives what is over to those who have it already', () => {
    const members = [member('a', ['t'], { t: [0] }), member('b', ['t'], { t: [1, 2] })]

    expect(assign(uniformAssignor, members, { t: 3 })).toEqual({ a: { t: [0] }, b: { t: [1, 2] } })
  })

  it('forgets partitions and topics that are gone', () => {
    const members = [member('a', ['t'], { t: [0, 1, 2], gone: [0] })]

    expect(assign(uniformAssignor, members, { t: 2 })).toEqual({ a: { t: [0, 1] } })
  })

  it('is as even as different subscriptions allow', () => {
    const members = [member('a', ['t']), member('b', ['t', 'u'])]

    const assigned = assign(uniformAssignor, members, { t: 4, u: 2 })

    expect(assigned.b!.u).toEqual([0, 1])
    expect(sizeOf(assigned.a!)).toBe(3)
    expect(sizeOf(assigned.b!)).toBe(3)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'assigns each partition once, evenly, whoever comes and goes (seed %i)',
    (seed) => {
      const random = new Random(seed)
      const counts = { t: 1 + random.below(10), u: 1 + random.below(10), v: random.below(5) }
      const topics = seed % 2 === 0 ? ['t', 'u', 'v'] : null
      let members: AssignorMember[] = []
      for (let round = 0; round < 20; round++) {
        if (members.length > 1 && random.below(3) === 0) members.splice(random.below(members.length), 1)
        else members.push(member(`m${round}`, topics ?? ['t', 'u', 'v'].filter(() => random.below(2) === 0)))
        const assigned = assign(uniformAssignor, members, counts)
        const read = Object.entries(counts).filter(([t]) =>
          members.some((one) => one.subscribedTopicIds.has(t)),
        )
        const all = Object.values(assigned).flatMap((held) =>
          Object.entries(held).flatMap(([t, partitions]) => partitions.map((p) => `${t}-${p}`)),
        )
        expect(all.sort()).toEqual(
          read.flatMap(([t, n]) => Array.from({ length: n }, (_, p) => `${t}-${p}`)).sort(),
        )
        for (const { memberId, subscribedTopicIds } of members) {
          for (const [t, partitions] of Object.entries(assigned[memberId]!)) {
            expect(subscribedTopicIds.has(t)).toBe(true)
            // Nobody who has two more than another reader could give one away.
            for (const other of members.filter(
              (one) => one.subscribedTopicIds.has(t) && partitions.length > 0,
            )) {
              expect(sizeOf(assigned[memberId]!) - sizeOf(assigned[other.memberId]!)).toBeLessThanOrEqual(1)
            }
          }
        }
        members = members.map((one) =>
          member(one.memberId, [...one.subscribedTopicIds], assigned[one.memberId]),
        )
      }
    },
  )
})

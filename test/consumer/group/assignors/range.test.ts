import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClusterView, MemberSubscription } from '../../../../src/consumer/group/assignors/assignor.ts'
import { rangeAssignor } from '../../../../src/consumer/group/assignors/range.ts'

type Racks = readonly (readonly (string | null)[])[]

function member(memberId: string, rackId: string | null, ...topics: string[]): MemberSubscription {
  return {
    memberId,
    groupInstanceId: null,
    rackId,
    topics,
    ownedPartitions: [],
    generationId: -1,
    userData: null,
  }
}

/** The racks of each partition's replicas, by topic. */
function cluster(racks: Record<string, Racks>): ClusterView {
  return {
    partitionCount: (topic) => racks[topic]?.length ?? 0,
    replicaRacks: (topic, partition) => racks[topic]?.[partition] ?? [],
  }
}

/** Each letter a partition with its one replica in the rack of that name. */
function inRacks(letters: string): string[][] {
  return [...letters].map((letter) => [letter])
}

function assign(members: MemberSubscription[], racks: Record<string, Racks>): Record<string, string> {
  const assignment = rangeAssignor.assign(members, cluster(racks))
  return Object.fromEntries(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' '),
    ]),
  )
}

describe('without racks', () => {
  test('each topic is cut into runs, the first members getting one more', () => {
    expect(
      assign([member('a', null, 'x', 'y'), member('b', null, 'x', 'y')], {
        x: inRacks('...'),
        y: inRacks('.....'),
      }),
    ).toEqual({ a: 'x0 x1 y0 y1 y2', b: 'x2 y3 y4' })
  })

  test('a topic is cut by its own subscribers', () => {
    expect(
      assign([member('a', null, 'x'), member('b', null, 'x', 'y'), member('c', null, 'y')], {
        x: inRacks('....'),
        y: inRacks('...'),
      }),
    ).toEqual({ a: 'x0 x1', b: 'x2 x3 y0 y1', c: 'y2' })
  })

  test('the racks of replicas are not asked for when no member has a rack', () => {
    let asked = 0
    const view: ClusterView = { partitionCount: () => 4, replicaRacks: () => [`rack-${asked++}`] }

    rangeAssignor.assign([member('a', null, 'x'), member('b', '', 'x')], view)

    expect(asked).toBe(0)
  })
})

describe('with racks (KIP-881)', () => {
  test('members get the partitions of their own rack', () => {
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: inRacks('WEWE') })).toEqual({
      a: 'x1 x3',
      b: 'x0 x2',
    })
  })

  test('balance goes before racks', () => {
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: inRacks('WWWE') })).toEqual({
      a: 'x2 x3',
      b: 'x0 x1',
    })
  })

  test('the extra partition goes to the first member that can fill it from its rack', () => {
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: inRacks('WWE') })).toEqual({
      a: 'x2',
      b: 'x0 x1',
    })
  })

  test('a member without a rack, or with an empty one, takes any partition', () => {
    for (const none of [null, '']) {
      expect(assign([member('a', none, 'x'), member('b', 'W', 'x')], { x: inRacks('WEWE') })).toEqual({
        a: 'x0 x1',
        b: 'x2 x3',
      })
    }
  })

  test('racks are of no matter when every partition has replicas in the same ones', () => {
    const everywhere = Array.from({ length: 4 }, () => ['W', 'E'])
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: everywhere })).toEqual({
      a: 'x0 x1',
      b: 'x2 x3',
    })
  })

  test('racks are of no matter when no replica is in a rack of the members', () => {
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: inRacks('NSNS') })).toEqual({
      a: 'x0 x1',
      b: 'x2 x3',
    })
  })

  test('brokers without a rack match no member with one', () => {
    const racks = [[null], ['W'], [null], ['E']]
    expect(assign([member('a', 'E', 'x'), member('b', 'W', 'x')], { x: racks })).toEqual({
      a: 'x0 x3',
      b: 'x1 x2',
    })
  })

  test('topics with the same subscribers and partition count stay co-partitioned', () => {
    // Alone, y would be W: 0 1, E: 2 3. Only where x and y agree (1 and 3) can the rack decide for both.
    expect(
      assign([member('a', 'E', 'x', 'y'), member('b', 'W', 'x', 'y')], {
        x: inRacks('EWWE'),
        y: inRacks('WWEE'),
      }),
    ).toEqual({ a: 'x0 x3 y0 y3', b: 'x1 x2 y1 y2' })
  })

  test('topics with different partition counts are matched each by itself', () => {
    expect(
      assign([member('a', 'E', 'x', 'y'), member('b', 'W', 'x', 'y')], {
        x: inRacks('WEWE'),
        y: inRacks('WE'),
      }),
    ).toEqual({ a: 'x1 x3 y1', b: 'x0 x2 y0' })
  })

  test('co-partitioned topics that need no matching get it once another topic of the group needs it', () => {
    // y and z have replicas in the racks of nobody, so the members with racks match none of their partitions, and c,
    // which has no rack, takes the first ones. Without x there is no matching and a and b come first.
    const members = [
      member('a', 'E', 'x', 'y', 'z'),
      member('b', 'W', 'x', 'y', 'z'),
      member('c', null, 'y', 'z', 'x'),
    ]
    const others = { y: inRacks('NNN'), z: inRacks('NNN') }

    expect(assign(members, others)).toEqual({ a: 'y0 z0', b: 'y1 z1', c: 'y2 z2' })
    expect(assign(members, { ...others, x: inRacks('WE') })).toEqual({
      a: 'x1 y1 z1',
      b: 'x0 y2 z2',
      c: 'y0 z0',
    })
  })
})

/**
 * The rules of KIP-881 played out step by step, each topic with its own books and every search from the start.
 * Slow and plain: the judge of the shortcuts that the assignor takes.
 */
function playedOut(
  members: readonly MemberSubscription[],
  racks: Record<string, Racks>,
): Record<string, string> {
  const serving = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const books = Object.entries(racks)
    .filter(([topic, partitions]) => partitions.length > 0 && members.some((m) => m.topics.includes(topic)))
    .map(([topic, partitions]) => {
      const subscribers = serving.filter((one) => one.topics.includes(topic))
      return {
        topic,
        partitions,
        subscribers,
        owners: partitions.map(() => ''),
        extras: partitions.length % subscribers.length,
      }
    })
  type Book = (typeof books)[number]

  const owned = (book: Book, one: MemberSubscription) =>
    book.owners.filter((id) => id === one.memberId).length
  const base = (book: Book) => Math.floor(book.partitions.length / book.subscribers.length)
  const room = (book: Book, one: MemberSubscription) =>
    Math.max(0, base(book) + (book.extras > 0 ? 1 : 0) - owned(book, one))
  const matches = (book: Book, one: MemberSubscription, partition: number) =>
    !one.rackId || book.partitions[partition]!.includes(one.rackId)
  const give = (book: Book, one: MemberSubscription, partitions: number[]) => {
    for (const partition of partitions) book.owners[partition] = one.memberId
    if (partitions.length > 0 && owned(book, one) > base(book)) book.extras--
  }
  const giveRanges = (book: Book, wanted: (one: MemberSubscription, partition: number) => boolean) => {
    for (const one of book.subscribers) {
      const free = [...book.owners.keys()].filter((p) => book.owners[p] === '' && wanted(one, p))
      give(book, one, free.slice(0, room(book, one)))
    }
  }
  const needsRacks = ({ subscribers, partitions }: Book) => {
    const sets = partitions.map((list) => list.filter((rack) => rack !== null))
    const all = new Set(sets.flat())
    return (
      subscribers.some((m) => m.rackId && all.has(m.rackId)) && sets.some((s) => new Set(s).size < all.size)
    )
  }

  if (books.some(needsRacks)) {
    const kind = (book: Book) =>
      JSON.stringify([book.partitions.length, book.subscribers.map((one) => one.memberId)])
    for (const oneKind of new Set(books.map(kind))) {
      const alike = books.filter((book) => kind(book) === oneKind)
      if (alike.length === 1) {
        const book = alike[0]!
        if (needsRacks(book)) giveRanges(book, (one, partition) => matches(book, one, partition))
      } else if (alike[0]!.subscribers.some((one) => one.rackId)) {
        for (const partition of alike[0]!.partitions.keys()) {
          const first = alike[0]!.subscribers.find((one) =>
            alike.every((book) => matches(book, one, partition) && room(book, one) > 0),
          )
          if (first !== undefined) for (const book of alike) give(book, first, [partition])
        }
      }
    }
  }
  for (const book of books) giveRanges(book, () => true)

  const given = books
    .toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
    .flatMap(({ topic, owners }) =>
      owners.map((owner, partition) => ({ owner, name: `${topic}${partition}` })),
    )
  return Object.fromEntries(
    members.map(({ memberId }) => {
      const names = given.filter(({ owner }) => owner === memberId).map(({ name }) => name)
      return [memberId, names.join(' ')]
    }),
  )
}

test('any group is assigned as the rules played out step by step assign it', () => {
  const rack = fc.constantFrom('E', 'W', 'N')
  // Few topics, sizes and ways to subscribe, so that co-partitioned topics are common.
  const racksOf = fc.constantFrom(2, 3, 6, 7).chain((count) =>
    fc.array(fc.array(fc.option(rack, { freq: 8 }), { maxLength: 3 }), {
      minLength: count,
      maxLength: count,
    }),
  )
  const racksByTopic = fc.record({ w: racksOf, x: racksOf, y: racksOf, z: racksOf })
  const topics = fc.oneof(
    { weight: 3, arbitrary: fc.constant(['w', 'x', 'y', 'z']) },
    fc.subarray(['w', 'x', 'y', 'z']),
  )
  const rackId = fc.option(fc.oneof({ weight: 6, arbitrary: rack }, fc.constant('')), { freq: 4 })
  const members = fc
    .array(fc.tuple(rackId, topics), { minLength: 1, maxLength: 6 })
    .map((list) => list.map(([ofMember, wanted], index) => member(`m${index}`, ofMember, ...wanted)))

  fc.assert(
    fc.property(members, racksByTopic, (group, racks) => {
      expect(assign(group, racks)).toEqual(playedOut(group, racks))
    }),
    { numRuns: 500 },
  )
})

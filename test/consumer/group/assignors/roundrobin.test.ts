import { expect, test } from 'vitest'
import type { ClusterView, MemberSubscription } from '../../../../src/consumer/group/assignors/assignor.ts'
import { roundRobinAssignor } from '../../../../src/consumer/group/assignors/roundrobin.ts'

function member(memberId: string, ...topics: string[]): MemberSubscription {
  return {
    memberId,
    groupInstanceId: null,
    rackId: null,
    topics,
    ownedPartitions: [],
    generationId: -1,
    userData: null,
  }
}

function cluster(partitionCounts: Record<string, number>): ClusterView {
  return { partitionCount: (topic) => partitionCounts[topic] ?? 0, replicaRacks: () => [] }
}

function assign(
  members: MemberSubscription[],
  partitionCounts: Record<string, number>,
): Record<string, string[]> {
  const assignment = roundRobinAssignor.assign(members, cluster(partitionCounts))
  return Object.fromEntries(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.map(({ topic, partition }) => `${topic}-${partition}`),
    ]),
  )
}

test('the turn goes on from one topic to the next', () => {
  expect(assign([member('a', 'x', 'y'), member('b', 'x', 'y')], { x: 3, y: 3 })).toEqual({
    a: ['x-0', 'x-2', 'y-1'],
    b: ['x-1', 'y-0', 'y-2'],
  })
})

test('members that did not subscribe to a topic are passed over', () => {
  expect(
    assign([member('a', 'x'), member('b', 'x', 'y'), member('c', 'x', 'y', 'z')], { x: 1, y: 2, z: 3 }),
  ).toEqual({ a: ['x-0'], b: ['y-0'], c: ['y-1', 'z-0', 'z-1', 'z-2'] })
})

test('a turn past the last subscriber of a topic starts again at the first', () => {
  // x ends with c's turn just taken; nobody after c wants y, so its first subscriber, a, is next.
  expect(
    assign([member('a', 'x', 'y'), member('b', 'x', 'y'), member('c', 'x'), member('d')], { x: 3, y: 3 }),
  ).toEqual({ a: ['x-0', 'y-0', 'y-2'], b: ['x-1', 'y-1'], c: ['x-2'], d: [] })
})

test('the turn is of all members, so a topic begins with its first subscriber at or after the turn', () => {
  expect(
    assign([member('a', 'y'), member('b', 'x'), member('c', 'y'), member('d', 'y')], { x: 1, y: 3 }),
  ).toEqual({ a: ['y-2'], b: ['x-0'], c: ['y-0'], d: ['y-1'] })
})

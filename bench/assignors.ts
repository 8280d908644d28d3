/**
 * CPU time that the leader of a large group needs to share it out: 2,000 members and 10,000 partitions, by assignor and by what
 * the members had before. The aim is 500 ms.
 *
 *   npx tsx bench/assignors.ts [--members 2000] [--partitions 10000] [--topics 100] [--rounds 5]
 */
import { parseArgs } from 'node:util'
import type { MemberSubscription, TopicPartition } from '../src/consumer/group/assignors/assignor.ts'
import { assignorByName, builtInAssignors } from '../src/consumer/group/assignors/built-in.ts'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '2000' },
    partitions: { type: 'string', default: '10000' },
    topics: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
  },
})
const [memberCount, partitionCount, topicCount, rounds] = [
  Number(values.members),
  Number(values.partitions),
  Number(values.topics),
  Number(values.rounds),
] as [number, number, number, number]
const topics = Array.from({ length: topicCount }, (_, index) => `topic-${index}`)
const view = {
  partitionCount: () => Math.floor(partitionCount / topicCount),
  replicaRacks: () => [],
}

/** What each member subscribes to. */
const subscriptions = {
  'all topics': () => topics,
  'every other topic': (member: number) => topics.filter((_, index) => (index + member) % 2 === 0),
  'four topics in five': (member: number) =>
    topics.filter((_, index) => (index * 7919 + member * 104_729) % 5 !== 0),
}

/** Who of the members was there before, and what they were. */
const histories = {
  'all new': (members: MemberSubscription[]) => members.slice(0, 0),
  'one in ten new': (members: MemberSubscription[]) => members.filter((_, index) => index % 10 !== 0),
  'one had everything': (members: MemberSubscription[]) => members.slice(0, 1),
}

function membersOf(topicsOf: (member: number) => readonly string[]): MemberSubscription[] {
  return Array.from({ length: memberCount }, (_, index) => ({
    memberId: `member-${index}`,
    groupInstanceId: null,
    rackId: null,
    topics: topicsOf(index),
    ownedPartitions: [],
    generationId: -1,
    userData: null,
  }))
}

const rows: Record<string, unknown>[] = []
for (const name of builtInAssignors.keys()) {
  for (const [subscribed, topicsOf] of Object.entries(subscriptions)) {
    for (const [before, membersBefore] of Object.entries(histories)) {
      const isSticky = name.endsWith('sticky')
      if (!isSticky && before !== 'all new') continue
      const fresh = membersOf(topicsOf)
      const had = assignorByName(name).assign(membersBefore(fresh), view)
      const members = fresh.map((member) => {
        const owned: TopicPartition[] = had.get(member.memberId) ?? []
        if (owned.length === 0) return member
        const assignor = assignorByName(name)
        assignor.onAssignment?.(owned, 1)
        const userData = assignor.subscriptionUserData?.(member.topics) ?? null
        return { ...member, ownedPartitions: owned, generationId: 1, userData }
      })
      const times: number[] = []
      let counts: number[] = []
      for (let round = 0; round < rounds; round++) {
        const before = process.cpuUsage()
        const assigned = assignorByName(name).assign(members, view)
        times.push(process.cpuUsage(before).user / 1000)
        counts = [...assigned.values()].map(({ length }) => length)
      }
      times.sort((a, b) => a - b)
      rows.push({
        assignor: name,
        subscribed,
        before,
        'median ms': Number(times[times.length >> 1]!.toFixed(1)),
        'worst ms': Number(times.at(-1)!.toFixed(1)),
        fewest: Math.min(...counts),
        most: Math.max(...counts),
      })
    }
  }
}
console.table(rows)

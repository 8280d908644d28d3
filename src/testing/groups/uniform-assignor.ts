import type { AssignorInput, AssignorMember, ServerAssignor } from './server-assignor.ts'
import { isHomogeneous, subscribedTopics } from './server-assignor.ts'
import { addPartition, type TopicPartitionMap } from './topic-partition-map.ts'

/** A member with what it is being given. */
interface Share {
  readonly member: AssignorMember
  readonly target: Map<string, Set<number>>
  size: number
}

type Partition = readonly [topicId: string, partition: number]

/**
 * As many partitions for each member as for any other, whatever their topics, and as few moved as that allows (Java's
 * `UniformAssignor`). Where members read different topics: as even as these allow.
 */
export const uniformAssignor: ServerAssignor = {
  name: 'uniform',
  assign: (input) => {
    const shares = input.members.map((member): Share => ({ member, target: new Map(), size: 0 }))
    if (shares.length > 0) {
      const free = keepTargets(shares, input)
      if (isHomogeneous(input)) fillQuotas(shares, free)
      else fillSmallest(shares, free)
    }
    return new Map(shares.map(({ member, target }) => [member.memberId, target as TopicPartitionMap]))
  },
}

/** Gives each member again what it had and still reads, and tells what is left. */
function keepTargets(shares: readonly Share[], input: AssignorInput): Partition[] {
  const taken = new Set<string>()
  for (const share of shares) {
    for (const [topicId, partitions] of share.member.target) {
      if (!share.member.subscribedTopicIds.has(topicId)) continue
      for (const partition of partitions) {
        const key = `${topicId}:${partition}`
        if (taken.has(key) || partition >= (input.partitionCounts.get(topicId) ?? 0)) continue
        taken.add(key)
        give(share, [topicId, partition])
      }
    }
  }
  const free: Partition[] = []
  for (const topicId of subscribedTopics(input)) {
    const count = input.partitionCounts.get(topicId) ?? 0
    for (let partition = 0; partition < count; partition++) {
      if (!taken.has(`${topicId}:${partition}`)) free.push([topicId, partition])
    }
  }
  return free
}

/** Cuts each member down to its quota, and fills the others up. */
function fillQuotas(shares: readonly Share[], free: Partition[]): void {
  const total = shares.reduce((sum, { size }) => sum + size, free.length)
  const quota = Math.floor(total / shares.length)
  let extras = total % shares.length
  // One more than the quota goes to those first who have it already, so that less has to move.
  const withExtra = new Set<Share>()
  for (const wanted of [(size: number) => size > quota, () => true]) {
    for (const share of shares) {
      if (extras === 0 || withExtra.has(share) || !wanted(share.size)) continue
      withExtra.add(share)
      extras--
    }
  }
  const quotaOf = (share: Share) => quota + (withExtra.has(share) ? 1 : 0)
  for (const share of shares) {
    const partitions = partitionsOf(share)
    while (share.size > quotaOf(share)) {
      const last = partitions.pop()!
      take(share, last)
      free.push(last)
    }
  }
  let next = 0
  for (const share of shares) while (share.size < quotaOf(share)) give(share, free[next++]!)
}

/** Gives what is free to whoever has the least, then moves from those with much to those with little. */
function fillSmallest(shares: readonly Share[], free: readonly Partition[]): void {
  const readersOf = (topicId: string) => shares.filter(({ member }) => member.subscribedTopicIds.has(topicId))
  for (const partition of free) give(smallest(readersOf(partition[0])), partition)
  // Each move makes the sum of the squares smaller, so it comes to an end.
  for (let moved = true; moved; ) {
    moved = false
    for (const share of [...shares].sort((a, b) => b.size - a.size)) {
      for (const partition of partitionsOf(share)) {
        const least = smallest(readersOf(partition[0]))
        if (least.size + 1 >= share.size) continue
        take(share, partition)
        give(least, partition)
        moved = true
      }
    }
  }
}

function smallest(shares: readonly Share[]): Share {
  return shares.reduce((least, share) => (share.size < least.size ? share : least))
}

function partitionsOf({ target }: Share): Partition[] {
  return [...target].flatMap(([topicId, partitions]) =>
    [...partitions].map((partition): Partition => [topicId, partition]),
  )
}

function give(share: Share, [topicId, partition]: Partition): void {
  addPartition(share.target, topicId, partition)
  share.size++
}

function take(share: Share, [topicId, partition]: Partition): void {
  const partitions = share.target.get(topicId)!
  partitions.delete(partition)
  if (partitions.size === 0) share.target.delete(topicId)
  share.size--
}

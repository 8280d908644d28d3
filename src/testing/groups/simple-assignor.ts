import type { AssignorInput, ServerAssignor } from './server-assignor.ts'
import { subscribedTopics } from './server-assignor.ts'
import { addPartition, type TopicPartitionMap } from './topic-partition-map.ts'

/**
 * The assignor of share groups (Java's `SimpleAssignor`): every partition has a reader, several where there are more
 * members than partitions, and every member about as many partitions as any other. What can stay, stays.
 */
export const simpleAssignor: ServerAssignor = {
  name: 'simple',
  assign: (input) => {
    const targets = new Map(input.members.map(({ memberId }) => [memberId, new Map<string, Set<number>>()]))
    const sizes = new Map(input.members.map(({ memberId }) => [memberId, 0]))
    for (const readers of groupsOfReaders(input)) share(readers, input, targets, sizes)
    return targets as Map<string, TopicPartitionMap>
  },
}

/** Topics that have the same readers. */
interface Readers {
  readonly memberIds: readonly string[]
  readonly topicIds: string[]
}

function groupsOfReaders(input: AssignorInput): Readers[] {
  const byReaders = new Map<string, Readers>()
  for (const topicId of subscribedTopics(input)) {
    const memberIds = input.members
      .filter(({ subscribedTopicIds }) => subscribedTopicIds.has(topicId))
      .map(({ memberId }) => memberId)
    const key = memberIds.join()
    const known = byReaders.get(key)
    if (known === undefined) byReaders.set(key, { memberIds, topicIds: [topicId] })
    else known.topicIds.push(topicId)
  }
  return [...byReaders.values()]
}

function share(
  { memberIds, topicIds }: Readers,
  { members, partitionCounts }: AssignorInput,
  targets: ReadonlyMap<string, Map<string, Set<number>>>,
  sizes: Map<string, number>,
): void {
  const partitions = topicIds.flatMap((topicId) =>
    Array.from({ length: partitionCounts.get(topicId) ?? 0 }, (_, index) => ({ topicId, index })),
  )
  if (partitions.length === 0) return
  const sharing = Math.ceil(memberIds.length / partitions.length)
  const quota = Math.ceil((sharing * partitions.length) / memberIds.length)
  const taken = new Map<string, number>()
  const give = (memberId: string, topicId: string, index: number) => {
    const key = `${topicId}:${index}`
    addPartition(targets.get(memberId)!, topicId, index)
    sizes.set(memberId, sizes.get(memberId)! + 1)
    taken.set(memberId, (taken.get(memberId) ?? 0) + 1)
    taken.set(key, (taken.get(key) ?? 0) + 1)
  }
  for (const { memberId, target } of members) {
    if (!memberIds.includes(memberId)) continue
    for (const { topicId, index } of partitions) {
      if (!target.get(topicId)?.has(index)) continue
      if ((taken.get(memberId) ?? 0) < quota && (taken.get(`${topicId}:${index}`) ?? 0) < sharing) {
        give(memberId, topicId, index)
      }
    }
  }
  for (const { topicId, index } of partitions) {
    while ((taken.get(`${topicId}:${index}`) ?? 0) < sharing) {
      const free = memberIds.filter((id) => !targets.get(id)!.get(topicId)?.has(index))
      const [least] = free.sort((a, b) => sizes.get(a)! - sizes.get(b)!)
      if (least === undefined || ((taken.get(least) ?? 0) >= quota && sharing > 1)) break
      give(least, topicId, index)
    }
  }
}

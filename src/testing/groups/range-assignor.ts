import type { AssignorInput, AssignorMember, ServerAssignor } from './server-assignor.ts'
import { subscribedTopics } from './server-assignor.ts'
import type { TopicPartitionMap } from './topic-partition-map.ts'

/**
 * A stretch of each topic for each of its members, in the order of instance ids, then member ids (Java's `RangeAssignor`
 * of the coordinator): who reads topics of the same size together with the same others gets the same partitions of them.
 */
export const rangeAssignor: ServerAssignor = {
  name: 'range',
  assign: (input) => {
    const target = new Map<string, Map<string, Set<number>>>()
    for (const { memberId } of input.members) target.set(memberId, new Map())
    const members = [...input.members].sort(compareMembers)
    for (const topicId of subscribedTopics(input)) assignTopic(topicId, members, input, target)
    return target as Map<string, TopicPartitionMap>
  },
}

function assignTopic(
  topicId: string,
  members: readonly AssignorMember[],
  { partitionCounts }: AssignorInput,
  target: ReadonlyMap<string, Map<string, Set<number>>>,
): void {
  const readers = members.filter(({ subscribedTopicIds }) => subscribedTopicIds.has(topicId))
  const count = partitionCounts.get(topicId) ?? 0
  const quota = Math.floor(count / readers.length)
  let extra = count % readers.length
  let from = 0
  for (const { memberId } of readers) {
    const length = quota + (extra > 0 ? 1 : 0)
    extra--
    if (length > 0) {
      target.get(memberId)!.set(topicId, new Set(Array.from({ length }, (_, i) => from + i)))
    }
    from += length
  }
}

/** Static members come first. */
function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

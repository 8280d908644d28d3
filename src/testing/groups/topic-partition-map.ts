/** Partitions by topic id: what a member is to hold. */
export type TopicPartitionMap = ReadonlyMap<string, ReadonlySet<number>>

/** Partitions by topic id, as requests and answers have them. */
export interface TopicIdPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export const noPartitions: TopicPartitionMap = new Map()

/** Partitions by topic id, with something about each or without. */
export type KeyedPartitions = ReadonlyMap<string, ReadonlySet<number> | ReadonlyMap<number, unknown>>

/** Ascending within each topic. */
export function toTopicIdPartitions(map: KeyedPartitions): { topicId: string; partitions: number[] }[] {
  return [...map].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((a, b) => a - b),
  }))
}

/** The same with the names of the topics. Those that are gone are left out. */
export function withTopicNames(
  held: readonly TopicIdPartitions[],
  topics: { byId(id: string): { readonly name: string } | undefined },
): { topicId: string; topicName: string; partitions: number[] }[] {
  return held.flatMap(({ topicId, partitions }) => {
    const topic = topics.byId(topicId)
    return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions: [...partitions] }]
  })
}

/** Adds a partition to a map that is being made. */
export function addPartition(map: Map<string, Set<number>>, topicId: string, partition: number): void {
  const partitions = map.get(topicId)
  if (partitions === undefined) map.set(topicId, new Set([partition]))
  else partitions.add(partition)
}

/** Whether two maps hold the same partitions. */
export function samePartitions(a: KeyedPartitions, b: KeyedPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}

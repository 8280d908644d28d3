import type { TopicPartitionMap } from './topic-partition-map.ts'

/** A member as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Only those that exist. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** Its last target. */
  readonly target: TopicPartitionMap
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** By topic id. */
  readonly partitionCounts: ReadonlyMap<string, number>
}

/** Shares out partitions among the members of a group, at the broker (Java's `PartitionAssignor` of the coordinator). */
export interface ServerAssignor {
  readonly name: string
  /** What each member is to hold in the end, by member id. */
  assign(input: AssignorInput): Map<string, TopicPartitionMap>
}

/** Ids of all topics that somebody reads, in the order of the members. */
export function subscribedTopics({ members }: AssignorInput): Set<string> {
  const topicIds = new Set<string>()
  for (const member of members) for (const topicId of member.subscribedTopicIds) topicIds.add(topicId)
  return topicIds
}

/** Whether all members read the same topics. */
export function isHomogeneous({ members }: AssignorInput): boolean {
  const [first, ...others] = members
  return others.every(
    ({ subscribedTopicIds }) =>
      subscribedTopicIds.size === first!.subscribedTopicIds.size &&
      [...subscribedTopicIds].every((topicId) => first!.subscribedTopicIds.has(topicId)),
  )
}

import type { ClusterView, MemberSubscription } from './assignor.ts'

/** A topic that exists and that at least one member wants. */
export interface SubscribedTopic {
  readonly topic: string
  /** At least 1. */
  readonly partitionCount: number
  /** Indexes into the sorted members, ascending, each once. */
  readonly subscribers: readonly number[]
}

function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The members in the order in which they are served (Java's AbstractPartitionAssignor.MemberInfo): static ones
 * first, by instance id, then the others by member id. Strings compare by UTF-16 unit, as in Java.
 *
 * A static member gets a new member id whenever it restarts; going by the instance id it keeps its place, and so
 * its partitions (KIP-345).
 */
export function sortMembers(members: readonly MemberSubscription[]): MemberSubscription[] {
  return members.toSorted((a, b) => {
    if (a.groupInstanceId === null && b.groupInstanceId !== null) return 1
    if (a.groupInstanceId !== null && b.groupInstanceId === null) return -1
    return (
      compareStrings(a.groupInstanceId ?? '', b.groupInstanceId ?? '') ||
      compareStrings(a.memberId, b.memberId)
    )
  })
}

/** The topics that there is something to assign of, by name. Those that the cluster does not know are left out. */
export function subscribedTopics(
  sortedMembers: readonly MemberSubscription[],
  cluster: ClusterView,
): SubscribedTopic[] {
  const subscribersByTopic = new Map<string, number[]>()
  for (const [index, member] of sortedMembers.entries()) {
    for (const topic of member.topics) {
      const subscribers = subscribersByTopic.get(topic)
      if (subscribers === undefined) subscribersByTopic.set(topic, [index])
      // The last one is this member itself when its subscription names a topic twice.
      else if (subscribers.at(-1) !== index) subscribers.push(index)
    }
  }
  return [...subscribersByTopic]
    .map(([topic, subscribers]) => ({ topic, partitionCount: cluster.partitionCount(topic), subscribers }))
    .filter(({ partitionCount }) => partitionCount > 0)
    .sort((a, b) => compareStrings(a.topic, b.topic))
}

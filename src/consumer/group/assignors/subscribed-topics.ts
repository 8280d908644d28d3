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
  let before: readonly string[] = []
  let lists: number[][] = []
  for (const [index, { topics }] of sortedMembers.entries()) {
    // Most groups have one subscription. Looking up each topic for each member is most of the work in large ones.
    if (!isEqual(topics, before)) {
      before = topics
      lists = topics.map((topic) => {
        const known = subscribersByTopic.get(topic)
        if (known !== undefined) return known
        const fresh: number[] = []
        subscribersByTopic.set(topic, fresh)
        return fresh
      })
    }
    // The last one is this member itself when its subscription names a topic twice.
    for (const subscribers of lists) {
      if (subscribers[subscribers.length - 1] !== index) subscribers.push(index)
    }
  }
  return [...subscribersByTopic]
    .map(([topic, subscribers]) => ({ topic, partitionCount: cluster.partitionCount(topic), subscribers }))
    .filter(({ partitionCount }) => partitionCount > 0)
    .sort((a, b) => compareStrings(a.topic, b.topic))
}

/** Places in `topics`, those with the same subscribers together. */
export function sameSubscribers(topics: readonly SubscribedTopic[]): number[][] {
  const classesByHash = new Map<number, number[][]>()
  const classes: number[][] = []
  for (const [at, { subscribers }] of topics.entries()) {
    let hash = subscribers.length
    for (const subscriber of subscribers) hash = (Math.imul(hash, 31) + subscriber) | 0
    const alike = classesByHash.get(hash) ?? []
    const found = alike.find((one) => isEqual(topics[one[0]!]!.subscribers, subscribers))
    if (found !== undefined) found.push(at)
    else {
      const fresh = [at]
      alike.push(fresh)
      classes.push(fresh)
      classesByHash.set(hash, alike)
    }
  }
  return classes
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

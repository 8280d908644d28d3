import type { ClusterView, MemberSubscription, PartitionAssignor, TopicPartition } from './assignor.ts'
import { type SubscribedTopic, sortMembers, subscribedTopics } from './subscribed-topics.ts'

/** The racks that hold a replica, for each partition. */
type RacksByPartition = readonly ReadonlySet<string>[]

/**
 * Topics with the same number of partitions and the same subscribers. Each of their partitions numbered n goes to
 * the same member, so that joins by key stay local: the group is shared out once, for all of its topics.
 */
interface CoPartitionedTopics {
  readonly partitionCount: number
  /** Indexes into the sorted members, ascending. */
  readonly subscribers: readonly number[]
  readonly topics: string[]
}

const UNASSIGNED = -1

/**
 * Who gets which partition of a topic: every subscriber `floor(partitions / subscribers)`, and as many of them as
 * partitions are left over one more. Whoever takes that one first has it. Subscribers are numbered from 0.
 */
class Shares {
  /** The subscriber by partition; `UNASSIGNED` while it has none. */
  readonly owners: Int32Array
  readonly #counts: Int32Array
  readonly #floor: number
  #extras: number

  constructor(partitionCount: number, subscriberCount: number) {
    this.owners = new Int32Array(partitionCount).fill(UNASSIGNED)
    this.#counts = new Int32Array(subscriberCount)
    this.#floor = Math.floor(partitionCount / subscriberCount)
    this.#extras = partitionCount % subscriberCount
  }

  /** Whether the subscriber may take one more. Once false it stays false: extras only ever become fewer. */
  hasRoom(subscriber: number): boolean {
    return this.#counts[subscriber]! < this.#floor + (this.#extras > 0 ? 1 : 0)
  }

  give(partition: number, subscriber: number): void {
    this.owners[partition] = subscriber
    this.#counts[subscriber]! += 1
    if (this.#counts[subscriber]! > this.#floor) this.#extras--
  }
}

/** Subscriber by subscriber: the lowest free partitions with a replica in its rack (any, for one without a rack). */
function giveMatchingRanges(
  shares: Shares,
  racks: readonly (string | null)[],
  replicas: RacksByPartition,
): void {
  // What a subscriber passed over is taken or elsewhere, for its whole rack: the next one goes on from there.
  const nextByRack = new Map<string | null, number>()
  for (const [subscriber, rack] of racks.entries()) {
    let partition = nextByRack.get(rack) ?? 0
    for (; partition < replicas.length && shares.hasRoom(subscriber); partition++) {
      if (shares.owners[partition] !== UNASSIGNED) continue
      if (rack === null || replicas[partition]!.has(rack)) shares.give(partition, subscriber)
    }
    nextByRack.set(rack, partition)
  }
}

/**
 * Partition by partition: to the first subscriber with room in whose rack every one of the topics has a replica
 * of it. A subscriber without a rack is content with any partition.
 */
function giveMatchingPartitions(
  shares: Shares,
  racks: readonly (string | null)[],
  replicas: RacksByPartition,
): void {
  const waitingByRack = new Map<string | null, { subscribers: number[]; next: number }>()
  for (const [subscriber, rack] of racks.entries()) {
    const waiting = waitingByRack.get(rack)
    if (waiting === undefined) waitingByRack.set(rack, { subscribers: [subscriber], next: 0 })
    else waiting.subscribers.push(subscriber)
  }
  for (const [partition, replicaRacks] of replicas.entries()) {
    let first = Number.POSITIVE_INFINITY
    for (const rack of [null, ...replicaRacks]) {
      const waiting = waitingByRack.get(rack)
      if (waiting === undefined) continue
      const { subscribers } = waiting
      while (waiting.next < subscribers.length && !shares.hasRoom(subscribers[waiting.next]!)) waiting.next++
      first = Math.min(first, subscribers[waiting.next] ?? Number.POSITIVE_INFINITY)
    }
    if (first !== Number.POSITIVE_INFINITY) shares.give(partition, first)
  }
}

/** Subscriber by subscriber: the lowest free partitions, until all are given. Without racks, this is all there is. */
function giveRest(shares: Shares, subscriberCount: number): void {
  let partition = 0
  for (let subscriber = 0; subscriber < subscriberCount; subscriber++) {
    for (; partition < shares.owners.length && shares.hasRoom(subscriber); partition++) {
      if (shares.owners[partition] === UNASSIGNED) shares.give(partition, subscriber)
    }
  }
}

function racksOfReplicas(topic: string, partitionCount: number, cluster: ClusterView): RacksByPartition {
  return Array.from({ length: partitionCount }, (_, partition) => {
    return new Set(cluster.replicaRacks(topic, partition).filter((rack) => rack !== null))
  })
}

/** Whether it matters who gets what: some rack of the members has replicas, and not all partitions have the same racks. */
function racksMatter(memberRacks: ReadonlySet<string>, replicas: RacksByPartition): boolean {
  const all = new Set(replicas.flatMap((racks) => [...racks]))
  return [...memberRacks].some((rack) => all.has(rack)) && replicas.some((racks) => racks.size < all.size)
}

/** For each partition, the racks in which all the topics have a replica of it. */
function commonRacks(replicasByTopic: readonly RacksByPartition[]): RacksByPartition {
  const [first, ...others] = replicasByTopic
  return first!.map((racks, partition) => {
    return new Set([...racks].filter((rack) => others.every((replicas) => replicas[partition]!.has(rack))))
  })
}

function groupCoPartitioned(topics: readonly SubscribedTopic[]): CoPartitionedTopics[] {
  const groups = new Map<string, CoPartitionedTopics>()
  for (const { topic, partitionCount, subscribers } of topics) {
    const key = `${partitionCount}:${subscribers.join()}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { partitionCount, subscribers, topics: [topic] })
    else group.topics.push(topic)
  }
  return [...groups.values()]
}

/** The owner, an index into the sorted members, of each partition, by topic. */
function shareOut(
  topics: readonly SubscribedTopic[],
  sortedMembers: readonly MemberSubscription[],
  cluster: ClusterView,
): Map<string, number[]> {
  const groups = groupCoPartitioned(topics).map((group) => {
    const racks = group.subscribers.map((index) => sortedMembers[index]!.rackId || null)
    const memberRacks = new Set(racks.filter((rack) => rack !== null))
    const replicasByTopic =
      memberRacks.size === 0
        ? []
        : group.topics.map((topic) => racksOfReplicas(topic, group.partitionCount, cluster))
    const rackAware = replicasByTopic.some((replicas) => racksMatter(memberRacks, replicas))
    return { ...group, racks, replicasByTopic, rackAware }
  })
  const anyRackAware = groups.some(({ rackAware }) => rackAware)

  const ownersByTopic = new Map<string, number[]>()
  for (const { topics, partitionCount, subscribers, racks, replicasByTopic, rackAware } of groups) {
    const shares = new Shares(partitionCount, subscribers.length)
    if (topics.length === 1 && rackAware) giveMatchingRanges(shares, racks, replicasByTopic[0]!)
    // Topics that would not need it themselves are matched too as soon as any topic of the consumer group does.
    // Java does so; to differ would break the promise that whichever member leads, the assignment is the same.
    if (topics.length > 1 && replicasByTopic.length > 0 && anyRackAware) {
      giveMatchingPartitions(shares, racks, commonRacks(replicasByTopic))
    }
    giveRest(shares, subscribers.length)
    const owners = Array.from(shares.owners, (subscriber) => subscribers[subscriber]!)
    for (const topic of topics) ownersByTopic.set(topic, owners)
  }
  return ownersByTopic
}

/**
 * Gives each subscriber of a topic a run of its partitions, topic by topic; the first few get one more where it
 * does not divide (Java's RangeAssignor).
 *
 * Where members and replicas name their racks, members first get partitions that have a replica in their own rack
 * (KIP-881). Balance goes before racks, and so does co-partitioning: see `CoPartitionedTopics`.
 */
export const rangeAssignor: PartitionAssignor = {
  name: 'range',
  rebalanceProtocol: 'eager',

  assign(members, cluster) {
    const sorted = sortMembers(members)
    const assigned = sorted.map((): TopicPartition[] => [])
    const topics = subscribedTopics(sorted, cluster)
    const ownersByTopic = shareOut(topics, sorted, cluster)
    for (const { topic } of topics) {
      for (const [partition, owner] of ownersByTopic.get(topic)!.entries()) {
        assigned[owner]!.push({ topic, partition })
      }
    }
    return new Map(sorted.map(({ memberId }, index) => [memberId, assigned[index]!]))
  },
}

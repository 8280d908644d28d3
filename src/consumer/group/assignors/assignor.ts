import type { TopicPartition } from '../../../cluster/partition-leaders.ts'

export type { TopicPartition }
/** What the group's leader knows of a member (its Subscription; KIP-345, KIP-429, KIP-792, KIP-881). */
export interface MemberSubscription {
  /** Unique in the group. */
  memberId: string
  /** The `group.instance.id` of a static member; null for a dynamic one. */
  groupInstanceId: string | null
  /** The member's `client.rack`; null, or empty, when it has none. */
  rackId: string | null
  /** May name topics that do not exist. */
  topics: readonly string[]
  /** What the member says that it owns; empty for a member that joins afresh. */
  ownedPartitions: readonly TopicPartition[]
  /** The generation in which it came to own them; -1 when unknown. */
  generationId: number
  userData: Uint8Array | null
}

/** What the leader knows of the topics. */
export interface ClusterView {
  /** 0 when the topic is unknown. */
  partitionCount(topic: string): number
  /** The rack of each replica, null for a broker without one; empty when the replicas are unknown. */
  replicaRacks(topic: string, partition: number): readonly (string | null)[]
}

/** Shares partitions out among a group's members (Java's ConsumerPartitionAssignor). Runs on the leader. */
export interface PartitionAssignor {
  /** Java's protocol name: what the members of a group agree on. */
  readonly name: string
  /** Whether members give up all partitions before they rejoin, or only those that move (KIP-429). */
  readonly rebalanceProtocol: 'eager' | 'cooperative'
  /** The userData to send with the subscription; null for none. */
  subscriptionUserData?(topics: readonly string[]): Uint8Array | null
  /** Each member's partitions by member id. Every member is there, with an empty list if it gets nothing. */
  assign(members: readonly MemberSubscription[], cluster: ClusterView): Map<string, TopicPartition[]>
  /** Told what this member got, before the next `subscriptionUserData`. */
  onAssignment?(partitions: readonly TopicPartition[], generationId: number): void
}

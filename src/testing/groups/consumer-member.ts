import type { ClockTimer } from '../clock.ts'
import { type TopicIdPartitions, toTopicIdPartitions } from './topic-partition-map.ts'

/** Held partitions by topic id; the value is the member epoch in which each was assigned (KIP-1251). */
export type HeldPartitions = Map<string, Map<number, number>>

/** What a member has yet to do (Java's `MemberState`). */
export type ConsumerMemberState =
  /** All that it is to hold, it holds. */
  | 'STABLE'
  /** It has been told to give partitions back, and has not said that it did. */
  | 'UNREVOKED_PARTITIONS'
  /** It waits for partitions that others still hold. */
  | 'UNRELEASED_PARTITIONS'

/** Epoch of a member that joins. */
export const joinEpoch = 0
/** Epoch of a member that leaves. */
export const leaveEpoch = -1
/** Epoch of a static member that leaves and means to be back. */
export const staticLeaveEpoch = -2

/** A member of a consumer group as its coordinator knows it (Java's `ConsumerGroupMember`). */
export class ConsumerMember {
  readonly memberId: string
  instanceId: string | null = null
  rackId: string | null = null
  clientId = ''
  clientHost = ''
  rebalanceTimeoutMs = -1
  /** Sorted, each once. */
  subscribedTopicNames: readonly string[] = []
  /** Empty: none. */
  subscribedTopicRegex = ''
  /** Null: the group's own. */
  serverAssignor: string | null = null
  memberEpoch = 0
  previousMemberEpoch = 0
  state: ConsumerMemberState = 'STABLE'
  assigned: HeldPartitions = new Map()
  pendingRevocation: HeldPartitions = new Map()
  sessionTimer: ClockTimer | null = null
  rebalanceTimer: ClockTimer | null = null

  constructor(memberId: string) {
    this.memberId = memberId
  }

  /** The one that takes the place of a static member: it inherits everything but the epochs. */
  replacedBy(memberId: string): ConsumerMember {
    const next = new ConsumerMember(memberId)
    next.instanceId = this.instanceId
    next.rackId = this.rackId
    next.rebalanceTimeoutMs = this.rebalanceTimeoutMs
    next.subscribedTopicNames = this.subscribedTopicNames
    next.subscribedTopicRegex = this.subscribedTopicRegex
    next.serverAssignor = this.serverAssignor
    next.state = this.state
    next.assigned = this.assigned
    next.pendingRevocation = this.pendingRevocation
    return next
  }

  isReconciledTo(epoch: number): boolean {
    return this.state === 'STABLE' && this.memberEpoch === epoch
  }

  /** Whether the partition is its own, be it only until it has given it back. */
  holds(topicId: string, partition: number): boolean {
    return (
      this.assigned.get(topicId)?.has(partition) === true ||
      this.pendingRevocation.get(topicId)?.has(partition) === true
    )
  }

  /** Whether all partitions that it says it owns are assigned to it. False when it does not say. */
  ownsOnlyAssigned(owned: readonly TopicIdPartitions[] | null): boolean {
    if (owned === null) return false
    return owned.every(({ topicId, partitions }) => {
      const assigned = this.assigned.get(topicId)
      return assigned !== undefined && partitions.every((partition) => assigned.has(partition))
    })
  }

  /** All that it holds, what it is to give back included. */
  held(): { topicId: string; partitions: number[] }[] {
    const all = new Map<string, Set<number>>()
    for (const part of [this.assigned, this.pendingRevocation]) {
      for (const [topicId, partitions] of part) {
        all.set(topicId, new Set([...(all.get(topicId) ?? []), ...partitions.keys()]))
      }
    }
    return toTopicIdPartitions(all)
  }

  cancelTimers(): void {
    this.sessionTimer?.cancel()
    this.rebalanceTimer?.cancel()
    this.sessionTimer = null
    this.rebalanceTimer = null
  }
}

import type { ConsumerMember, ConsumerMemberState, HeldPartitions } from './consumer-member.ts'
import type { TopicIdPartitions, TopicPartitionMap } from './topic-partition-map.ts'

/** What a member is to be brought to. */
export interface ReconcileGoal {
  readonly targetEpoch: number
  readonly target: TopicPartitionMap
  /** Ids of the topics that it is subscribed to, as far as they exist. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** With this heartbeat: what it holds of topics that it no longer reads has to go. */
  readonly subscriptionChanged: boolean
  /** What the member says it owns; null: it does not say. */
  readonly owned: readonly TopicIdPartitions[] | null
  /** Whether another member holds a partition. */
  readonly heldByOther: (topicId: string, partition: number) => boolean
}

/**
 * Takes a member one step further towards its target, where it can be (Java's `CurrentAssignmentBuilder`): first it gives
 * back what is no longer its own, in its old epoch; then it is assigned, in the new one, what others have given back.
 */
export function reconcileMember(member: ConsumerMember, goal: ReconcileGoal): void {
  switch (member.state) {
    case 'STABLE':
      if (member.memberEpoch !== goal.targetEpoch) next(member, goal)
      else if (goal.subscriptionChanged) dropUnsubscribed(member, goal)
      break
    case 'UNREVOKED_PARTITIONS':
      if (!ownsAny(goal.owned, member.pendingRevocation)) next(member, goal)
      else if (goal.subscriptionChanged) dropUnsubscribed(member, goal)
      break
    case 'UNRELEASED_PARTITIONS':
      next(member, goal)
      break
  }
}

function next(member: ConsumerMember, goal: ReconcileGoal): void {
  const { target, subscribedTopicIds, targetEpoch, heldByOther } = goal
  const assigned: HeldPartitions = new Map()
  const revoked: HeldPartitions = new Map()
  const added: [string, number][] = []
  let unreleased = false
  for (const topicId of new Set([...target.keys(), ...member.assigned.keys()])) {
    const wanted = subscribedTopicIds.has(topicId) ? target.get(topicId) : undefined
    const current = member.assigned.get(topicId)
    for (const [partition, epoch] of current ?? []) {
      put(wanted?.has(partition) ? assigned : revoked, topicId, partition, epoch)
    }
    for (const partition of wanted ?? []) {
      if (current?.has(partition)) continue
      if (heldByOther(topicId, partition)) unreleased = true
      else added.push([topicId, partition])
    }
  }
  if (revoked.size > 0 && ownsAny(goal.owned, revoked)) {
    return settle(member, 'UNREVOKED_PARTITIONS', member.memberEpoch, assigned, revoked)
  }
  for (const [topicId, partition] of added) put(assigned, topicId, partition, targetEpoch)
  settle(member, unreleased ? 'UNRELEASED_PARTITIONS' : 'STABLE', targetEpoch, assigned, new Map())
}

/** Takes what it no longer subscribes to away, before there is a new target. */
function dropUnsubscribed(member: ConsumerMember, goal: ReconcileGoal): void {
  const assigned: HeldPartitions = new Map()
  const revoked: HeldPartitions = new Map()
  for (const [topicId, partitions] of member.pendingRevocation) revoked.set(topicId, new Map(partitions))
  let dropped = false
  for (const [topicId, partitions] of member.assigned) {
    if (goal.subscribedTopicIds.has(topicId)) {
      assigned.set(topicId, partitions)
      continue
    }
    dropped = true
    for (const [partition, epoch] of partitions) put(revoked, topicId, partition, epoch)
  }
  if (!dropped) return
  if (ownsAny(goal.owned, revoked)) {
    settle(member, 'UNREVOKED_PARTITIONS', member.memberEpoch, assigned, revoked)
  } else {
    settle(member, member.state, member.memberEpoch, assigned, member.pendingRevocation)
  }
}

/** A member that does not say what it owns is taken to own everything still. */
function ownsAny(owned: readonly TopicIdPartitions[] | null, some: HeldPartitions): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) => partitions.some((one) => some.get(topicId)?.has(one)))
}

function settle(
  member: ConsumerMember,
  state: ConsumerMemberState,
  epoch: number,
  assigned: HeldPartitions,
  pendingRevocation: HeldPartitions,
): void {
  // Also where it stays the same: from then on the previous epoch is no longer good enough.
  member.previousMemberEpoch = member.memberEpoch
  member.memberEpoch = epoch
  member.state = state
  member.assigned = assigned
  member.pendingRevocation = pendingRevocation
}

function put(into: HeldPartitions, topicId: string, partition: number, epoch: number): void {
  const partitions = into.get(topicId)
  if (partitions === undefined) into.set(topicId, new Map([[partition, epoch]]))
  else partitions.set(partition, epoch)
}

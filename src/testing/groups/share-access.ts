import type { RequestContext } from '../broker/request-context.ts'
import type { Partition } from '../cluster/partition.ts'
import type { ErrorName } from '../error-codes.ts'
import { ShareGroup } from './share-group.ts'
import type { SharePartition } from './share-partition.ts'
import type { SessionPartition } from './share-sessions.ts'

/** A partition with the state that a share group has of it. */
export interface SharedPartition {
  readonly partition: Partition
  /** Null: the group has none yet. */
  readonly state: SharePartition | null
}

export interface AccessProblem {
  readonly error: ErrorName
  /** Null: the client asks the wrong one for another reason. */
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number } | null
}

/** What a member of a share group reads from here, or why it cannot. */
export function sharedPartition(
  groupId: string,
  { topicId, index }: SessionPartition,
  context: RequestContext,
): SharedPartition | AccessProblem {
  const { cluster, broker } = context
  const topic = cluster.topics.byId(topicId)
  if (topic === undefined) return { error: 'UNKNOWN_TOPIC_ID', leader: null }
  if (!context.allows('READ', 'TOPIC', topic.name))
    return { error: 'TOPIC_AUTHORIZATION_FAILED', leader: null }
  const partition = topic.partitions[index]
  if (partition === undefined) return { error: 'UNKNOWN_TOPIC_OR_PARTITION', leader: null }
  const { leader, leaderEpoch } = partition
  if (leader !== broker.id) {
    return { error: 'NOT_LEADER_OR_FOLLOWER', leader: { leaderId: leader, leaderEpoch } }
  }
  const group = cluster.groups.get(groupId)
  const state = group instanceof ShareGroup ? (group.partition(topicId, index) ?? null) : null
  if (state !== null && state.leaderEpoch !== leaderEpoch) {
    // Only what has been stored goes over to another leader: who has acquired what has not.
    if (state.leaderEpoch !== -1) state.releaseAll()
    state.leaderEpoch = leaderEpoch
  }
  return { partition, state }
}

/** Gives back what a member has acquired of partitions. */
export function releaseRecords(
  groupId: string,
  memberId: string,
  partitions: Iterable<SessionPartition>,
  { cluster }: RequestContext,
): void {
  const group = cluster.groups.get(groupId)
  if (!(group instanceof ShareGroup)) return
  for (const { topicId, index } of partitions) group.partition(topicId, index)?.release(memberId)
}

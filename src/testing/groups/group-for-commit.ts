import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'

/** Who commits, as the request says it. */
export interface Committer {
  readonly memberId: string
  /** -1: from outside of the group. */
  readonly generationIdOrEpoch: number
  readonly groupInstanceId: string | null
}

export type GroupForCommit = { readonly group: Group } | { readonly error: ErrorName }

/**
 * The group that an OffsetCommit is for, if the committer may (Java's `OffsetMetadataManager.validateOffsetCommit`). A
 * commit from outside creates a group that is not there.
 */
export function groupForCommit(
  { groups, profile }: KafkaCluster,
  groupId: string,
  committer: Committer,
  apiVersion: number,
): GroupForCommit {
  const { memberId, generationIdOrEpoch, groupInstanceId } = committer
  const group = groups.get(groupId)
  if (group === undefined) {
    if (generationIdOrEpoch < 0) return { group: groups.classic(groupId) }
    // The coordinator of before 4.0 has the older code for all versions.
    const tellsGroups = apiVersion >= 9 && profile.version === '4.3'
    return { error: tellsGroups ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION' }
  }
  const error = group.checkCommit(memberId, generationIdOrEpoch, groupInstanceId, apiVersion)
  if (error === null) return { group }
  // Who speaks the older versions does not know the code.
  return { error: error === 'STALE_MEMBER_EPOCH' && apiVersion < 9 ? 'UNSUPPORTED_VERSION' : error }
}

/** The same for TxnOffsetCommit (Java's `validateTransactionalOffsetCommit`). */
export function groupForTxnCommit(groups: Groups, groupId: string, committer: Committer): GroupForCommit {
  const { memberId, generationIdOrEpoch, groupInstanceId } = committer
  const group = groups.get(groupId)
  if (group === undefined) {
    return generationIdOrEpoch < 0 ? { group: groups.classic(groupId) } : { error: 'ILLEGAL_GENERATION' }
  }
  const error = group.checkTxnCommit(memberId, generationIdOrEpoch, groupInstanceId)
  if (error === null) return { group }
  return { error: error === 'STALE_MEMBER_EPOCH' ? 'ILLEGAL_GENERATION' : error }
}

/**
 * Why a commit in an epoch that is no longer the member's does not do for its partitions; null when it does. One that has
 * been assigned since spoils all of it, as in Java's broker (KIP-1251).
 */
export function partitionsProblem(
  group: Group,
  { memberId, generationIdOrEpoch }: Committer,
  partitions: Iterable<{ readonly topic: string; readonly partition: number }>,
): ErrorName | null {
  for (const { topic, partition } of partitions) {
    const problem = group.checkCommitPartition?.(memberId, generationIdOrEpoch, topic, partition) ?? null
    if (problem !== null) return problem
  }
  return null
}

import type { ErrorName } from '../error-codes.ts'
import type { Partition } from './partition.ts'

/**
 * Why a broker does not answer as the leader of a partition; null when it does. `currentLeaderEpoch` is the one that the
 * client knows (KIP-320), -1 when it does not tell.
 */
export function leaderProblem(
  partition: Partition,
  brokerId: number,
  currentLeaderEpoch: number,
): ErrorName | null {
  if (currentLeaderEpoch !== -1) {
    if (currentLeaderEpoch < partition.leaderEpoch) return 'FENCED_LEADER_EPOCH'
    if (currentLeaderEpoch > partition.leaderEpoch) return 'UNKNOWN_LEADER_EPOCH'
  }
  return partition.leader === brokerId ? null : 'NOT_LEADER_OR_FOLLOWER'
}

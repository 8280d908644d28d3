import { zeroUuid } from '../../protocol/uuid.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type Outcome, refused } from './refusal.ts'

interface VoterRequest {
  readonly clusterId: string | null
  readonly voterId: number
  readonly voterDirectoryId: string
}

/** Why the voters of a quorum with `kraft.version` 0 do not change (KIP-853; Java's `KafkaRaftClient`). */
export function voterRefusal(
  what: 'Add' | 'Remove',
  { clusterId, voterId, voterDirectoryId }: VoterRequest,
  context: RequestContext,
): Outcome {
  const own = context.cluster.clusterId
  if (!context.allows('ALTER', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  if (clusterId !== null && clusterId !== own) {
    return refused(
      'INCONSISTENT_CLUSTER_ID',
      `The given id "${clusterId}" doesn't match the cluster id "${own}"`,
    )
  }
  if (voterId < 0 || voterDirectoryId === zeroUuid) {
    return refused('INVALID_REQUEST', `${what} voter request didn't include a valid voter`)
  }
  const doing = what === 'Add' ? 'adding' : 'removing'
  return refused(
    'UNSUPPORTED_VERSION',
    `Cluster doesn't support ${doing} voter because the kraft.version feature is 0`,
  )
}

import type { Cluster } from '../cluster/cluster.ts'
import { asKafkaError } from './client-fault.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import { DeferredMember } from './group/deferred-member.ts'
import type { GroupMember, GroupMetadata, MemberOwner } from './group/group-member.ts'

/** A member by the protocol that `groupProtocol` names. It does not begin by itself. */
export function newMember(
  cluster: Cluster,
  options: ParsedConsumerOptions & { readonly groupId: string },
  owner: MemberOwner,
): GroupMember {
  const { groupId, clientRack, maxPollIntervalMs, retryBackoffMs, retryBackoffMaxMs } = options
  const groupInstanceId = options.groupInstanceId ?? null
  const common = {
    groupId,
    groupInstanceId,
    // Empty, the option's default, is no rack: assignors must not take all such members for neighbours.
    clientRack: clientRack || null,
    maxPollIntervalMs,
    retryBackoffMs,
    retryBackoffMaxMs,
  }
  const load = async (): Promise<GroupMember> => {
    if (options.groupProtocol === 'consumer') {
      const { ConsumerMember } = await import('./group/consumer-member.ts')
      const groupRemoteAssignor = options.groupRemoteAssignor ?? null
      return new ConsumerMember(cluster, { ...common, groupRemoteAssignor }, owner)
    }
    const { newClassicMember } = await import('./group/new-classic-member.ts')
    const { sessionTimeoutMs, heartbeatIntervalMs, partitionAssignmentStrategy } = options
    const memberOptions = { ...common, sessionTimeoutMs, heartbeatIntervalMs }
    return newClassicMember(cluster, memberOptions, partitionAssignmentStrategy, owner)
  }
  const outside: GroupMetadata = { groupId, generationId: -1, memberId: '', groupInstanceId }
  return new DeferredMember(outside, load, (error) =>
    owner.onFatal(asKafkaError(error, 'loading the group protocol')),
  )
}

import type { Cluster } from '../../cluster/cluster.ts'
import type { AssignorName } from '../consumer-options.ts'
import type { PartitionAssignor } from './assignors/assignor.ts'
import { assignorByName } from './assignors/built-in.ts'
import { ClassicMember } from './classic-member.ts'
import type { ClassicMemberOptions } from './classic-member-options.ts'
import type { MemberOwner } from './group-member.ts'

/** A classic member, with the assignors that its strategies name: loaded with these when a group is joined. */
export function newClassicMember(
  cluster: Cluster,
  options: Omit<ClassicMemberOptions, 'assignors'>,
  strategies: readonly (AssignorName | PartitionAssignor)[],
  owner: MemberOwner,
): ClassicMember {
  const assignors = strategies.map((one) => (typeof one === 'string' ? assignorByName(one) : one))
  return new ClassicMember(cluster, { ...options, assignors }, owner)
}

import { ClassicMember, type MemberProtocol } from './classic-member.ts'
import type { ClassicMembers } from './classic-members.ts'

/**
 * What Kafka writes of a classic group to `__consumer_offsets`, so what the next coordinator finds: the last generation
 * that became stable, or empty. A rebalance that goes on is lost with the coordinator.
 */
export interface ClassicSnapshot {
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string | null
  readonly stateSinceMs: number
  readonly members: readonly SavedMember[]
}

interface SavedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Only the one that was chosen. */
  readonly protocols: readonly MemberProtocol[]
  readonly assignment: Uint8Array
}

export function saveMembers(members: ClassicMembers, protocol: string | null): SavedMember[] {
  return [...members].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: member.sessionTimeoutMs,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    protocols: protocol === null ? [] : [{ name: protocol, metadata: member.metadataOf(protocol) }],
    assignment: member.assignment,
  }))
}

export function restoreMembers(members: ClassicMembers, snapshot: ClassicSnapshot): void {
  members.clear()
  for (const saved of snapshot.members) {
    const member = new ClassicMember(saved, saved.memberId)
    member.assignment = saved.assignment
    members.add(member)
  }
  members.lead(snapshot.leaderId)
}

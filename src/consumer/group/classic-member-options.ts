import type { PartitionAssignor } from './assignors/assignor.ts'

export interface ClassicMemberOptions {
  readonly groupId: string
  /** Makes it a static member (KIP-345); null for a dynamic one. */
  readonly groupInstanceId: string | null
  /** Rack or zone of this client, for assignors that look at it (KIP-881); null for none. */
  readonly clientRack: string | null
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Also the time that the group waits for a member in a rebalance, and so the bound of the owner's partition events. */
  readonly maxPollIntervalMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  /** In order of preference, at least one. The group takes one that all of its members have. */
  readonly assignors: readonly PartitionAssignor[]
}

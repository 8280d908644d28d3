export interface ConsumerMemberOptions {
  readonly groupId: string
  /** Makes it a static member (KIP-345); null for a dynamic one. */
  readonly groupInstanceId: string | null
  /** Rack or zone of this client; null for none. */
  readonly clientRack: string | null
  /** Also the time that the coordinator waits for partitions to be given back, and so the bound of partition events. */
  readonly maxPollIntervalMs: number
  /** Also the least time between two heartbeats that nothing asks for, whatever the coordinator says. */
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  /** Name of the broker's assignor to ask for; null: the group's own. */
  readonly groupRemoteAssignor: string | null
}

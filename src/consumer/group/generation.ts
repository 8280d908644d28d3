import type { PartitionWatch } from './group-leader.ts'
import type { GroupMetadata } from './group-member.ts'
import type { HeartbeatLoop } from './heartbeat-loop.ts'
import { Stay } from './stay.ts'

/**
 * A member's stay in one generation of a classic group, from the answer to JoinGroup to the verdict that ends it. Its
 * heartbeats, its SyncGroup, the leader's watch over partitions and its commits report to it: a heartbeat of generation 4
 * that is answered by ILLEGAL_GENERATION once generation 5 is here changes nothing.
 */
export class Generation extends Stay {
  readonly metadata: GroupMetadata
  heartbeats: HeartbeatLoop | null = null
  /** It came as far as an assignment. */
  isAssigned = false
  /** The leader's. */
  watch: PartitionWatch | null = null

  constructor(metadata: GroupMetadata) {
    super()
    this.metadata = metadata
  }

  /** Ends what works for it in the background. */
  dispose(): void {
    this.heartbeats?.stop()
    this.watch?.stop()
  }
}

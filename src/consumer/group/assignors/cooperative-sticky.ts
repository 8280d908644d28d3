import type { MemberSubscription, PartitionAssignor } from './assignor.ts'
import { assignSticky, type Claim } from './sticky-balance.ts'
import { withoutTransfers } from './transfers.ts'

/** In the subscription since its version 2; older members send it as userData alone (KIP-792). */
function claimOf({ ownedPartitions, generationId, userData }: MemberSubscription): Claim {
  if (generationId >= 0 || userData === null || userData.length !== 4) {
    return { partitions: ownedPartitions, generationId }
  }
  const view = new DataView(userData.buffer, userData.byteOffset, userData.byteLength)
  return { partitions: ownedPartitions, generationId: view.getInt32(0) }
}

/**
 * As balanced as can be, and as much as possible stays where it was, while all go on with what they keep (Java's
 * CooperativeStickyAssignor, KIP-429). What has to move is given to nobody at first: whoever has it gives it up and joins
 * again, and that rebalance gives it to the next. It remembers its generation, so each consumer needs one of its own.
 */
export function cooperativeStickyAssignor(): PartitionAssignor {
  let since = -1
  return {
    name: 'cooperative-sticky',
    rebalanceProtocol: 'cooperative',

    subscriptionUserData() {
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setInt32(0, since)
      return bytes
    },

    assign(members, cluster) {
      return withoutTransfers(assignSticky(members, cluster, claimOf), members)
    },

    onAssignment(_partitions, generationId) {
      since = generationId
    },
  }
}

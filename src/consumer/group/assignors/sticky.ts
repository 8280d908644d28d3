import { ProtocolError } from '../../../protocol/errors.ts'
import { message } from '../../../protocol/message.ts'
import { array, int32, string } from '../../../protocol/schema.ts'
import type { PartitionAssignor, TopicPartition } from './assignor.ts'
import { assignSticky, type Claim } from './sticky-balance.ts'

/** What a member of Java's StickyAssignor sends along: what it had, and since when. Nothing in it tells its version. */
const stickyUserData = message('StickyAssignorUserData', {
  versions: '0-1',
  flexible: 'none',
  fields: {
    previousAssignment: array({ topic: string(), partitions: array(int32()) }),
    generation: int32('1+', { default: -1 }),
  },
})

const nothing: Claim = { partitions: [], generationId: -1 }

/** Bytes that are neither version are no claim: that member begins afresh, and the others go on. */
function readClaim(userData: Uint8Array | null): Claim {
  if (userData === null || userData.length === 0) return nothing
  for (const version of [1, 0]) {
    try {
      const { previousAssignment, generation } = stickyUserData.decode(version, userData)
      const partitions = previousAssignment.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      )
      return { partitions, generationId: generation }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
  }
  return nothing
}

/**
 * As balanced as can be, and as much as possible stays where it was (Java's StickyAssignor). Members give up everything
 * before they rejoin, so each says in its userData what it had. It keeps that, so each consumer needs one of its own.
 */
export function stickyAssignor(): PartitionAssignor {
  let had: readonly TopicPartition[] | null = null
  let since = -1
  return {
    name: 'sticky',
    rebalanceProtocol: 'eager',

    subscriptionUserData() {
      if (had === null) return null
      const partitionsByTopic = new Map<string, number[]>()
      for (const { topic, partition } of had) {
        const partitions = partitionsByTopic.get(topic)
        if (partitions === undefined) partitionsByTopic.set(topic, [partition])
        else partitions.push(partition)
      }
      const previousAssignment = [...partitionsByTopic].map(([topic, partitions]) => ({ topic, partitions }))
      return stickyUserData.encode(1, { previousAssignment, generation: since })
    },

    assign(members, cluster) {
      return assignSticky(members, cluster, ({ userData }) => readClaim(userData))
    },

    onAssignment(partitions, generationId) {
      had = partitions
      since = generationId
    },
  }
}

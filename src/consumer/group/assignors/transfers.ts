import { partitionKey } from '../../../cluster/partition-leaders.ts'
import type { MemberSubscription, TopicPartition } from './assignor.ts'

/**
 * Leaves out what one member is to get that another says it owns (KIP-429): two would read it until the other has heard
 * that it does not own it any more.
 */
export function withoutTransfers(
  assigned: ReadonlyMap<string, readonly TopicPartition[]>,
  members: readonly MemberSubscription[],
): Map<string, TopicPartition[]> {
  const ownersByPartition = new Map<string, string[]>()
  for (const { memberId, ownedPartitions } of members) {
    for (const partition of ownedPartitions) {
      const key = partitionKey(partition)
      const owners = ownersByPartition.get(key)
      if (owners === undefined) ownersByPartition.set(key, [memberId])
      else owners.push(memberId)
    }
  }
  return new Map(
    [...assigned].map(([memberId, partitions]) => [
      memberId,
      partitions.filter((one) => {
        const owners = ownersByPartition.get(partitionKey(one))
        return owners === undefined || owners.includes(memberId)
      }),
    ]),
  )
}

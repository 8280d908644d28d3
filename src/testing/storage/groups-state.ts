import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { CommittedOffset } from '../groups/group-offsets.ts'

export interface SavedOffset extends CommittedOffset {
  readonly topic: string
  readonly partition: number
}

/** Members are not among it: they join again. */
export interface SavedGroup {
  readonly groupId: string
  readonly offsets: readonly SavedOffset[]
  /** They wait for the end of a transaction. */
  readonly pending: readonly (SavedOffset & { readonly producerId: string })[]
}

export function saveGroups({ groups }: KafkaCluster): SavedGroup[] {
  return (
    [...groups]
      // How far a share group has come is not kept.
      .filter(({ type, offsets }) => type !== 'share' && !offsets.isEmpty)
      .map(({ groupId, offsets }) => ({
        groupId,
        offsets: Array.from(offsets.entries(), ({ committed, ...of }) => ({ ...of, ...committed })),
        pending: Array.from(offsets.pendingEntries(), ({ committed, producerId, ...of }) => ({
          ...of,
          ...committed,
          producerId: String(producerId),
        })),
      }))
  )
}

export function restoreGroups({ groups }: KafkaCluster, saved: readonly SavedGroup[]): void {
  for (const { groupId, offsets, pending } of saved) {
    const group = groups.classic(groupId)
    for (const { topic, partition, ...committed } of offsets) group.offsets.set(topic, partition, committed)
    for (const { topic, partition, producerId, ...committed } of pending) {
      group.offsets.setPending(BigInt(producerId), topic, partition, committed)
    }
  }
}

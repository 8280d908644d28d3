import type { Group } from './group.ts'

/**
 * Forgets offsets that are older than the retention, or than that with which they were committed (Java's
 * `OffsetMetadataManager.cleanupExpiredOffsets`).
 *
 * @returns whether the group has none left, and none that wait for a transaction.
 */
export function expireOffsets(group: Group, nowMs: number, retentionMs: number): boolean {
  const { offsets } = group
  for (const { topic, partition, committed } of [...offsets.entries()]) {
    if (group.isSubscribedTo(topic) || offsets.isPending(topic, partition)) continue
    const startMs = group.retentionStartMs(committed)
    if (startMs === null) continue
    if (nowMs >= (committed.expiresAtMs ?? startMs + retentionMs)) offsets.delete(topic, partition)
  }
  return offsets.isEmpty
}

import type { TopicConfig } from '../configs/topic-config.ts'
import type { PartitionLog } from './partition-log.ts'

/**
 * Deletes from the log's start what is older than `retention.ms`, or beyond `retention.bytes`. Kafka goes by segments; here
 * it is batches, so that a test sees it without filling one.
 */
export function applyRetention(log: PartitionLog, config: TopicConfig, nowMs: number): void {
  const retentionMs = config.getNumber('retention.ms')
  const retentionBytes = config.getNumber('retention.bytes')
  let bytes = log.sizeInBytes
  let start = log.logStartOffset
  for (const { batch } of log.batches()) {
    if (batch.lastOffset >= log.highWatermark) break
    const isOld = retentionMs >= 0 && batch.maxTimestamp < nowMs - retentionMs
    const isTooMuch = retentionBytes >= 0 && bytes - batch.size >= retentionBytes
    if (!isOld && !isTooMuch) break
    bytes -= batch.size
    start = batch.lastOffset + 1
  }
  log.deleteBefore(start)
}

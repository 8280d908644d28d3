import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { PartitionLag } from './consumer-types.ts'

/** What is known of a partition; -1 stands for what is not. */
export interface LagSource extends TopicPartition {
  readonly position: number
  readonly endOffset: number
  readonly committedOffset: number
}

/** What the last answers tell of a partition. */
export function lagOf(one: LagSource): PartitionLag {
  const { topic, partition, position, endOffset, committedOffset } = one
  return {
    topic,
    partition,
    position: knownOf(position),
    endOffset: knownOf(endOffset),
    lag: between(position, endOffset),
    committedOffset: knownOf(committedOffset),
    committedLag: between(committedOffset, endOffset),
  }
}

function knownOf(offset: number): number | null {
  return offset < 0 ? null : offset
}

function between(from: number, to: number): number | null {
  return from < 0 || to < 0 ? null : Math.max(0, to - from)
}

import type { AssignedPartition } from './assigned-partition.ts'
import type { PartitionLag } from './consumer-types.ts'

/** What the last answers tell of a partition. */
export function lagOf(one: AssignedPartition): PartitionLag {
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

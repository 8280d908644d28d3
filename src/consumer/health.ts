import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { PartitionLag } from './consumer-types.ts'
import type { GroupMetadata } from './group/group-member.ts'
import { lagOf } from './partition-lag.ts'
import type { RecordReader } from './record-reader.ts'

/**
 * What a partition waits for. `broker`: for records, or for its leader to be known. `handler`: records are there, and the
 * application has not asked for them, or is at work with some. `paused`: for `resume`. `coordinator`: for the group: its
 * offset to begin from, the end of a rebalance, or a commit. `caughtUp`: for nothing; there is nothing more.
 */
export type WaitsFor = 'broker' | 'handler' | 'paused' | 'coordinator' | 'caughtUp'

/** How a partition does. Times are Dates; null: not yet. */
export interface PartitionHealth extends PartitionLag {
  readonly waitsFor: WaitsFor
  /** Last answer of a broker about it. */
  readonly lastFetch: Date | null
  /** When records of it were handed out last: those before are handled then. */
  readonly lastHandled: Date | null
  readonly lastCommit: Date | null
}

export interface ConsumerHealth {
  /** Null without a subscription. `isStable`: in a generation, with partitions of its own or none. */
  readonly group: { readonly groupId: string; readonly memberId: string; readonly isStable: boolean } | null
  readonly partitions: readonly PartitionHealth[]
}

/** Something that ought to go on, and has not for `stallWarningMs`. */
export interface ConsumerStall {
  /** Null: the consumer as a whole has not become a member of its group. */
  readonly partition: TopicPartition | null
  readonly waitsFor: Exclude<WaitsFor, 'caughtUp'>
  /** Milliseconds without progress. */
  readonly stalledForMs: number
  /** Records that wait; null while that is not known. */
  readonly lag: number | null
  /** The same in a sentence. */
  readonly message: string
}

export interface HealthParts {
  readonly reader: RecordReader
  partitions(): Iterable<AssignedPartition>
  /** Null without a subscription. */
  group(): GroupMetadata | null
  /** How old the last answer to a fetch may be for a partition to be known as read to its end, in milliseconds. */
  readonly freshMs: number
}

export function waitsForOf(partition: AssignedPartition, parts: HealthParts): WaitsFor {
  const { reader, group, freshMs } = parts
  const { position, endOffset, source } = partition
  if (!partition.isReady || partition.isRevoking) {
    return reader.hasInHand(partition) ? 'handler' : 'coordinator'
  }
  if (reader.hasInHand(partition) && !reader.isWaiting) return 'handler'
  if (partition.isPaused) return 'paused'
  if (partition.fetches.length > 0 || partition.taken > 0 || partition.hasFailed) return 'handler'
  if (position < 0) return source === 'committed' && group() !== null ? 'coordinator' : 'broker'
  const isFresh = performance.now() - partition.fetchedAt < freshMs
  return endOffset >= 0 && position >= endOffset && isFresh ? 'caughtUp' : 'broker'
}

export function healthOf(parts: HealthParts): ConsumerHealth {
  const group = parts.group()
  const partitions = [...parts.partitions()].map((one) => ({
    ...lagOf(one),
    waitsFor: waitsForOf(one, parts),
    lastFetch: dateOf(one.fetchedAt),
    lastHandled: dateOf(one.handedOutAt),
    lastCommit: dateOf(one.committedAt),
  }))
  if (group === null) return { group, partitions }
  const { groupId, memberId, generationId } = group
  return { group: { groupId, memberId, isStable: generationId >= 0 }, partitions }
}

function dateOf(monotonicMs: number): Date | null {
  return monotonicMs < 0 ? null : new Date(Date.now() - (performance.now() - monotonicMs))
}

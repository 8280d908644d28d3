import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { GroupMembershipOperation } from './group/group-member.ts'

/** A partition to read, and from where. */
export interface PartitionToRead extends TopicPartition {
  /** Default: the group's committed offset, else by `autoOffsetReset`. */
  readonly offset?: number | undefined
  /** Leader epoch of the record before `offset`. Default: not known. */
  readonly leaderEpoch?: number | undefined
}

/** The next record to deliver, as committed offsets and `offsetsForTimes` tell it. */
export interface OffsetToSeek extends TopicPartition {
  readonly offset: number
  /**
   * Leader epoch of the record before it; -1, the default: not known. Where it is, a log that was truncated meanwhile is
   * found out (KIP-320).
   */
  readonly leaderEpoch?: number | undefined
}

export interface PollOptions {
  /** Longest wait for a first record, in milliseconds. Default 0: what is there already. */
  timeoutMs?: number | undefined
  /** Default `maxPollRecords`. */
  maxRecords?: number | undefined
  /** Ends the wait early; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface StopOptions {
  /** Longest wait for handlers at work and for the last commit, in milliseconds. Default 30000. */
  timeoutMs?: number | undefined
}

export interface CloseOptions {
  /** Longest time for the last commit, the hooks and leaving the group, in milliseconds. Default 30000. */
  timeoutMs?: number | undefined
  /**
   * Whether the member leaves its group (KIP-1092). One that remains keeps its partitions from the others until its session
   * is over. Default `default`: dynamic members leave, static ones (`groupInstanceId`) remain.
   */
  groupMembershipOperation?: GroupMembershipOperation | undefined
}

/** What a group has committed for a partition; `offset` is null when nothing. */
export interface CommittedPartition extends TopicPartition {
  /** Offset of the next record to read. */
  readonly offset: number | null
  /** -1 when it was committed without one. */
  readonly leaderEpoch: number
  /** What the committer wrote beside it; empty when nothing. */
  readonly metadata: string
}

/** How far behind a partition is, as the last answers tell; null while that is not known. */
export interface PartitionLag extends TopicPartition {
  /** Offset of the next record to deliver. */
  readonly position: number | null
  /** End of what can be read with the isolation level chosen. */
  readonly endOffset: number | null
  /** How far reading is behind. Records, counted as offsets: those that compaction took are in it. */
  readonly lag: number | null
  /** What this consumer has committed last, or found committed; null without. */
  readonly committedOffset: number | null
  /** How far the group's commits are behind: what would be read again if this consumer ended now is in it. */
  readonly committedLag: number | null
}

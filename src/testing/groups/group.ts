import type { ErrorName } from '../error-codes.ts'
import type { CommittedOffset, GroupOffsets } from './group-offsets.ts'

/** As `ListGroups` says it (KIP-848, KIP-932). */
export type GroupType = 'classic' | 'consumer' | 'share'

/** What all kinds of groups have in common. The kinds: `classic-group.ts`, `consumer-group.ts`, `share-group.ts`. */
export interface Group {
  readonly groupId: string
  readonly type: GroupType
  /** `consumer`, `share`, or what the members of a classic group call it; empty when it has only offsets. */
  readonly protocolType: string
  /** As Kafka shows it: `Stable`, `PreparingRebalance`, `Empty`, ... */
  readonly state: string
  readonly hasMembers: boolean
  readonly offsets: GroupOffsets
  /** Whether a member reads that topic: its offsets may then not be deleted. */
  isSubscribedTo(topic: string): boolean
  /**
   * Why that member may not commit; null when it may (Java's `Group.validateOffsetCommit`). To a classic group a commit is
   * a sign of life. Callers: `groupForCommit`.
   *
   * @param generationIdOrEpoch -1: from outside of the group, which is allowed while nobody is in it.
   * @param apiVersion of OffsetCommit.
   */
  checkCommit(
    memberId: string,
    generationIdOrEpoch: number,
    groupInstanceId: string | null,
    apiVersion: number,
  ): ErrorName | null
  /**
   * The same for a commit within a transaction (KIP-447): one that names no member, no generation and no instance is
   * allowed. Callers: `groupForTxnCommit`.
   */
  checkTxnCommit(
    memberId: string,
    generationIdOrEpoch: number,
    groupInstanceId: string | null,
  ): ErrorName | null
  /**
   * After `checkCommit` or `checkTxnCommit` has allowed an epoch that is no longer the member's: why it does not do for that
   * partition; null when it does, because the member has held it since (KIP-1251).
   */
  checkCommitPartition?(
    memberId: string,
    memberEpoch: number,
    topic: string,
    partition: number,
  ): ErrorName | null
  /**
   * Why that member may not read offsets; null when it may (OffsetFetch since version 9).
   *
   * @param memberId null, with epoch -1: none is named.
   */
  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName | null
  /**
   * From when on the retention of an offset counts, in milliseconds since 1970; null: not at all at the moment. Offsets of
   * topics that the group is subscribed to are kept anyway.
   */
  retentionStartMs(committed: CommittedOffset): number | null
  /** Another broker coordinates it from now on (-1: none for the moment): who waits has to be told. */
  coordinatorMoved?(brokerId: number): void
  /** Stops its timers and answers who waits: the group is deleted, or the cluster closed. */
  dispose(): void
}

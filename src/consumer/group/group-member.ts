import type { Deadline } from '../../deadline.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { TopicPartition } from './assignors/assignor.ts'
import type { MemberState } from './member-state.ts'

/**
 * Who we are in the group at this moment: goes with every commit. Outside of a generation there is nothing to commit for,
 * and it must not be tried: a group without members takes a commit of generation -1 from anybody.
 */
export interface GroupMetadata {
  readonly groupId: string
  /** With `groupProtocol: 'consumer'` the member epoch. -1 outside of a generation. */
  readonly generationId: number
  /** Empty outside of the group. */
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/**
 * What becomes of the membership when a consumer is closed (KIP-1092): `leaveGroup` and `remainInGroup` for all members;
 * by `default` dynamic members leave, and static ones remain until `sessionTimeoutMs` is over.
 */
export type GroupMembershipOperation = 'default' | 'leaveGroup' | 'remainInGroup'

/** Where a member is, for what is measured; `reconciling` in KIP-848: it gives partitions up, or takes them on. */
export type ReportedState = MemberState | 'reconciling'

/**
 * What a group protocol asks of the consumer that it works for. The three partition events come one at a time, each
 * after the one before has settled; the member goes on when the promise does, or when `deadline` is over. The deadline's
 * signal is aborted when the membership ends meanwhile: nothing can be committed any more, and `onLost` follows for what
 * is still held. A rejection counts as an event that failed: revoked partitions are then lost. Errors are the owner's to
 * report.
 */
export interface MemberOwner {
  /** Topics to join with, as they are now. */
  topics(): readonly string[]
  /** Pattern that the broker is to hold against its topics, in the syntax of RE2; null: none. Not of the classic protocol. */
  topicPattern(): string | null
  /** Partitions that the consumer holds now. */
  ownedPartitions(): readonly TopicPartition[]
  /**
   * These go to somebody else: finish the work in hand, commit, let go. Still ours in the present generation until the
   * promise settles.
   */
  onRevoked(partitions: readonly TopicPartition[], deadline: Deadline): Promise<void>
  /** The whole assignment of a new generation. `added`: what was not ours before. */
  onAssigned(
    assignment: readonly TopicPartition[],
    added: readonly TopicPartition[],
    deadline: Deadline,
  ): Promise<void>
  /** These are no longer ours, and others may already read them: no commit any more. */
  onLost(partitions: readonly TopicPartition[], deadline: Deadline): Promise<void>
  /** Monotonic milliseconds (`performance.now()`) at which the application last asked for records; now, while it waits. */
  lastPollAt(): number
  /** The application was longer than `maxPollIntervalMs` with its records. The member has left; `rejoin` brings it back. */
  onLate(error: KafkaError): void
  /** The member has come to this state. */
  onState(state: ReportedState): void
  /** Something stands in the way, and may pass without a word of ours; the member tries on. */
  onTrouble(error: KafkaError): void
  /** Nothing more can come of this member: fenced, not authorized, no protocol in common. */
  onFatal(error: KafkaError): void
}

/** Membership in a group, whatever the protocol. All work is done in the background; nothing here throws later. */
export interface GroupMember {
  readonly metadata: GroupMetadata
  /** Joins, and stays in by heartbeats. */
  start(): void
  /**
   * Something that the group must share has changed (topics, their partitions), or the member is out of it after
   * `onLate`: joins again. Does nothing while a join is under way that will see the change.
   */
  rejoin(reason: string): void
  /** `rejoin` at the application's wish: does nothing while a rebalance is under way (Java's enforceRebalance). */
  enforceRebalance(reason: string): void
  /**
   * Cooperative members keep partitions from one generation to the next, so a commit that was refused for the first may
   * be sent again in the second. Resolves when that is here, or the member is out of the group.
   *
   * @param sentWith the `metadata` that the commit went out with.
   * @returns null when there is no such rebalance: the refusal is final.
   */
  afterRebalance(sentWith: GroupMetadata): Promise<void> | null
  /**
   * A commit was refused with this error code: the member is out of the generation and has to act on it.
   *
   * @param sentWith the `metadata` that the commit went out with. A refusal that is about an older generation than the
   *   present one is no news.
   */
  onCommitRefused(errorCode: number, sentWith: GroupMetadata): void
  /**
   * Stops heartbeats and leaves the group, or remains in it, as `operation` says (`default`). Tells the owner nothing: what it
   * holds it commits before. Never rejects, and never takes longer than `deadline`.
   *
   * @param reason for the broker's log (KIP-800).
   */
  leave(deadline: Deadline, reason?: string, operation?: GroupMembershipOperation): Promise<void>
}

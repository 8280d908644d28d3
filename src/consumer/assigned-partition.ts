import { Backoff } from '../backoff.ts'
import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { type CommitMode, newsToCommit, type StoredOffset } from './commit-mode.ts'
import type { PartitionFetch } from './partition-fetch.ts'

/** How a position is to be found that is not known yet. */
export type PositionSource = 'committed' | 'default' | 'earliest' | 'latest'

/** How many fetches of one partition may lie about unread: one being read and the next. */
const maxFetches = 2

/**
 * A partition while it is ours: how far it was fetched, delivered, done and committed. Another object takes its place
 * when it comes back after a revocation.
 */
export class AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** Offset of the next record to deliver; -1 while it is not known. */
  position = -1
  /** Leader epoch of the record delivered last; -1 when not known. */
  positionEpoch = -1
  /** Offset of the next record to fetch, past all that lies fetched and unread. */
  fetchOffset = -1
  /** Leader epoch of the batch before it; -1 when not known. */
  fetchEpoch = -1
  /** Epoch of the leader whose log is known to have what lies before `fetchOffset`; -1: none is (KIP-320). */
  leaderEpoch = -1
  /**
   * Counts the jumps of the position. A fetch is sent for offset 10; the application seeks to 50; the answer comes with
   * 10 to 20. Taken for what it says it would be delivered and move the position back to 21. So whatever was begun
   * under an older version is dropped.
   */
  version = 0
  /**
   * Id of the topic that the position is of, as an answer to a fetch has told; null before one has, and with brokers that
   * know no ids. A topic of the same name with another id has other records under these offsets.
   */
  topicId: string | null = null
  source: PositionSource
  /** Everything below is done; what an automatic commit commits. -1 while the position is not known. */
  done = -1
  doneEpoch = -1
  /** `done` as it was when this partition was committed last, or found committed; -1: never. */
  committedDone = -1
  /** What the application has given to the next automatic commit; null: nothing yet. */
  stored: StoredOffset | null = null
  /** `stored` as it was when this partition was committed last. */
  committedStored: StoredOffset | null = null
  /** With `atMostOnce`: up to here it is committed, or may be, handed out or not; -1: not known to be. */
  promised = -1
  /** The lowest position that it had since it is ours: no record below was handed out by this assignment. */
  lowest = Number.POSITIVE_INFINITY
  readonly commitMode: CommitMode
  /** Records that `run()` has taken and not finished: `done` is its business as long as there are any. */
  taken = 0
  /** What of that has to come to its end before the partition is handed over. */
  held = 0
  /** Counts the moves of the position from outside: what was taken before is not to count as done after one. */
  jumps = 0
  /** The group's offset as last committed or found by this consumer; -1: never. */
  committedOffset = -1
  /** Monotonic milliseconds of the last commit, of the last answer to a fetch, of the last time records were handed out. */
  committedAt = -1
  fetchedAt = -1
  handedOutAt = -1
  isPaused = false
  /** Being handed over: nothing more is delivered. */
  isRevoking = false
  /** The hook for assigned partitions is over. */
  isReady: boolean
  /** False for good once it was revoked, lost or unassigned. */
  isAssigned = true
  /** An error waits for the reader, or was just thrown to it. */
  hasFailed = false
  /** Somebody is looking for its position. */
  isFinding = false
  isFetching = false
  /** Somebody asks whether its position is still of the log. */
  isValidating = false
  /** Fetched and not read to the end, in order. */
  fetches: PartitionFetch[] = []
  /** No fetch before this point, monotonic milliseconds. */
  retryAt = 0
  readonly backoff: Backoff
  /** -1 while nothing was fetched. */
  highWatermark = -1
  /** What may be read with the isolation level chosen: the end that a reader can reach. -1 while nothing was fetched. */
  endOffset = -1
  /** Offset of the first record that is still there; -1 when not told. */
  logStartOffset = -1
  /** Node id of the replica that the leader told to read from (KIP-392); -1: the leader. */
  preferredReplica = -1
  preferredUntil = 0
  /** How often such a replica has refused since records came last. */
  followerRefusals = 0
  /** Until then the leader is to give the records itself, monotonic milliseconds. */
  leaderAloneUntil = 0
  /** How often it was asked who leads, as the position is of a later leader than the one that is known. */
  leaderLookups = 0

  constructor(
    { topic, partition }: TopicPartition,
    source: PositionSource,
    isReady: boolean,
    { retryBackoffMs, retryBackoffMaxMs }: { retryBackoffMs: number; retryBackoffMaxMs: number },
    commitMode: CommitMode = 'done',
  ) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey(this)
    this.source = source
    this.isReady = isReady
    this.commitMode = commitMode
    this.backoff = new Backoff(retryBackoffMs, retryBackoffMaxMs)
  }

  /** Whether records of it may be handed out. */
  get isReadable(): boolean {
    return !this.isPaused && !this.isRevoking && this.isAssigned && this.isReady
  }

  /** Whether it wants to be fetched, or to have its position found for that. */
  get isActive(): boolean {
    return this.isReadable && !this.hasFailed
  }

  get isFull(): boolean {
    return this.fetches.length >= maxFetches
  }

  get hasNewsToCommit(): boolean {
    return newsToCommit(this) !== null
  }

  /** What was delivered is done. */
  settle(): void {
    this.done = this.position
    this.doneEpoch = this.positionEpoch
  }

  /** Moves the position within the topic that it is of. */
  seek(offset: number, leaderEpoch = -1): void {
    this.#jump()
    this.leaderLookups = 0
    this.position = offset
    this.positionEpoch = leaderEpoch
    this.fetchOffset = offset
    this.fetchEpoch = leaderEpoch
    this.lowest = Math.min(this.lowest, offset)
    this.settle()
  }

  /** The same for a position from elsewhere: before it is fetched, the leader is asked whether it has it, and the epoch. */
  seekUnchecked(offset: number, leaderEpoch: number): void {
    this.seek(offset, leaderEpoch)
    this.leaderEpoch = -1
    this.topicId = null
  }

  /** Forgets the position, to be found anew. */
  reset(source: PositionSource): void {
    this.#jump()
    this.topicId = null
    this.source = source
    this.position = -1
    this.positionEpoch = -1
    this.fetchOffset = -1
    this.fetchEpoch = -1
    this.done = -1
  }

  /** The position that was looked for. */
  found(offset: number, leaderEpoch: number, isCommitted: boolean): void {
    if (!isCommitted) return this.seek(offset, leaderEpoch)
    this.seekUnchecked(offset, leaderEpoch)
    this.committedDone = offset
    this.committedOffset = offset
  }

  /** Goes back to what is done: the rest was taken, and will not be finished. */
  rewind(): void {
    if (this.done >= 0 && this.isAssigned) this.seek(this.done, this.doneEpoch)
  }

  /** Goes back from what lies fetched and unread to the position. */
  dropFetches(): void {
    this.version++
    for (const fetch of this.fetches) fetch.release()
    this.fetches = []
    this.fetchOffset = this.position
    this.fetchEpoch = this.positionEpoch
  }

  /** No longer ours. */
  unassign(): void {
    this.isAssigned = false
    this.dropFetches()
  }

  /** Waits before it is fetched again. */
  holdOff(): void {
    this.retryAt = performance.now() + this.backoff.next()
  }

  #jump(): void {
    this.jumps++
    this.taken = 0
    this.promised = -1
    this.dropFetches()
    this.hasFailed = false
    this.retryAt = 0
    this.backoff.reset()
  }
}

import { addAbortListener, removeAbortListener } from '../abort-listeners.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { OffsetToCommit } from './offset-committer.ts'
import type { PartitionFetch } from './partition-fetch.ts'

/** Commits what is about to be handed out (`atMostOnce`). */
export interface CommitBeforehand {
  /** Rejects as `Consumer.commit`. */
  commit(offsets: readonly OffsetToCommit[], signal: AbortSignal): Promise<void>
  /** A commit was refused because of a rebalance: those records go to somebody else, or come again. */
  onTrouble(error: KafkaError): void
  /** Positions have moved. */
  onChange(): void
}

interface Taken {
  readonly jumps: number
  readonly from: number
  readonly fromEpoch: number
  end: number
  leaderEpoch: number
}

/** What is handed out next of a partition. */
interface ToPromise {
  readonly end: number
  /** Of its last record. */
  readonly leaderEpoch: number
  /** The chunk of which the rest, up to `end`, is handed out without another commit; null: nothing is. */
  readonly chunk: PartitionFetch | null
}

/**
 * What was taken for the application, and is to be committed before it gets it. It is taken first, and given back when
 * the commit fails: so it is in hand meanwhile, and its partitions are not handed over before it is clear what becomes
 * of it.
 */
export class Promised {
  readonly #committer: CommitBeforehand
  readonly #onGivenBack: () => void
  #taken = new Map<AssignedPartition, Taken>()
  #isStopped = false
  /** Of the commit under way. */
  #abort: AbortController | null = null
  /** The chunk that is committed to its end, and what that end was. */
  #chunk: PartitionFetch | null = null
  #chunkEnd = -1

  /** @param onGivenBack nothing of what was taken is in hand any more. */
  constructor(committer: CommitBeforehand, onGivenBack: () => void) {
    this.#committer = committer
    this.#onGivenBack = onGivenBack
  }

  /** Whether the chunk is committed to its end already. */
  has(fetch: PartitionFetch): boolean {
    return this.#chunk === fetch && this.#chunkEnd === fetch.chunkEnd && fetch.index > 0
  }

  /** Before the position moves. */
  add(partition: AssignedPartition, { end, leaderEpoch, chunk }: ToPromise): void {
    this.#chunk = chunk
    this.#chunkEnd = end
    const before = this.#taken.get(partition)
    if (before !== undefined) {
      Object.assign(before, { end, leaderEpoch })
      return
    }
    const { jumps, position: from, positionEpoch: fromEpoch } = partition
    this.#taken.set(partition, { jumps, from, fromEpoch, end, leaderEpoch })
  }

  /** Ends a commit under way: its records are not handed out. */
  stop(): void {
    this.#isStopped = true
    this.#abort?.abort()
  }

  /**
   * Commits what was added. False: it is given back, to be taken again; nothing of it may be handed out.
   *
   * @param isWanted whether there is still somebody to hand it out to.
   * @throws what the commit failed with, unless the next rebalance mends that; the signal's reason.
   */
  async keep(signal: AbortSignal | undefined, isWanted: () => boolean): Promise<boolean> {
    const taken = this.#taken
    this.#taken = new Map()
    if (taken.size === 0) return true
    const abort = new AbortController()
    const onAbort = () => abort.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    addAbortListener(signal, onAbort)
    this.#abort = abort
    try {
      await this.#committer.commit(offsetsOf(taken), abort.signal)
      if (isWanted() && [...taken].every(isCurrent)) {
        for (const [partition, { end }] of taken) partition.promised = Math.max(partition.promised, end)
        return true
      }
      this.#giveBack(taken)
      return false
    } catch (error) {
      this.#giveBack(taken)
      if (this.#isStopped) return false
      if (signal?.aborted) throw error
      const failure = asKafkaError(error, 'the commit before records are handed out')
      const isOurs = [...taken.keys()].every(({ isAssigned }) => isAssigned)
      if (isOurs && !ofRebalance.has(failure.code)) throw failure
      this.#committer.onTrouble(failure)
      // Until the rebalance has begun the same commit would be refused again and again.
      for (const partition of taken.keys()) partition.holdOff()
      return false
    } finally {
      removeAbortListener(signal, onAbort)
      this.#abort = null
    }
  }

  /** Back to where each began; what was committed, or may have been, is known for whoever hands the partition over. */
  #giveBack(taken: ReadonlyMap<AssignedPartition, Taken>): void {
    this.#chunk = null
    for (const one of taken) {
      if (!isCurrent(one)) continue
      const [partition, { from, fromEpoch, end }] = one
      partition.seek(from, fromEpoch)
      partition.promised = end
    }
    this.#onGivenBack()
    this.#committer.onChange()
  }
}

/** The partition is about to go, or the membership is being renewed. */
const ofRebalance: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'STALE_MEMBER_EPOCH',
])

function isCurrent([partition, { jumps }]: readonly [AssignedPartition, Taken]): boolean {
  return partition.isAssigned && partition.jumps === jumps
}

function offsetsOf(taken: ReadonlyMap<AssignedPartition, Taken>): OffsetToCommit[] {
  return [...taken].map(([{ topic, partition }, { end, leaderEpoch }]) => ({
    topic,
    partition,
    offset: end,
    leaderEpoch,
  }))
}

import type { AssignedPartition } from './assigned-partition.ts'
import { type ConsumerStall, type HealthParts, type WaitsFor, waitsForOf } from './health.ts'

export interface WatchdogSettings {
  readonly stallWarningMs: number
  /** Between two looks, in milliseconds. */
  readonly intervalMs: number
  /** Null: nothing is committed automatically. */
  readonly autoCommitIntervalMs: number | null
}

/** What a partition was like when it last made progress, as far as anybody has looked. */
interface Seen {
  position: number
  done: number
  progressAt: number
  /** Since when what is done waits for its commit; -1: it does not. */
  uncommittedSince: number
  committedDone: number
  isReported: boolean
  isCommitReported: boolean
}

/**
 * Looks now and then whether each partition with something to do has come any further, and tells of those that have not
 * for `stallWarningMs`: once, until they go on.
 */
export class Watchdog {
  readonly #parts: HealthParts
  readonly #settings: WatchdogSettings
  readonly #onStall: (stall: ConsumerStall) => void
  #seen = new Map<AssignedPartition, Seen>()
  #lastLookAt = -1
  #outsideSince = -1
  #isOutsideReported = false

  constructor(parts: HealthParts, settings: WatchdogSettings, onStall: (stall: ConsumerStall) => void) {
    this.#parts = parts
    this.#settings = settings
    this.#onStall = onStall
  }

  /** @param now monotonic milliseconds. */
  look(now: number): void {
    // The process itself stood still: that says nothing about anybody else.
    if (this.#lastLookAt >= 0 && now - this.#lastLookAt > 3 * this.#settings.intervalMs + 1000) {
      this.#seen.clear()
      this.#outsideSince = -1
    }
    this.#lastLookAt = now
    this.#lookAtGroup(now)
    const seen = new Map<AssignedPartition, Seen>()
    for (const partition of this.#parts.partitions()) {
      const one = this.#seen.get(partition) ?? {
        position: partition.position,
        done: partition.done,
        progressAt: now,
        uncommittedSince: -1,
        committedDone: partition.committedDone,
        isReported: false,
        isCommitReported: false,
      }
      seen.set(partition, one)
      this.#lookAtProgress(partition, one, now)
      this.#lookAtCommits(partition, one, now)
    }
    this.#seen = seen
  }

  #lookAtGroup(now: number): void {
    const group = this.#parts.group()
    if (group === null || group.generationId >= 0) {
      this.#outsideSince = -1
      this.#isOutsideReported = false
      return
    }
    if (this.#outsideSince < 0) this.#outsideSince = now
    const stalledForMs = now - this.#outsideSince
    if (stalledForMs < this.#settings.stallWarningMs || this.#isOutsideReported) return
    this.#isOutsideReported = true
    const message =
      `this consumer has been in no generation of group ${group.groupId} for ${seconds(stalledForMs)}: ` +
      'it waits for the coordinator, or for other members to join'
    this.#onStall({ partition: null, waitsFor: 'coordinator', stalledForMs, lag: null, message })
  }

  #lookAtProgress(partition: AssignedPartition, seen: Seen, now: number): void {
    const { position, done } = partition
    const waitsFor = waitsForOf(partition, this.#parts)
    const hasMoved = position !== seen.position || done !== seen.done
    // One that has read all there is may wait as long as it likes, if only its broker answers.
    if (hasMoved || waitsFor === 'caughtUp' || (waitsFor === 'paused' && lagOf(partition) === 0)) {
      Object.assign(seen, { position, done, progressAt: now, isReported: false })
      return
    }
    const stalledForMs = now - seen.progressAt
    if (stalledForMs < this.#settings.stallWarningMs || seen.isReported) return
    seen.isReported = true
    this.#tell(partition, waitsFor, stalledForMs, reasons[waitsFor])
  }

  #lookAtCommits(partition: AssignedPartition, seen: Seen, now: number): void {
    const { autoCommitIntervalMs, stallWarningMs } = this.#settings
    const { committedDone } = partition
    if (autoCommitIntervalMs === null || !partition.hasNewsToCommit || committedDone !== seen.committedDone) {
      Object.assign(seen, { committedDone, uncommittedSince: -1, isCommitReported: false })
      return
    }
    if (seen.uncommittedSince < 0) seen.uncommittedSince = now
    const stalledForMs = now - seen.uncommittedSince
    // Two of them, as the first may come right before there is anything to commit.
    const patienceMs = Math.max(stallWarningMs, 2 * autoCommitIntervalMs)
    if (stalledForMs < patienceMs || seen.isCommitReported) return
    seen.isCommitReported = true
    this.#tell(partition, 'coordinator', stalledForMs, 'what is done of it could not be committed')
  }

  #tell(
    partition: AssignedPartition,
    waitsFor: Exclude<WaitsFor, 'caughtUp'>,
    stalledForMs: number,
    why: string,
  ): void {
    const { topic, partition: index, key, position } = partition
    const lag = lagOf(partition)
    const at = position < 0 ? 'without a position' : `at position ${position}`
    const behind = lag === null ? 'with a lag that is not known' : `with a lag of ${lag}`
    const message = `${key}, ${at} ${behind}, has made no progress for ${seconds(stalledForMs)}: ${why}`
    this.#onStall({ partition: { topic, partition: index }, waitsFor, stalledForMs, lag, message })
  }
}

const reasons: Readonly<Record<Exclude<WaitsFor, 'caughtUp'>, string>> = {
  broker: 'it waits for its broker',
  handler: 'it waits for the application, which is at work or does not ask for records',
  paused: 'it is paused',
  coordinator: 'it waits for the coordinator of the group',
}

/** From what is done on: what is in hand waits as well. */
function lagOf({ done, endOffset }: AssignedPartition): number | null {
  return done < 0 || endOffset < 0 ? null : Math.max(0, endOffset - done)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

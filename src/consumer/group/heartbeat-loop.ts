import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import { GroupError, messageOf } from '../../errors.ts'
import { heartbeat } from '../../protocol/apis/heartbeat.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { GroupMetadata } from './group-member.ts'
import { retriableOnly } from './group-requests.ts'
import { lateError, type Verdict, verdictOf } from './verdict.ts'

export interface HeartbeatOptions {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
}

/**
 * Keeps one member alive in one generation, and watches over what may end that: the coordinator's answers, the
 * session, and the application's pace.
 *
 * A verdict of `rejoin` is told and beating goes on, for the member has yet to hand over its partitions. Any other one
 * is the last.
 */
export class HeartbeatLoop {
  readonly #cluster: Cluster
  readonly #member: GroupMetadata
  readonly #options: HeartbeatOptions
  readonly #lastPollAt: () => number
  readonly #onVerdict: (verdict: Verdict) => void
  readonly #onBeat: () => void
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #isBeating = false
  /** When the last heartbeat that was answered well went out. The coordinator counts from a moment after that. */
  #aliveAt = performance.now()

  constructor(
    cluster: Cluster,
    member: GroupMetadata,
    options: HeartbeatOptions,
    on: { lastPollAt(): number; verdict(verdict: Verdict): void; beat(): void },
  ) {
    this.#cluster = cluster
    this.#member = member
    this.#options = options
    this.#lastPollAt = on.lastPollAt
    this.#onVerdict = on.verdict
    this.#onBeat = on.beat
    this.#schedule()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#stopped.abort()
  }

  get #sessionEndsAt(): number {
    return this.#aliveAt + this.#options.sessionTimeoutMs
  }

  #schedule(): void {
    const { heartbeatIntervalMs, maxPollIntervalMs } = this.#options
    const untilLate = this.#lastPollAt() + maxPollIntervalMs - performance.now()
    const untilOver = this.#sessionEndsAt - performance.now()
    // The coordinator lets a member go at the end of its session, not at the next tick after it.
    const wait = Math.max(1, Math.ceil(Math.min(heartbeatIntervalMs, untilLate, untilOver)))
    this.#timer = setTimeout(() => this.#tick(), wait)
  }

  #tick(): void {
    if (!this.checkClocks()) return
    // One that is still on its way is not overtaken: it is being retried, or the coordinator is slow.
    if (!this.#isBeating) void this.#beat()
    this.#schedule()
  }

  /**
   * Whether application and session are in time; a verdict is told when they are not.
   *
   * Each tick looks at the clocks before it asks the coordinator. After a freeze (a stopped process, a suspended
   * function) that timer is among the first things to run: the partitions are then given up before any answer, and so
   * before the application can commit for them.
   */
  checkClocks(): boolean {
    if (this.#stopped.signal.aborted) return false
    const now = performance.now()
    const { sessionTimeoutMs, maxPollIntervalMs } = this.#options
    const sincePoll = now - this.#lastPollAt()
    // Rounded, for timers can be early by a part of a millisecond.
    if (Math.ceil(sincePoll) >= maxPollIntervalMs) {
      const error = lateError(this.#member.groupId, sincePoll, maxPollIntervalMs)
      this.#found({ kind: 'late', error })
      return false
    }
    if (now >= this.#sessionEndsAt) {
      const reason = `no heartbeat was answered for ${sessionTimeoutMs} ms, the session timeout`
      this.#found({ kind: 'lost', reason, forgetMemberId: false })
      return false
    }
    return true
  }

  /** One heartbeat, tried again until the session is over. Never rejects. */
  async #beat(): Promise<void> {
    this.#isBeating = true
    const { groupId, generationId, memberId, groupInstanceId } = this.#member
    const { requestTimeoutMs } = this.#cluster.options
    let sentAt = 0
    try {
      const deadline = new Deadline(this.#sessionEndsAt - performance.now(), this.#stopped.signal)
      const response = await this.#cluster.request(
        heartbeat,
        () => {
          sentAt = performance.now()
          return { groupId, generationId, memberId, groupInstanceId }
        },
        {
          to: { group: groupId },
          deadline,
          groupId,
          // A connection that swallows everything is found out while there is still time for another one.
          timeoutMs: Math.min(requestTimeoutMs, Math.ceil(this.#options.sessionTimeoutMs / 2)),
          errorOf: (answer) => retriableOnly(answer.errorCode),
        },
      )
      // Stopped while the answer was on its way: it is about a generation that is over.
      if (this.#stopped.signal.aborted) return
      const verdict = verdictOf(response.errorCode, { ...this.#member, api: heartbeat.name })
      if (verdict === null || verdict.kind === 'rejoin') {
        this.#aliveAt = sentAt
        this.#onBeat()
      }
      if (verdict !== null) this.#found(verdict)
    } catch (error) {
      if (this.#stopped.signal.aborted) return
      // What can be tried again was, until the end of the session: the next tick, due now, finds that.
      if (error instanceof KafkaError && error.retriable) return
      this.#found({ kind: 'fatal', error: kafkaErrorOf(error, groupId) })
    } finally {
      this.#isBeating = false
    }
  }

  #found(verdict: Verdict): void {
    if (verdict.kind !== 'rejoin') this.stop()
    this.#onVerdict(verdict)
  }
}

/** Errors of ours stay as they are; anything else is a bug in this client or in what it was given. */
export function kafkaErrorOf(error: unknown, groupId: string): KafkaError {
  if (error instanceof KafkaError) return error
  return new GroupError('UNEXPECTED_ERROR', `group ${groupId}: ${messageOf(error)}`, {
    groupId,
    fatal: true,
    cause: error,
  })
}

import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline, sleep } from '../../deadline.ts'
import { UnsupportedVersionError } from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../../protocol/apis/consumer-group-heartbeat.ts'
import { errorCodes } from '../../protocol/broker-errors.ts'
import { KafkaError } from '../../protocol/errors.ts'
import {
  heartbeatBody,
  heartbeatError,
  heartbeatVerdict,
  joinEpoch,
  type MemberStatement,
  noConsumerGroups,
  type TopicIdPartitions,
} from './consumer-group-requests.ts'
import type { ConsumerMemberOptions } from './consumer-member-options.ts'
import { retriableOnly } from './group-requests.ts'
import { kafkaErrorOf } from './heartbeat-loop.ts'
import { lateError, type Verdict } from './verdict.ts'

/** Of the broker, until it has told (`group.consumer.heartbeat.interval.ms`). */
const defaultIntervalMs = 5_000
/** An answer takes no longer, in intervals: a third of the session is then left for another connection. */
const intervalsPerAnswer = 3
const leastAnswerTimeoutMs = 1_000
const int32Max = 0x7fffffff

/** What went out last. */
interface Sent {
  readonly memberEpoch: number
  readonly statement: MemberStatement
}

/** What heartbeats ask of the member, and tell it. */
export interface HeartbeatTarget {
  /** Who the next heartbeat is of. */
  identity(version: number): { readonly memberId: string; readonly memberEpoch: number }
  statement(): MemberStatement
  owned(): readonly TopicIdPartitions[]
  lastPollAt(): number
  /** A join is about to be written: the coordinator may know of us from now on. */
  onJoin(): void
  onAnswer(answer: ConsumerGroupHeartbeatResponse): void
  onVerdict(verdict: Verdict): void
  /** An error that may pass without a word of ours; heartbeats go on. */
  onTrouble(error: KafkaError): void
}

/**
 * The heartbeats of one stay in a group of KIP-848, one at a time (Java's ConsumerHeartbeatRequestManager). The first
 * joins; each says what has changed since the last that was answered, and all of it again when an answer did not come: the
 * coordinator may have heard it or not. It watches over the application's pace, too.
 */
export class ConsumerHeartbeats {
  readonly #cluster: Cluster
  readonly #options: ConsumerMemberOptions
  readonly #target: HeartbeatTarget
  readonly #stopped = new AbortController()
  #intervalMs = defaultIntervalMs
  /** What the coordinator has confirmed to have heard; null: nothing, or nobody knows. */
  #told: MemberStatement | null = null
  /** `owned` is due: what was to be given up has been. */
  #isAckDue = false
  #isDue = false
  #wake: () => void = () => {}
  #lateTimer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  /** Who waits for an answer to a heartbeat of later than their call. */
  #next: (() => void)[] = []

  constructor(cluster: Cluster, options: ConsumerMemberOptions, target: HeartbeatTarget) {
    this.#cluster = cluster
    this.#options = options
    this.#target = target
  }

  start(): void {
    this.#watchPace()
    this.#running ??= this.#run()
  }

  /** No more of them; what is in flight is dropped. */
  stop(): void {
    clearTimeout(this.#lateTimer)
    this.#stopped.abort()
    this.#release()
  }

  /** Once nothing of it is under way. Never rejects. */
  ended(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** The next goes out now, or as soon as the one on its way is answered. */
  hurry(): void {
    this.#isDue = true
    this.#wake()
  }

  /** The same, and it tells what is held: the coordinator waits for that before it gives to others what is not. */
  acknowledge(): void {
    this.#isAckDue = true
    this.hurry()
  }

  /** Hurries, and resolves once a heartbeat that goes out from now on was answered, or there are no more of them. */
  nextAnswer(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve()
    const answered = new Promise<void>((resolve) => void this.#next.push(resolve))
    this.hurry()
    return answered
  }

  /** Whether the application is in time; a verdict is told when it is not. */
  checkPace(): boolean {
    if (this.#stopped.signal.aborted) return false
    const { groupId, maxPollIntervalMs } = this.#options
    const sincePoll = performance.now() - this.#target.lastPollAt()
    // Rounded, for timers can be early by a part of a millisecond.
    if (Math.ceil(sincePoll) < maxPollIntervalMs) return true
    this.#found({ kind: 'late', error: lateError(groupId, sincePoll, maxPollIntervalMs) })
    return false
  }

  #watchPace(): void {
    const wait = this.#target.lastPollAt() + this.#options.maxPollIntervalMs - performance.now()
    this.#lateTimer = setTimeout(
      () => {
        if (this.checkPace()) this.#watchPace()
      },
      Math.max(1, Math.ceil(wait)),
    )
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs, groupId } = this.#options
    const backoff = new Backoff(retryBackoffMs, retryBackoffMaxMs)
    const { signal } = this.#stopped
    while (!signal.aborted) {
      // After a freeze the pace is looked at before anything is sent in the name of partitions that may be others'.
      if (!this.checkPace()) return
      this.#isDue = false
      let waitMs: number
      try {
        waitMs = await this.#beat()
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof KafkaError && error.retriable)) {
          return this.#found({ kind: 'fatal', error: kafkaErrorOf(error, groupId) })
        }
        // Tried over and over, for as long as one answer may take: that is worth a word.
        this.#target.onTrouble(error)
        waitMs = backoff.next()
      }
      const hurried = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      if (this.#isDue) this.#wake()
      // Aborted: the loop's condition sees it.
      await sleep(waitMs, signal, hurried).catch(() => {})
    }
  }

  /** Gives how long the next may wait, in milliseconds. Throws when there was no answer, or one that is none. */
  async #beat(): Promise<number> {
    const { groupId, groupInstanceId } = this.#options
    const { requestTimeoutMs } = this.#cluster.options
    const waiters = this.#next.splice(0)
    const { signal } = this.#stopped
    let sent = null as Sent | null
    try {
      const answer = await this.#cluster.request(
        consumerGroupHeartbeat,
        (version) => {
          // It may have waited for a connection, and the goodbye must not be followed by a join.
          signal.throwIfAborted()
          // A try before this one was not answered: it may have been heard, or not.
          if (sent !== null) this.#told = null
          const { memberId, memberEpoch } = this.#target.identity(version)
          const isJoin = memberEpoch === joinEpoch
          if (isJoin) this.#target.onJoin()
          const told = isJoin ? null : this.#told
          sent = { memberEpoch, statement: this.#target.statement() }
          const owned = isJoin ? [] : told === null || this.#isAckDue ? this.#target.owned() : null
          // Whether it is heard or not: what is told again without an answer has `owned` in it.
          this.#isAckDue = false
          const member = { groupId, memberId, memberEpoch, instanceId: groupInstanceId }
          return heartbeatBody(version, member, sent.statement, told, owned)
        },
        {
          to: { group: groupId },
          deadline: new Deadline(requestTimeoutMs, signal),
          timeoutMs: Math.min(
            requestTimeoutMs,
            Math.max(leastAnswerTimeoutMs, this.#intervalMs * intervalsPerAnswer),
          ),
          groupId,
          onConnection: (connection) => checkVersion(connection, groupId),
          errorOf: ({ errorCode }) => retriableOnly(errorCode),
        },
      )
      // Stopped while the answer was on its way: it is about a stay that is over.
      if (signal.aborted) return 0
      return this.#take(answer, sent!)
    } catch (error) {
      this.#told = null
      throw error
    } finally {
      for (const resolve of waiters) resolve()
    }
  }

  #take(answer: ConsumerGroupHeartbeatResponse, sent: Sent): number {
    const { errorCode, errorMessage } = answer
    if (errorCode === errorCodes.topicAuthorizationFailed) {
      // The rights may be given later: the member stays as it is, and asks on (as Java's).
      this.#told = null
      this.#target.onTrouble(heartbeatError(errorCode, errorMessage, this.#options))
      return this.#intervalMs
    }
    const verdict = heartbeatVerdict(answer, sent.memberEpoch, this.#options)
    if (verdict !== null) {
      this.#found(verdict)
      return 0
    }
    const { memberEpoch, heartbeatIntervalMs } = answer
    // Sent back, 0 would be another join, and one below 0 a goodbye.
    if (memberEpoch <= joinEpoch) {
      const { groupId } = this.#options
      const message = `group ${groupId}: the coordinator answered the member epoch ${memberEpoch}; they begin at 1`
      throw new KafkaError('INVALID_RESPONSE', message, { groupId, api: consumerGroupHeartbeat.name })
    }
    this.#told = sent.statement
    this.#intervalMs = Math.min(int32Max, Math.max(heartbeatIntervalMs, this.#options.retryBackoffMs))
    this.#target.onAnswer(answer)
    return this.#intervalMs
  }

  #found(verdict: Verdict): void {
    this.stop()
    this.#target.onVerdict(verdict)
  }

  #release(): void {
    for (const resolve of this.#next.splice(0)) resolve()
  }
}

/** @throws UnsupportedVersionError that says what the option needs, for a broker without the API. */
function checkVersion(connection: Connection, groupId: string): void {
  try {
    connection.version(consumerGroupHeartbeat)
  } catch (error) {
    throw error instanceof UnsupportedVersionError ? noConsumerGroups(groupId, error) : error
  }
}

import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline, sleep } from '../../deadline.ts'
import { UnsupportedVersionError } from '../../errors.ts'
import {
  type ShareGroupHeartbeatResponse,
  shareGroupHeartbeat,
} from '../../protocol/apis/share-group-heartbeat.ts'
import { brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { asKafkaError } from '../client-fault.ts'
import { randomUuid } from '../group/random-uuid.ts'
import { lateError } from '../group/verdict.ts'
import type { ParsedShareConsumerOptions } from './share-consumer-options.ts'
import { noShareGroups, shareError } from './share-requests.ts'
import type { SharedPartition } from './share-session.ts'

/** Joins, as long as the coordinator has not told another epoch. */
const joinEpoch = 0
const leaveEpoch = -1

/** Between two heartbeats, in milliseconds, at least: a broker that says less is not taken at its word. */
const leastIntervalMs = 50

export interface ShareMemberOwner {
  /** Monotonic milliseconds of the last ask for records; the present while one waits. */
  lastAskAt(): number
  /** All that is to be fetched by this member. */
  onAssigned(partitions: readonly SharedPartition[]): void
  /** The reader has to know; the member joins again with the next ask. */
  onFatal(error: KafkaError): void
  /** Trouble that will pass. */
  onTrouble(error: KafkaError): void
  /** No member any more. Who waits for records asks again: an ask that came while it was leaving had no effect. */
  onEnded(): void
}

/**
 * A member of a share group (KIP-932, Java's `ShareMembershipManager`): heartbeats, by which it joins, says what it
 * subscribes to and is told what to fetch. It names itself by a uuid of its own, and keeps that when it has to join again.
 */
export class ShareMember {
  readonly memberId = randomUuid()
  readonly #cluster: Cluster
  readonly #options: ParsedShareConsumerOptions
  readonly #owner: ShareMemberOwner
  #topics: readonly string[] = []
  /** What the coordinator was told last; null: it knows of nothing. */
  #toldTopics: readonly string[] | null = null
  #epoch = joinEpoch
  /** A join was sent: the coordinator may know us. */
  #mayBeKnown = false
  #life: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null
  /** Ends the wait for the next heartbeat. */
  #hurry: () => void = () => {}

  constructor(cluster: Cluster, options: ParsedShareConsumerOptions, owner: ShareMemberOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
  }

  /** Takes effect with a heartbeat that goes out now, or with the join. */
  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#hurry()
  }

  /** Somebody asks for records: joins if it is no member. Not while it leaves: `onEnded` tells when that is over. */
  onAsk(): void {
    if (this.#life !== null) return
    const stop = new AbortController()
    const life = { stop, ended: this.#live(stop.signal) }
    this.#life = life
    void life.ended.then(() => {
      this.#life = null
      this.#owner.onEnded()
    })
  }

  /** No more heartbeats, and one to say so. Never rejects: the group finds out by itself in the end. */
  async leave(deadline: Deadline): Promise<void> {
    const life = this.#life
    life?.stop.abort()
    await life?.ended
    await this.#sayGoodbye(deadline)
  }

  /** Never rejects. */
  async #live(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#options.retryBackoffMs, this.#options.retryBackoffMaxMs)
    this.#forget()
    while (!signal.aborted) {
      let waitMs: number
      try {
        const response = await this.#beat(signal)
        if (signal.aborted) return
        if (this.#isForgotten(response.errorCode)) {
          // Fenced, or let go after a silence: join again, under the same id.
          this.#forget()
          this.#owner.onAssigned([])
          waitMs = backoff.next()
        } else {
          this.#take(response)
          backoff.reset()
          waitMs = Math.max(leastIntervalMs, response.heartbeatIntervalMs)
        }
      } catch (thrown) {
        if (signal.aborted) return
        const error = asKafkaError(thrown, 'a heartbeat')
        if (!error.retriable) return this.#end(error)
        this.#owner.onTrouble(error)
        waitMs = backoff.next()
      }
      if (await this.#isLateAfter(waitMs, signal)) return
    }
  }

  #end(error: KafkaError): void {
    this.#owner.onAssigned([])
    this.#owner.onFatal(error)
  }

  /** Waits for the next heartbeat. True: the application has not asked for too long, and the group is left. */
  async #isLateAfter(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const { groupId, maxPollIntervalMs } = this.#options
    const untilLate = () => this.#owner.lastAskAt() + maxPollIntervalMs - performance.now()
    const hurried = new Promise<void>((resolve) => {
      this.#hurry = resolve
    })
    if (!sameTopics(this.#toldTopics, this.#topics) && this.#epoch !== joinEpoch) this.#hurry()
    try {
      await sleep(Math.max(1, Math.min(waitMs, untilLate())), signal, hurried)
    } catch {
      return true
    }
    if (untilLate() > 0) return false
    this.#owner.onAssigned([])
    const sinceMs = performance.now() - this.#owner.lastAskAt()
    this.#owner.onTrouble(lateError(groupId, sinceMs, maxPollIntervalMs))
    await this.#sayGoodbye(new Deadline(this.#options.requestTimeoutMs, signal))
    return true
  }

  #forget(): void {
    this.#epoch = joinEpoch
    this.#toldTopics = null
  }

  async #beat(signal: AbortSignal): Promise<ShareGroupHeartbeatResponse> {
    const topics = this.#topics
    const isNews = !sameTopics(this.#toldTopics, topics)
    const isJoin = this.#epoch === joinEpoch
    if (isJoin) this.#mayBeKnown = true
    const response = await this.#send(
      {
        memberEpoch: this.#epoch,
        rackId: isJoin && this.#options.clientRack !== '' ? this.#options.clientRack : null,
        subscribedTopicNames: isJoin || isNews ? [...topics] : null,
      },
      new Deadline(this.#options.requestTimeoutMs, signal),
    )
    if (response.errorCode === errorCodes.none) this.#toldTopics = topics
    return response
  }

  async #send(
    about: { memberEpoch: number; rackId?: string | null; subscribedTopicNames?: string[] | null },
    deadline: Deadline,
  ): Promise<ShareGroupHeartbeatResponse> {
    const { groupId } = this.#options
    let broker = ''
    const response = await this.#cluster.request(
      shareGroupHeartbeat,
      { groupId, memberId: this.memberId, ...about },
      {
        to: { group: groupId },
        deadline,
        groupId,
        errorOf: ({ errorCode }) => (brokerErrorInfo(errorCode).retriable ? errorCode : errorCodes.none),
        onConnection: (connection) => {
          broker = connection.broker
          try {
            // Version 0 was of the early access in Kafka 4.0.
            if (connection.version(shareGroupHeartbeat) > 0) return
          } catch (error) {
            if (!(error instanceof UnsupportedVersionError)) throw error
            throw noShareGroups(groupId, broker, error)
          }
          throw noShareGroups(groupId, broker)
        },
      },
    )
    const { errorCode, errorMessage } = response
    if (errorCode === errorCodes.none || this.#isForgotten(errorCode)) return response
    throw shareError(errorCode, { api: shareGroupHeartbeat.name, groupId, broker }, errorMessage)
  }

  /** The coordinator does not go on with this membership. */
  #isForgotten(errorCode: number): boolean {
    // To who joins it says by this that the group is of another type.
    if (errorCode === errorCodes.groupIdNotFound) return this.#epoch !== joinEpoch
    return (
      errorCode === errorCodes.unknownMemberId || brokerErrorInfo(errorCode).name === 'FENCED_MEMBER_EPOCH'
    )
  }

  #take({ memberEpoch, assignment }: ShareGroupHeartbeatResponse): void {
    this.#epoch = memberEpoch
    if (assignment === null) return
    this.#owner.onAssigned(
      assignment.topicPartitions.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => ({ topicId, partition })),
      ),
    )
  }

  async #sayGoodbye(deadline: Deadline): Promise<void> {
    if (!this.#mayBeKnown) return
    this.#mayBeKnown = false
    try {
      // Not the join epoch: whoever is forgotten already has left.
      this.#epoch = leaveEpoch
      await this.#send({ memberEpoch: leaveEpoch }, deadline)
    } catch (error) {
      // Said again by who has ended it, as nobody knows whether it was heard.
      if (deadline.signal?.aborted) this.#mayBeKnown = true
      else if (!this.#cluster.isClosed) this.#owner.onTrouble(asKafkaError(error, 'leaving the share group'))
    }
  }
}

function sameTopics(a: readonly string[] | null, b: readonly string[]): boolean {
  return a !== null && a.length === b.length && a.every((topic, i) => topic === b[i])
}

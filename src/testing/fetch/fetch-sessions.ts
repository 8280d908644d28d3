import type { ErrorName } from '../error-codes.ts'
import type { Random } from '../random.ts'
import { type FetchRequest, FetchSession, fetchedPartitions } from './fetch-session.ts'

/** `max.incremental.fetch.session.cache.slots` of Kafka. */
const mostSessions = 1000
/** A session that was not used for as long gives way to a new one (Java's `min.incremental.fetch.session.eviction.ms`). */
const idleMs = 120_000

/** Epochs with a meaning of their own. */
const firstEpoch = 0
const noSession = -1

/** The fetch sessions of one broker; they end with it (Java's `FetchManager`). */
export class FetchSessions {
  readonly #random: Random
  readonly #sessions = new Map<number, FetchSession>()

  constructor(random: Random) {
    this.#random = random
  }

  /**
   * The session that a request goes on with or begins; null for a request that stands alone. The name of an error where
   * there is no such session, or the request is not its next.
   */
  sessionOf(request: FetchRequest, usesTopicIds: boolean, nowMs: number): FetchSession | null | ErrorName {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === firstEpoch || sessionEpoch === noSession) {
      this.#sessions.delete(sessionId)
      return sessionEpoch === noSession ? null : this.#begin(request, usesTopicIds, nowMs)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return 'FETCH_SESSION_ID_NOT_FOUND'
    if (session.usesTopicIds !== usesTopicIds) return 'FETCH_SESSION_TOPIC_ID_ERROR'
    if (session.epoch !== sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH'
    session.update(request)
    session.advance(nowMs)
    if (session.partitions.size > 0) return session
    this.#sessions.delete(sessionId)
    return null
  }

  #begin(request: FetchRequest, usesTopicIds: boolean, nowMs: number): FetchSession | null {
    if (request.topics.length === 0) return null
    if (this.#sessions.size >= mostSessions) {
      const [oldest] = [...this.#sessions.values()].sort((a, b) => a.lastUsedMs - b.lastUsedMs)
      if (nowMs - oldest!.lastUsedMs < idleMs) return null
      this.#sessions.delete(oldest!.id)
    }
    let id: number
    do id = 1 + this.#random.below(0x7ffffffe)
    while (this.#sessions.has(id))
    const session = new FetchSession(id, usesTopicIds, nowMs)
    for (const partition of fetchedPartitions(request)) {
      session.partitions.set(
        `${partition.topic}/${partition.topicId}/${partition.asked.partition}`,
        partition,
      )
    }
    this.#sessions.set(id, session)
    return session
  }
}

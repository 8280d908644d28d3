import type { Broker } from '../broker/broker.ts'
import type { BrokerConnection } from '../broker/broker-connection.ts'
import type { ErrorName } from '../error-codes.ts'

/** A partition that a session fetches from. */
export interface SessionPartition {
  readonly topicId: string
  readonly index: number
}

/** Epoch with which a session is opened. */
export const openEpoch = 0
/** Epoch with which a session is closed. */
export const closeEpoch = -1

/** What one member fetches from one broker (KIP-932). */
export interface ShareSession {
  /** Expected of the next request. */
  epoch: number
  readonly partitions: Map<string, SessionPartition>
  /** Stops listening for the end of its connection. */
  readonly unwatch: () => void
}

const byBroker = new WeakMap<Broker, ShareSessions>()

/** The share sessions of one broker, by group and member (Java's `ShareSessionCache`). */
export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>()

  static of(broker: Broker): ShareSessions {
    let sessions = byBroker.get(broker)
    if (sessions === undefined) {
      sessions = new ShareSessions()
      byBroker.set(broker, sessions)
    }
    return sessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Opens a session in the place of the one that is there: what that had acquired stays acquired. It ends with the
   * connection.
   *
   * @param onLost called then.
   */
  open(
    groupId: string,
    memberId: string,
    connection: BrokerConnection,
    onLost: (session: ShareSession) => void,
  ): ShareSession {
    const key = keyOf(groupId, memberId)
    this.#sessions.get(key)?.unwatch()
    const session: ShareSession = {
      epoch: 1,
      partitions: new Map(),
      unwatch: connection.whenClosed(() => {
        if (this.#sessions.get(key) !== session) return
        this.#sessions.delete(key)
        onLost(session)
      }),
    }
    this.#sessions.set(key, session)
    return session
  }

  /** The session that a request goes on with, or why it may not. */
  next(groupId: string, memberId: string, epoch: number): ShareSession | ErrorName {
    const session = this.#sessions.get(keyOf(groupId, memberId))
    if (session === undefined) return 'SHARE_SESSION_NOT_FOUND'
    if (epoch === closeEpoch) return session
    if (epoch !== session.epoch) return 'INVALID_SHARE_SESSION_EPOCH'
    // 0 opens a session, so what comes behind the largest is 1.
    session.epoch = epoch === 0x7fffffff ? 1 : epoch + 1
    return session
  }

  close(groupId: string, memberId: string): void {
    const key = keyOf(groupId, memberId)
    this.#sessions.get(key)?.unwatch()
    this.#sessions.delete(key)
  }
}

export function partitionKey({ topicId, index }: SessionPartition): string {
  return `${topicId}:${index}`
}

function keyOf(groupId: string, memberId: string): string {
  return `${memberId}/${groupId}`
}

import type { ClockTimer } from '../clock.ts'
import type { ErrorName } from '../error-codes.ts'

/** An assignor that a member can work with, and what it tells the leader about itself with it. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

/** What the leader is told of a member. */
export interface MemberForLeader {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Uint8Array
}

/** How a join ends. Where it failed, only `error` and `memberId` say anything. */
export interface JoinResult {
  readonly error: ErrorName
  readonly memberId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** Empty for all but the leader. */
  readonly members: readonly MemberForLeader[]
}

export interface SyncResult {
  readonly error: ErrorName
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}

export type AnswerJoin = (result: JoinResult) => void
export type AnswerSync = (result: SyncResult) => void

/** Who joins, as the request says it. */
export interface JoiningMember {
  /** Empty: a new one. */
  readonly memberId: string
  /** Of a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
}

export const noBytes = new Uint8Array(0)

/** A member of a classic group (Java's `ClassicGroupMember`). */
export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Uint8Array = noBytes
  /** Until its first join is answered: it does not know its id and sends no heartbeats. */
  isNew = false
  heartbeatTimer: ClockTimer | null = null
  /** While a JoinGroup of its waits. Set by `ClassicMembers` alone, which counts them. */
  answerJoin: AnswerJoin | null = null
  /** While a SyncGroup of its waits. */
  answerSync: AnswerSync | null = null

  constructor(from: Omit<JoiningMember, 'protocolType'>, memberId: string) {
    this.memberId = memberId
    this.groupInstanceId = from.groupInstanceId
    this.clientId = from.clientId
    this.clientHost = from.clientHost
    this.sessionTimeoutMs = from.sessionTimeoutMs
    this.rebalanceTimeoutMs = from.rebalanceTimeoutMs
    this.protocols = copyOf(from.protocols)
  }

  /** Whether it says the same as when it last joined. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const mine = this.protocols[i]!
        return mine.name === name && sameBytes(mine.metadata, metadata)
      })
    )
  }

  metadataOf(protocol: string): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes
  }

  /** Its favourite among the protocols that all members know. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }

  stopTimer(): void {
    this.heartbeatTimer?.cancel()
    this.heartbeatTimer = null
  }
}

export function failedJoin(error: ErrorName, memberId: string): JoinResult {
  return {
    error,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

export function failedSync(error: ErrorName): SyncResult {
  return { error, protocolType: null, protocolName: null, assignment: noBytes }
}

/** Requests are views into what the socket gave, which is not to be kept for the sake of a few bytes. */
export function copyOf(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Uint8Array.from(metadata) }))
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

import type { ClockTimer } from '../clock.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import { type ClassicMember, failedJoin, failedSync, noBytes } from './classic-member.ts'
import { ClassicMembers } from './classic-members.ts'
import { type ClassicSnapshot, restoreMembers, saveMembers } from './classic-snapshot.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/**
 * The rounds of a classic group: members join (PreparingRebalance), hand in and fetch the assignment
 * (CompletingRebalance), work (Stable). Who may take part is up to `ClassicGroup`. The model is Java's
 * `GroupMetadataManager` (`prepareRebalance`, `completeClassicGroupJoin`, ...).
 */
export class ClassicRebalance {
  readonly members = new ClassicMembers()
  readonly #cluster: KafkaCluster
  /** Ids that were given out (KIP-394) and have not come back yet, each with the timer that forgets it. */
  readonly #pending = new Map<string, ClockTimer>()
  /** Members of this generation that have not sent their SyncGroup. */
  readonly #toSync = new Set<string>()
  #state: ClassicState = 'Empty'
  #previousState: ClassicState = 'Empty'
  #stateSinceMs: number
  #generationId = 0
  #protocolType: string | null = null
  #protocolName: string | null = null
  #joinTimer: ClockTimer | null = null
  #syncTimer: ClockTimer | null = null
  /** Somebody came while a group that was empty waits for more. */
  #memberAdded = false
  #saved: ClassicSnapshot

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
    this.#stateSinceMs = cluster.clock.now()
    this.#saved = this.#snapshot()
  }

  get state(): ClassicState {
    return this.#state
  }

  get stateSinceMs(): number {
    return this.#stateSinceMs
  }

  get generationId(): number {
    return this.#generationId
  }

  get protocolType(): string | null {
    return this.#protocolType
  }

  get protocolName(): string | null {
    return this.#protocolName
  }

  /** Whether members may begin a rebalance now. */
  get #canBegin(): boolean {
    return this.#state !== 'PreparingRebalance'
  }

  get #allJoined(): boolean {
    return this.members.awaitingJoin === this.members.size && this.#pending.size === 0
  }

  isPending(memberId: string): boolean {
    return this.#pending.has(memberId)
  }

  addPending(memberId: string, timeoutMs: number): void {
    const forget = () => {
      if (this.removePending(memberId)) this.tryCompleteJoin()
    }
    this.#pending.set(memberId, this.#cluster.clock.after(timeoutMs, forget))
  }

  removePending(memberId: string): boolean {
    this.#pending.get(memberId)?.cancel()
    return this.#pending.delete(memberId)
  }

  /** A member more; its JoinGroup is parked already. */
  add(member: ClassicMember, protocolType: string): void {
    if (this.#state === 'PreparingRebalance' && this.#previousState === 'Empty') this.#memberAdded = true
    if (this.members.size === 0) this.#protocolType = protocolType
    this.removePending(member.memberId)
    this.members.add(member)
    // A new member sends no heartbeats while it waits, and its connection is not watched: it gets five minutes, and is
    // then told to try again, lest members that are gone for good pile up in a rebalance that does not end.
    this.startSession(member, newMemberJoinTimeoutMs)
    this.beginOrComplete()
  }

  /** Takes a member out; what it waits for is answered with UNKNOWN_MEMBER_ID. The caller sees to the rest of the group. */
  remove(member: ClassicMember): void {
    this.members.answerJoin(member, failedJoin('UNKNOWN_MEMBER_ID', ''))
    member.answerSync?.(failedSync('UNKNOWN_MEMBER_ID'))
    member.answerSync = null
    this.members.remove(member)
    this.#toSync.delete(member.memberId)
  }

  /** A static member goes on under another id. */
  replaceStatic(old: ClassicMember, memberId: string): ClassicMember {
    this.#toSync.delete(old.memberId)
    const member = this.members.replaceStatic(old, memberId)
    this.startSession(member)
    return member
  }

  /** A new round, or if there is one already, its end if that was the last who was missing. */
  beginOrComplete(): void {
    if (this.#canBegin) this.begin()
    else this.tryCompleteJoin()
  }

  /** Asks all members to join again. */
  begin(): void {
    if (this.#state === 'CompletingRebalance') {
      for (const member of this.members) member.assignment = noBytes
      this.#answerSyncs('REBALANCE_IN_PROGRESS')
    }
    this.#syncTimer?.cancel()
    const wasEmpty = this.#state === 'Empty'
    this.#turn('PreparingRebalance')
    if (wasEmpty) this.#waitForMore()
    else if (this.#allJoined) this.#completeJoin()
    else this.#setJoinTimer(this.members.rebalanceTimeoutMs, () => this.#completeJoin())
  }

  /** Ends the phase of joining if nobody is missing. An initial one ends by its delay alone. */
  tryCompleteJoin(): void {
    if (this.#state !== 'PreparingRebalance' || this.#previousState === 'Empty' || !this.#allJoined) return
    this.#completeJoin()
  }

  /** The member has sent its SyncGroup for this generation. */
  synced(member: ClassicMember): void {
    this.#toSync.delete(member.memberId)
    if (this.#toSync.size === 0) this.#syncTimer?.cancel()
  }

  /** The leader has said who gets what: everybody who waits is told. */
  stabilize(assignments: ReadonlyMap<string, Uint8Array>): void {
    for (const member of this.members) {
      member.assignment = Uint8Array.from(assignments.get(member.memberId) ?? noBytes)
    }
    this.#turn('Stable')
    this.save()
    this.#answerSyncs('NONE')
  }

  /** The session of a member starts again. */
  startSession(member: ClassicMember, timeoutMs = member.sessionTimeoutMs): void {
    member.heartbeatTimer?.cancel()
    member.heartbeatTimer = this.#cluster.clock.after(timeoutMs, () => this.#expire(member))
  }

  /** Keeps what the next coordinator is to find. */
  save(): void {
    this.#saved = this.#snapshot()
  }

  /**
   * As when another broker has taken over: who waits is told to look for it, and it goes on from what was written.
   *
   * @param coordinated false: nobody has taken over yet.
   */
  reload(coordinated: boolean): void {
    this.stop()
    const saved = this.#saved
    restoreMembers(this.members, saved)
    this.#generationId = saved.generationId
    this.#protocolType = saved.protocolType
    this.#protocolName = saved.protocolName
    this.#state = saved.members.length === 0 ? 'Empty' : 'Stable'
    this.#previousState = this.#state
    this.#stateSinceMs = saved.stateSinceMs
    this.#memberAdded = false
    if (coordinated) for (const member of this.members) this.startSession(member)
  }

  /** No timer is left, and nobody waits. */
  stop(): void {
    this.#joinTimer?.cancel()
    this.#syncTimer?.cancel()
    for (const timer of this.#pending.values()) timer.cancel()
    this.#pending.clear()
    this.#toSync.clear()
    for (const member of this.members) {
      member.stopTimer()
      this.members.answerJoin(member, failedJoin('NOT_COORDINATOR', member.memberId))
      member.answerSync?.(failedSync('NOT_COORDINATOR'))
      member.answerSync = null
    }
  }

  /** A group that was empty waits for more members: `group.initial.rebalance.delay.ms`, again for as long as some come. */
  #waitForMore(): void {
    const delay = this.#cluster.config.getNumber('group.initial.rebalance.delay.ms')
    const step = (delayMs: number, remainingMs: number) => {
      this.#setJoinTimer(delayMs, () => {
        if (!this.#memberAdded || remainingMs === 0) return this.#completeJoin()
        this.#memberAdded = false
        step(Math.min(delay, remainingMs), Math.max(0, remainingMs - delayMs))
      })
    }
    step(delay, Math.max(0, this.members.rebalanceTimeoutMs - delay))
  }

  /** All are there, or the time is up: the next generation. */
  #completeJoin(): void {
    this.#joinTimer?.cancel()
    const { members } = this
    for (const member of [...members]) {
      // A static member keeps its place until its session ends (KIP-345).
      if (member.answerJoin === null && member.groupInstanceId === null) this.remove(member)
    }
    if (!members.electJoinedLeader() && members.size > 0) {
      // Only static members, and none of them is back: their sessions end, or one comes.
      return this.#setJoinTimer(members.rebalanceTimeoutMs, () => this.#completeJoin())
    }
    this.#generationId++
    this.#toSync.clear()
    this.#protocolName = members.size === 0 ? null : members.selectProtocol()
    this.#turn(members.size === 0 ? 'Empty' : 'CompletingRebalance')
    if (members.size === 0) return this.save()
    const common = {
      error: 'NONE',
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leader: members.leaderId!,
      skipAssignment: false,
    } as const
    const forLeader = members.forLeader(this.#protocolName!)
    for (const member of members) {
      const { memberId } = member
      members.answerJoin(member, {
        ...common,
        memberId,
        members: memberId === members.leaderId ? forLeader : [],
      })
      this.startSession(member)
      member.isNew = false
      this.#toSync.add(memberId)
    }
    this.#syncTimer?.cancel()
    this.#syncTimer = this.#cluster.clock.after(members.rebalanceTimeoutMs, () => this.#expireSync())
  }

  /** Who has not sent a SyncGroup within the rebalance time-out is out. */
  #expireSync(): void {
    if (this.#toSync.size === 0) return
    for (const memberId of [...this.#toSync]) {
      const member = this.members.get(memberId)
      if (member !== undefined) this.remove(member)
    }
    this.#toSync.clear()
    this.begin()
  }

  #expire(member: ClassicMember): void {
    // Who waits for the others is alive. Once answered its session starts again. A new member may wait for five minutes.
    if (!member.isNew && (member.answerJoin !== null || member.answerSync !== null)) return
    this.remove(member)
    this.beginOrComplete()
  }

  #answerSyncs(error: ErrorName): void {
    for (const member of this.members) {
      const answer = member.answerSync
      if (answer === null) continue
      member.answerSync = null
      const { assignment } = member
      answer(
        error === 'NONE'
          ? { error, protocolType: this.#protocolType, protocolName: this.#protocolName, assignment }
          : failedSync(error),
      )
      // Had its session ended while it waited, nothing would have started it again.
      this.startSession(member)
    }
  }

  #setJoinTimer(delayMs: number, run: () => void): void {
    this.#joinTimer?.cancel()
    this.#joinTimer = this.#cluster.clock.after(delayMs, run)
  }

  #turn(state: ClassicState): void {
    this.#previousState = this.#state
    this.#state = state
    this.#stateSinceMs = this.#cluster.clock.now()
  }

  #snapshot(): ClassicSnapshot {
    return {
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leaderId: this.members.leaderId,
      stateSinceMs: this.#stateSinceMs,
      members: saveMembers(this.members, this.#protocolName),
    }
  }
}

/** `group.new.member.join.timeout.ms` of Java's `GroupConfig`, an internal config. */
const newMemberJoinTimeoutMs = 300_000

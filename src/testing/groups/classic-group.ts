import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import {
  type AnswerJoin,
  type AnswerSync,
  ClassicMember,
  failedJoin,
  failedSync,
  type JoiningMember,
  type JoinResult,
} from './classic-member.ts'
import { ClassicRebalance } from './classic-rebalance.ts'
import type { Group } from './group.ts'
import { type CommittedOffset, GroupOffsets } from './group-offsets.ts'
import { subscribedTopics } from './subscribed-topics.ts'

/** Who heartbeats, syncs or leaves. */
export interface ClassicMemberIdentity {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** What of JoinGroup depends on its version. */
export interface JoinOptions {
  /** Since version 4 a new member is given its id first and joins with it then (KIP-394). */
  readonly needsMemberId: boolean
  /** Since version 9 a static leader that is back can be told that nothing has changed (KIP-814). */
  readonly canSkipAssignment: boolean
}

export interface SyncingMember extends ClassicMemberIdentity {
  readonly generationId: number
  /** Null: not told (before version 5). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** By member id; only the leader's count. */
  readonly assignments: ReadonlyMap<string, Uint8Array>
}

/** A classic group (Java's `ClassicGroup`), or one that has only offsets: who may take part, and what they are answered. */
export class ClassicGroup implements Group {
  readonly groupId: string
  readonly type = 'classic'
  readonly offsets: GroupOffsets
  readonly #cluster: KafkaCluster
  readonly #rebalance: ClassicRebalance
  /** Null: not known. Of the generation `#topicsOf`. */
  #topics: ReadonlySet<string> | null = null
  #topicsOf = -1

  /** @param offsets of the group of another kind that was there before. */
  constructor(cluster: KafkaCluster, groupId: string, offsets = new GroupOffsets()) {
    this.#cluster = cluster
    this.groupId = groupId
    this.offsets = offsets
    this.#rebalance = new ClassicRebalance(cluster)
  }

  get protocolType(): string {
    return this.#rebalance.protocolType ?? ''
  }

  /** The assignor that the members have agreed on; empty: none. */
  get protocolName(): string {
    return this.#rebalance.protocolName ?? ''
  }

  get state(): string {
    return this.#rebalance.state
  }

  get generationId(): number {
    return this.#rebalance.generationId
  }

  get hasMembers(): boolean {
    return this.#rebalance.state !== 'Empty'
  }

  get members(): Iterable<ClassicMember> {
    return this.#rebalance.members
  }

  /** Answers when the others have joined too, or at once. Checks of the request by itself are up to the caller. */
  join(joining: JoiningMember, options: JoinOptions, answer: AnswerJoin): void {
    const { memberId } = joining
    if (!this.#hasRoomFor(memberId)) {
      this.#rebalance.removePending(memberId)
      return answer(failedJoin('GROUP_MAX_SIZE_REACHED', ''))
    }
    if (!this.#supports(joining)) return answer(failedJoin('INCONSISTENT_GROUP_PROTOCOL', memberId))
    if (memberId === '') this.#joinNew(joining, options, answer)
    else if (this.#rebalance.isPending(memberId)) this.#addMember(joining, memberId, answer)
    else this.#joinAgain(joining, answer)
  }

  /** Answers when the leader has handed in the assignment, or at once. */
  sync(syncing: SyncingMember, answer: AnswerSync): void {
    const rebalance = this.#rebalance
    const { state, protocolType, protocolName } = rebalance
    if (state === 'Empty') return answer(failedSync('UNKNOWN_MEMBER_ID'))
    const error = this.#checkMember(syncing)
    if (error !== null) return answer(failedSync(error))
    if (syncing.generationId !== rebalance.generationId) return answer(failedSync('ILLEGAL_GENERATION'))
    if (differ(syncing.protocolType, protocolType) || differ(syncing.protocolName, protocolName)) {
      return answer(failedSync('INCONSISTENT_GROUP_PROTOCOL'))
    }
    if (state === 'PreparingRebalance') return answer(failedSync('REBALANCE_IN_PROGRESS'))
    const member = rebalance.members.get(syncing.memberId)!
    rebalance.synced(member)
    if (state === 'Stable') {
      return answer({ error: 'NONE', protocolType, protocolName, assignment: member.assignment })
    }
    member.answerSync = answer
    if (rebalance.members.leaderId === member.memberId) rebalance.stabilize(syncing.assignments)
  }

  heartbeat(identity: ClassicMemberIdentity, generationId: number): ErrorName {
    const error = this.#checkMember(identity)
    if (error !== null) return error
    if (generationId !== this.#rebalance.generationId) return 'ILLEGAL_GENERATION'
    this.#rebalance.startSession(this.#rebalance.members.get(identity.memberId)!)
    const { state } = this.#rebalance
    // Kafka 2.1 waited with heartbeats until the assignment was there.
    const early = state === 'CompletingRebalance' && this.#cluster.profile.version === '2.1'
    return state === 'PreparingRebalance' || early ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  /** What each of them is answered. They may be several, and named by their instance alone (KIP-345). */
  leave(identities: readonly ClassicMemberIdentity[]): ErrorName[] {
    const errors = identities.map((identity) => this.#leave(identity))
    if (errors.includes('NONE') && this.#rebalance.state !== 'Empty') this.#rebalance.beginOrComplete()
    return errors
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics()?.has(topic) ?? this.protocolType === 'consumer'
  }

  checkCommit(memberId: string, generationId: number, groupInstanceId: string | null): ErrorName | null {
    const { state, members } = this.#rebalance
    if (generationId < 0 && state === 'Empty') return null
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return 'UNKNOWN_MEMBER_ID'
    const error = this.#checkGeneration({ memberId, groupInstanceId }, generationId)
    if (error !== null) return error
    // The member has its generation and the assignment is yet to come: what it commits was read in the one before.
    if (state === 'CompletingRebalance') return 'REBALANCE_IN_PROGRESS'
    this.#rebalance.startSession(members.get(memberId)!)
    return null
  }

  checkTxnCommit(memberId: string, generationId: number, groupInstanceId: string | null): ErrorName | null {
    if (generationId < 0 && this.#rebalance.state === 'Empty') return null
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return null
    return this.#checkGeneration({ memberId, groupInstanceId }, generationId)
  }

  checkOffsetFetch(): ErrorName | null {
    return null
  }

  retentionStartMs({ committedAtMs }: CommittedOffset): number | null {
    const { state, stateSinceMs } = this.#rebalance
    if (this.protocolType === '') return committedAtMs
    if (state === 'Empty') return stateSinceMs
    return state === 'Stable' && this.#subscribedTopics() !== null ? committedAtMs : null
  }

  /** Another broker coordinates it from now on; -1: none for the moment. */
  coordinatorMoved(brokerId: number): void {
    this.#rebalance.reload(brokerId !== -1)
    this.#topicsOf = -1
  }

  dispose(): void {
    this.#rebalance.stop()
  }

  #joinNew(joining: JoiningMember, options: JoinOptions, answer: AnswerJoin): void {
    const { groupInstanceId, clientId } = joining
    const memberId = `${groupInstanceId ?? clientId}-${this.#cluster.random.dashedUuid()}`
    if (groupInstanceId === null && options.needsMemberId) {
      this.#rebalance.addPending(memberId, joining.sessionTimeoutMs)
      return answer(failedJoin('MEMBER_ID_REQUIRED', memberId))
    }
    const known =
      groupInstanceId === null ? undefined : this.#rebalance.members.staticMemberId(groupInstanceId)
    if (known === undefined) this.#addMember(joining, memberId, answer)
    else this.#replaceStatic(joining, this.#rebalance.members.get(known)!, memberId, options, answer)
  }

  #addMember(joining: JoiningMember, memberId: string, answer: AnswerJoin): void {
    const member = new ClassicMember(joining, memberId)
    member.isNew = true
    this.#rebalance.members.park(member, answer)
    this.#rebalance.add(member, joining.protocolType)
  }

  #joinAgain(joining: JoiningMember, answer: AnswerJoin): void {
    const { memberId } = joining
    const rebalance = this.#rebalance
    const error = this.#checkMember(joining)
    if (error !== null) return answer(failedJoin(error, memberId))
    const member = rebalance.members.get(memberId)!
    const leads = rebalance.members.leaderId === memberId
    const unchanged = member.matches(joining.protocols)
    // Its answer may have been lost on the way.
    if (rebalance.state === 'CompletingRebalance' && unchanged) return answer(this.#current(memberId, leads))
    // A leader that joins while all is well wants to assign anew: topics have grown, say.
    if (rebalance.state === 'Stable' && unchanged && !leads) return answer(this.#current(memberId, false))
    rebalance.members.update(member, joining)
    rebalance.members.park(member, answer)
    rebalance.beginOrComplete()
  }

  /** A static member has started again: it goes on where it was, under a new id (KIP-345). */
  #replaceStatic(
    joining: JoiningMember,
    old: ClassicMember,
    memberId: string,
    options: JoinOptions,
    answer: AnswerJoin,
  ): void {
    const rebalance = this.#rebalance
    const { members } = rebalance
    const leaderBefore = members.leaderId
    const member = rebalance.replaceStatic(old, memberId)
    members.update(member, joining)
    if (rebalance.state === 'Stable' && members.selectProtocol() === rebalance.protocolName) {
      rebalance.save()
      const leads = members.leaderId === memberId
      if (options.canSkipAssignment) {
        return answer({ ...this.#current(memberId, leads), skipAssignment: leads })
      }
      // It is told the id of before as the leader's, lest it assigns although nobody waits for it (KAFKA-7728).
      return answer({ ...this.#current(memberId, false), leader: leaderBefore ?? '' })
    }
    members.park(member, answer)
    // The leader may have its old id already and assign to that.
    rebalance.beginOrComplete()
  }

  #leave({ memberId, groupInstanceId }: ClassicMemberIdentity): ErrorName {
    const { members } = this.#rebalance
    if (memberId === '') {
      const known = groupInstanceId === null ? undefined : members.staticMemberId(groupInstanceId)
      if (known === undefined) return 'UNKNOWN_MEMBER_ID'
      this.#rebalance.remove(members.get(known)!)
      return 'NONE'
    }
    if (this.#rebalance.removePending(memberId)) return 'NONE'
    const error = this.#checkMember({ memberId, groupInstanceId })
    if (error !== null) return error
    this.#rebalance.remove(members.get(memberId)!)
    return 'NONE'
  }

  /** `group.max.size` holds back new members; in a rebalance those count who have joined it. */
  #hasRoomFor(memberId: string): boolean {
    const { state, members } = this.#rebalance
    const limit = this.#cluster.config.getNumber('group.max.size')
    const member = members.get(memberId)
    if (state === 'Empty') return true
    if (state === 'PreparingRebalance')
      return (member?.answerJoin ?? null) !== null || members.awaitingJoin < limit
    return member !== undefined || members.size < limit
  }

  #supports({ protocolType, protocols }: JoiningMember): boolean {
    const { state, members } = this.#rebalance
    if (state === 'Empty') return protocolType !== '' && protocols.length > 0
    return protocolType === this.#rebalance.protocolType && members.supportsAny(protocols)
  }

  #checkMember({ memberId, groupInstanceId }: ClassicMemberIdentity): ErrorName | null {
    const { members } = this.#rebalance
    if (groupInstanceId !== null) {
      const known = members.staticMemberId(groupInstanceId)
      if (known === undefined) return 'UNKNOWN_MEMBER_ID'
      if (known !== memberId) return 'FENCED_INSTANCE_ID'
    }
    return members.get(memberId) === undefined ? 'UNKNOWN_MEMBER_ID' : null
  }

  #checkGeneration(identity: ClassicMemberIdentity, generationId: number): ErrorName | null {
    const error = this.#checkMember(identity)
    if (error !== null) return error
    return generationId === this.#rebalance.generationId ? null : 'ILLEGAL_GENERATION'
  }

  /** This generation as a join is answered. */
  #current(memberId: string, withMembers: boolean): JoinResult {
    const { members, generationId, protocolType, protocolName } = this.#rebalance
    return {
      error: 'NONE',
      memberId,
      generationId,
      protocolType,
      protocolName,
      leader: members.leaderId ?? '',
      skipAssignment: false,
      members: withMembers ? members.forLeader(protocolName ?? '') : [],
    }
  }

  /** Topics that the members of this generation have named; null: not known. */
  #subscribedTopics(): ReadonlySet<string> | null {
    const { generationId, protocolName, state, members } = this.#rebalance
    if (this.protocolType !== 'consumer') return null
    if (state === 'Empty') return new Set()
    if (protocolName === null) return null
    if (this.#topicsOf !== generationId) {
      this.#topicsOf = generationId
      this.#topics = subscribedTopics([...members].map((member) => member.metadataOf(protocolName)))
    }
    return this.#topics
  }
}

/** Who says nothing agrees with everything. */
function differ(told: string | null, real: string | null): boolean {
  return told !== null && real !== null && told !== real
}

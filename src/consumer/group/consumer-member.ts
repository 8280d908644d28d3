import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline, sleep } from '../../deadline.ts'
import type { ConsumerGroupHeartbeatResponse } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { errorCodes } from '../../protocol/broker-errors.ts'
import {
  joinEpoch,
  leaveEpoch,
  type MemberStatement,
  sendConsumerLeave,
  staticLeaveEpoch,
} from './consumer-group-requests.ts'
import { ConsumerHeartbeats } from './consumer-heartbeats.ts'
import type { ConsumerMemberOptions } from './consumer-member-options.ts'
import type { GroupMember, GroupMembershipOperation, GroupMetadata, MemberOwner } from './group-member.ts'
import { kafkaErrorOf } from './heartbeat-loop.ts'
import { randomUuid } from './random-uuid.ts'
import { Reconciler } from './reconciler.ts'
import { Stay } from './stay.ts'
import type { Verdict } from './verdict.ts'

export type { ConsumerMemberOptions } from './consumer-member-options.ts'

/** From the first heartbeat to what ends it: a leave, a fence, a late application. */
class ConsumerStay extends Stay {
  /** Null before the first answer. */
  metadata: GroupMetadata | null = null
  /** Every one that it has had: a commit that was sent with one of them may be sent again with the present one. */
  readonly issued = new WeakSet<GroupMetadata>()
  heartbeats: ConsumerHeartbeats | null = null
  /** Heartbeats that were answered well, the join included. */
  answers = 0
}

/**
 * A member of a group of KIP-848, where the coordinator assigns (Java's ConsumerMembershipManager). All that the two tell
 * each other is in heartbeats; there are no generations that everybody has to come to at the same time. In `GroupMetadata`
 * the member epoch is in the place of the generation.
 *
 * All work is one loop, `#run`, that goes from a join to the verdict on that stay, and around. Within a stay heartbeats
 * and the reconciler go on side by side: giving partitions up may take minutes, which the coordinator waits only for a
 * member that is heard of.
 */
export class ConsumerMember implements GroupMember {
  readonly #cluster: Cluster
  readonly #options: ConsumerMemberOptions
  readonly #owner: MemberOwner
  readonly #outside: GroupMetadata
  readonly #backoff: Backoff
  readonly #leaving = new AbortController()
  /** Made by ourselves (KIP-1082), and kept for life, but with brokers of version 0: those make it. */
  #memberId = randomUuid()
  /** By a broker of version 0, or sent to a newer one. */
  #isIdKnown = false
  /** A join was sent, and no goodbye since: the coordinator may know of us. */
  #mayBeMember = false
  #memberEpoch = joinEpoch
  #hasHadPattern = false
  #stay: ConsumerStay | null = null
  /** Of a commit that waits for a newer epoch: it does so once. */
  #awaited: GroupMetadata | null = null
  #isRejoinAskedFor = false
  #wake: (() => void) | null = null
  #running: Promise<void> | null = null
  #departure: Promise<void> | null = null

  constructor(cluster: Cluster, options: ConsumerMemberOptions, owner: MemberOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
    const { groupId, groupInstanceId } = options
    this.#backoff = new Backoff(options.retryBackoffMs, options.retryBackoffMaxMs)
    this.#outside = { groupId, generationId: -1, memberId: '', groupInstanceId }
  }

  /** Outside of the group from the moment that its loss is known, before the owner is told. */
  get metadata(): GroupMetadata {
    const stay = this.#stay
    return stay === null || stay.over.aborted ? this.#outside : (stay.metadata ?? this.#outside)
  }

  start(): void {
    if (this.#leaving.signal.aborted) return
    // What is caught here was thrown by the owner's onFatal itself: there is nobody left to tell.
    this.#running ??= this.#run().catch(() => {})
  }

  /** Tells the coordinator what has changed, or comes back after `onLate`. */
  rejoin(_reason: string): void {
    this.#isRejoinAskedFor = true
    this.#stay?.heartbeats?.hurry()
    this.#wake?.()
  }

  /** Nothing: when partitions are shared out anew is up to the coordinator. Java's does nothing in this protocol either. */
  enforceRebalance(_reason: string): void {}

  afterRebalance(sentWith: GroupMetadata): Promise<void> | null {
    const stay = this.#stay
    // Of before a fence: others may have had the partitions since, and committed more than this.
    if (stay === null || stay.over.aborted || !stay.issued.has(sentWith)) return null
    if (this.metadata.generationId > sentWith.generationId) return Promise.resolve()
    // The coordinator has gone on to an epoch that is on its way here, in an answer of now or of soon. If not, it is lost.
    if (this.#awaited === sentWith || stay.heartbeats === null) return null
    this.#awaited = sentWith
    return stay.heartbeats.nextAnswer()
  }

  /** The coordinator's answer to a heartbeat is what decides: the member asks for that at once. */
  onCommitRefused(errorCode: number, sentWith: GroupMetadata): void {
    const stay = this.#stay
    if (stay === null || !stay.issued.has(sentWith)) return
    switch (errorCode) {
      case errorCodes.staleMemberEpoch:
      case errorCodes.illegalGeneration:
      case errorCodes.unknownMemberId:
      case errorCodes.fencedInstanceId:
        stay.heartbeats?.hurry()
    }
  }

  leave(deadline: Deadline, _reason?: string, operation?: GroupMembershipOperation): Promise<void> {
    this.#departure ??= this.#depart(deadline, operation ?? 'default')
    return this.#departure
  }

  async #depart(deadline: Deadline, operation: GroupMembershipOperation): Promise<void> {
    this.#leaving.abort()
    this.#stay?.end({ kind: 'left' })
    this.#stay?.heartbeats?.stop()
    this.#wake?.()
    this.#owner.onState('left')
    await Promise.allSettled([
      deadline.race(this.#running ?? Promise.resolve(), 'the end of the membership'),
      this.#sendLeave(deadline, operation),
    ])
  }

  /**
   * Never rejects. Dynamic members leave, static ones for a while: the coordinator keeps their partitions for the session,
   * and a new member of the same instance id gets them at once (Java's `leaveGroupEpoch`, KIP-1092).
   */
  async #sendLeave(deadline: Deadline, operation: GroupMembershipOperation): Promise<void> {
    const { groupId, groupInstanceId: instanceId } = this.#options
    const isStatic = instanceId !== null
    if (!this.#mayBeMember || !this.#isIdKnown || (operation === 'remainInGroup' && !isStatic)) return
    const memberEpoch = isStatic && operation !== 'leaveGroup' ? staticLeaveEpoch : leaveEpoch
    await sendConsumerLeave(
      this.#cluster,
      { groupId, memberId: this.#memberId, memberEpoch, instanceId },
      deadline,
    )
    // A late member's may be cut short by `leave()`, before it was heard or even written: that says goodbye itself then.
    if (!deadline.signal?.aborted) this.#mayBeMember = false
  }

  async #run(): Promise<void> {
    try {
      while (!this.#leaving.signal.aborted) await this.#settle(await this.#live())
    } catch (error) {
      if (this.#leaving.signal.aborted) return
      this.#owner.onState('left')
      await this.#lose()
      if (!this.#leaving.signal.aborted) this.#owner.onFatal(kafkaErrorOf(error, this.#options.groupId))
    }
  }

  /** From a join to the verdict on what came of it, with nothing under way any more. */
  async #live(): Promise<{ verdict: Verdict; hasStayed: boolean }> {
    const stay = new ConsumerStay()
    this.#memberEpoch = joinEpoch
    const heartbeats: ConsumerHeartbeats = new ConsumerHeartbeats(this.#cluster, this.#options, {
      identity: (version) => this.#identity(version),
      statement: () => this.#statement(),
      owned: () => reconciler.owned(),
      lastPollAt: () => this.#owner.lastPollAt(),
      onJoin: () => {
        this.#mayBeMember = true
      },
      onAnswer: (answer) => {
        this.#take(stay, answer)
        if (answer.assignment !== null) reconciler.take(answer.assignment.topicPartitions)
      },
      onVerdict: (verdict) => stay.end(verdict),
      onTrouble: (error) => this.#owner.onTrouble(error),
    })
    const reconciler: Reconciler = new Reconciler(this.#cluster, this.#options, stay, {
      member: this.#owner,
      onGivenUp: () => heartbeats.acknowledge(),
      checkPace: () => heartbeats.checkPace(),
    })
    stay.heartbeats = heartbeats
    this.#stay = stay
    heartbeats.start()
    reconciler.start()
    await stay.whenEnded()
    heartbeats.stop()
    await Promise.all([heartbeats.ended(), reconciler.ended()])
    // Not the one from above: while partitions were handed over, a graver one may have come.
    return { verdict: stay.verdict!, hasStayed: stay.answers > 1 }
  }

  #identity(version: number): { memberId: string; memberEpoch: number } {
    if (version >= 1) this.#isIdKnown = true
    return { memberId: this.#isIdKnown ? this.#memberId : '', memberEpoch: this.#memberEpoch }
  }

  #statement(): MemberStatement {
    const { clientRack, maxPollIntervalMs, groupRemoteAssignor } = this.#options
    const pattern = this.#owner.topicPattern()
    this.#hasHadPattern ||= pattern !== null
    return {
      rackId: clientRack,
      rebalanceTimeoutMs: maxPollIntervalMs,
      topics: this.#owner.topics(),
      // Null would be "unchanged", also where all is told again.
      pattern: pattern ?? (this.#hasHadPattern ? '' : null),
      serverAssignor: groupRemoteAssignor,
    }
  }

  #take(stay: ConsumerStay, { memberId, memberEpoch }: ConsumerGroupHeartbeatResponse): void {
    if (memberId !== null && memberId !== '') this.#memberId = memberId
    this.#isIdKnown = true
    this.#memberEpoch = memberEpoch
    stay.answers++
    if (stay.metadata?.generationId === memberEpoch) return
    const { groupId, groupInstanceId } = this.#options
    stay.metadata = { groupId, generationId: memberEpoch, memberId: this.#memberId, groupInstanceId }
    stay.issued.add(stay.metadata)
  }

  /** Acts on the verdict, so that a join can follow. Throws what is fatal. */
  async #settle({ verdict, hasStayed }: { verdict: Verdict; hasStayed: boolean }): Promise<void> {
    if (verdict.kind === 'left') return
    if (verdict.kind === 'fatal') throw verdict.error
    this.#owner.onState('unjoined')
    if (verdict.kind === 'lost') {
      await this.#lose()
      // A join at once, but not for ever: this coordinator refuses joins as well, or what comes right after them.
      if (hasStayed) this.#backoff.reset()
      else await sleep(this.#backoff.next(), this.#leaving.signal)
      return
    }
    // Of the classic protocol alone.
    if (verdict.kind === 'rejoin') return
    // Whatever was asked for before, a late application comes back when it asks for records, not sooner.
    this.#isRejoinAskedFor = false
    const limit = new Deadline(Number.POSITIVE_INFINITY, this.#leaving.signal)
    const departure = this.#sendLeave(limit, 'default')
    await this.#lose()
    await departure
    if (this.#leaving.signal.aborted) return
    this.#owner.onLate(verdict.error)
    await this.#rejoinAskedFor()
  }

  /** Tells the owner that what it holds is lost. */
  async #lose(): Promise<void> {
    const owned = [...this.#owner.ownedPartitions()]
    if (owned.length === 0) return
    const deadline = new Deadline(this.#options.maxPollIntervalMs, this.#leaving.signal)
    await deadline.race(this.#owner.onLost(owned, deadline), 'the rebalance').catch(() => {})
  }

  #rejoinAskedFor(): Promise<void> {
    if (this.#isRejoinAskedFor || this.#leaving.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }
}

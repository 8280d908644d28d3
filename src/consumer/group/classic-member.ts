import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { partitionKey } from '../../cluster/partition-leaders.ts'
import { Deadline, sleep } from '../../deadline.ts'
import { GroupError, messageOf } from '../../errors.ts'
import { type JoinGroupResponse, joinGroup } from '../../protocol/apis/join-group.ts'
import { type SyncGroupRequest, syncGroup } from '../../protocol/apis/sync-group.ts'
import { errorCodes } from '../../protocol/broker-errors.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { PartitionAssignor, TopicPartition } from './assignors/assignor.ts'
import type { ClassicMemberOptions } from './classic-member-options.ts'
import { Generation } from './generation.ts'
import { leadGroup, PartitionWatch } from './group-leader.ts'
import type { GroupMember, GroupMembershipOperation, GroupMetadata, MemberOwner } from './group-member.ts'
import {
  consumerProtocolType,
  joinError,
  joinGroupBody,
  readAssignment,
  retriableOnly,
  sendLeave,
} from './group-requests.ts'
import { HeartbeatLoop, kafkaErrorOf } from './heartbeat-loop.ts'
import { type MemberState, step } from './member-state.ts'
import { verdictOf } from './verdict.ts'

export type { ClassicMemberOptions } from './classic-member-options.ts'

/** What the coordinator needs beyond the rebalance timeout until its answer is here (Java's JOIN_GROUP_TIMEOUT_LAPSE). */
const joinTimeoutLapseMs = 5_000
/** Joins in a row without a pause: MEMBER_ID_REQUIRED and a forgotten member id each ask for one at once. */
const hastyJoins = 3
/** The first JoinGroup is answered at once, by brokers from 2.2 on. */
const memberIdGraceMs = 500
const int32Max = 0x7fffffff

interface Joined {
  readonly generation: Generation
  readonly response: JoinGroupResponse
  /** What it joined with. */
  readonly topics: ReadonlySet<string>
}

/**
 * A member of a classic consumer group: JoinGroup, SyncGroup, Heartbeat, LeaveGroup (Java's ConsumerCoordinator).
 *
 * All work is one loop, `#run`, that goes from a join to the verdict on what came of it, and around. Whatever happens
 * meanwhile (heartbeats, refused commits, changed topics) leaves its verdict with the generation that it is about, and
 * the loop acts on it in its own time: so the owner's partition events can never overlap.
 *
 * JoinGroup and SyncGroup wait at the coordinator for other members, and all behind them on the same connection waits
 * too: two members of one group must not share a `Cluster`.
 */
export class ClassicMember implements GroupMember {
  readonly #cluster: Cluster
  readonly #options: ClassicMemberOptions
  readonly #owner: MemberOwner
  readonly #outside: GroupMetadata
  readonly #backoff: Backoff
  readonly #leaving = new AbortController()
  /** Aborted when leaving does not wait for a member id any more. */
  readonly #gone = new AbortController()
  #state: MemberState = 'unjoined'
  /** Empty until the coordinator gives one. Kept from generation to generation. */
  #memberId = ''
  #generation: Generation | null = null
  /** Generation in which the partitions that are owned now were assigned; -1: none. */
  #ownedSince = -1
  /** The generation before, while partitions of it are kept in a rebalance; the coordinator takes commits for it. */
  #kept: GroupMetadata | null = null
  /** Monotonic milliseconds at which joining began to fail, with partitions in hand; null: it has not. */
  #failingSince: number | null = null
  #onNewState: (() => void)[] = []
  /** The owner is busy with a partition event. */
  #isTelling = false
  /** Asked for by `rejoin()`, and not covered by a JoinGroup yet. */
  #rejoinReason: string | null = null
  /** For the broker's log (KIP-800). */
  #joinReason = 'joins the group'
  /** Joins since the last assignment. */
  #attempts = 0
  #wake: (() => void) | null = null
  #running: Promise<void> | null = null
  #departure: Promise<void> | null = null

  constructor(cluster: Cluster, options: ClassicMemberOptions, owner: MemberOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
    const { groupId, groupInstanceId } = options
    this.#outside = { groupId, generationId: -1, memberId: '', groupInstanceId }
    this.#backoff = new Backoff(options.retryBackoffMs, options.retryBackoffMaxMs)
  }

  /**
   * Whether partitions are kept while the group rebalances (KIP-429). With both kinds of assignors in the list they are
   * not: the group may choose an eager one next, which would give what is kept here to somebody else.
   */
  get #isCooperative(): boolean {
    return this.#options.assignors.every(({ rebalanceProtocol }) => rebalanceProtocol === 'cooperative')
  }

  get state(): MemberState {
    return this.#state
  }

  /** Outside of a generation from the moment that its loss is known, before the owner is told. */
  get metadata(): GroupMetadata {
    if (this.#isBetween) return this.#kept ?? this.#outside
    const generation = this.#state === 'stable' ? this.#generation : null
    return generation === null || generation.over.aborted ? this.#outside : generation.metadata
  }

  /** On the way from one generation to the next, with partitions in hand that stay ours. */
  get #isBetween(): boolean {
    if (this.#kept === null) return false
    // `stable` and without a generation: in the turns between the end of one round and the beginning of the next.
    return this.#state !== 'stable' || this.#generation === null
  }

  afterRebalance(sentWith: GroupMetadata): Promise<void> | null {
    const { generationId, memberId } = this.metadata
    const isNext = generationId > sentWith.generationId && memberId === sentWith.memberId
    if (isNext && this.#isCooperative) return Promise.resolve()
    // The next generation would wait for the event, and the event for its commit.
    if (this.#isTelling || !this.#isBetween) return null
    return new Promise((resolve) => void this.#onNewState.push(resolve))
  }

  enforceRebalance(reason: string): void {
    if (this.#state === 'stable') this.rejoin(reason)
  }

  start(): void {
    if (this.#leaving.signal.aborted) return
    // What is caught here was thrown by the owner's onFatal itself: there is nobody left to tell.
    this.#running ??= this.#run().catch(() => {})
  }

  rejoin(reason: string): void {
    if (this.#state === 'left') return
    // Kept for a join on its way too: its topics were read before, so that another one has to follow.
    this.#rejoinReason = reason
    if (this.#state === 'stable') this.#generation?.end({ kind: 'rejoin', reason })
    this.#wake?.()
  }

  onCommitRefused(errorCode: number, sentWith: GroupMetadata): void {
    const generation = this.#generation
    if (generation === null || this.#state !== 'stable') return
    // A commit of generation 4 that is refused once generation 5 is here says nothing about 5.
    const { generationId, memberId } = generation.metadata
    if (sentWith.generationId !== generationId || sentWith.memberId !== memberId) return
    switch (errorCode) {
      case errorCodes.rebalanceInProgress:
      case errorCodes.illegalGeneration:
      case errorCodes.unknownMemberId:
      case errorCodes.fencedInstanceId: {
        const verdict = verdictOf(errorCode, { ...generation.metadata, api: 'OffsetCommit' })
        if (verdict !== null) generation.end(verdict)
      }
    }
  }

  leave(deadline: Deadline, reason?: string, operation?: GroupMembershipOperation): Promise<void> {
    this.#departure ??= this.#depart(deadline, reason ?? 'the consumer is being closed', operation)
    return this.#departure
  }

  async #depart(deadline: Deadline, reason: string, operation?: GroupMembershipOperation): Promise<void> {
    this.#leaving.abort()
    this.#generation?.end({ kind: 'left' })
    this.#generation?.dispose()
    this.#wake?.()
    const awaitsId = this.#state === 'joining' && this.#isUnnamed
    if (this.#state !== 'left') this.#enter('left')
    // The group waits a whole session for a member that was given an id and does not come with it (KIP-394).
    const grace = new Deadline(Math.min(memberIdGraceMs, deadline.remainingMs), deadline.signal)
    if (awaitsId && this.#running !== null) await grace.race(this.#running, 'a member id').catch(() => {})
    this.#gone.abort()
    await Promise.allSettled([
      deadline.race(this.#running ?? Promise.resolve(), 'the end of the membership'),
      this.#sendLeave(deadline, reason, operation),
    ])
  }

  get #isUnnamed(): boolean {
    return this.#memberId === '' && this.#options.groupInstanceId === null
  }

  /** Never rejects. A static member does not leave: it is to find its partitions when it comes back (KIP-345). */
  async #sendLeave(deadline: Deadline, reason: string, operation: GroupMembershipOperation = 'default') {
    const { groupId, groupInstanceId } = this.#options
    const remains = operation === 'default' ? groupInstanceId !== null : operation === 'remainInGroup'
    if (this.#memberId === '' || remains) return
    await sendLeave(this.#cluster, { groupId, groupInstanceId, memberId: this.#memberId }, reason, deadline)
  }

  async #run(): Promise<void> {
    try {
      while (!this.#leaving.signal.aborted) await this.#round()
    } catch (error) {
      if (this.#leaving.signal.aborted) return
      this.#enter('left')
      await this.#lose()
      if (!this.#leaving.signal.aborted) this.#owner.onFatal(kafkaErrorOf(error, this.#options.groupId))
    }
  }

  /** From a join to the verdict on what came of it. Throws what is fatal. */
  async #round(): Promise<void> {
    const joined = await this.#join()
    if (joined === null) return
    const { generation } = joined
    try {
      await this.#sync(joined)
      await generation.whenEnded()
      await this.#settle(generation)
      if (!generation.isAssigned) await this.#again()
    } finally {
      generation.dispose()
      this.#generation = null
    }
  }

  /**
   * Sends JoinGroup and waits for the other members. Null: once more, a pause where one is due has been made.
   *
   * An answer that comes after `leave()` is dropped, but for the id in it: waiting ends with the signal, and `#become`
   * throws when both came in the same turn.
   */
  async #join(): Promise<Joined | null> {
    const { groupId } = this.#options
    if (this.#state !== 'joining') this.#become('joining')
    const topics = [...this.#owner.topics()]
    // All that `rejoin()` asked for until now is in this request; what it asks for from here on needs another one.
    this.#rejoinReason = null
    let response: JoinGroupResponse
    try {
      const ownedPartitions = this.#owner.ownedPartitions()
      const body = joinGroupBody({
        ...this.#options,
        memberId: this.#memberId,
        topics,
        ownedPartitions,
        generationId: this.#ownedSince,
        reason: this.#joinReason,
      })
      response = await this.#cluster.request(joinGroup, body, {
        ...this.#longPoll(this.#isUnnamed ? this.#gone.signal : this.#leaving.signal),
        errorOf: (answer) => retriableOnly(answer.errorCode),
      })
    } catch (error) {
      if (!(error instanceof KafkaError && error.retriable)) throw error
      await this.#loseIfForgotten()
      await this.#pause()
      return null
    }
    this.#failingSince = null
    switch (response.errorCode) {
      case errorCodes.none:
        break
      case errorCodes.memberIdRequired:
        this.#memberId = response.memberId
        return await this.#again()
      case errorCodes.unknownMemberId:
        this.#memberId = ''
        await this.#lose()
        return await this.#again()
      case errorCodes.illegalGeneration:
      case errorCodes.rebalanceInProgress:
        return await this.#again()
      default:
        throw joinError(response.errorCode, this.#options)
    }
    this.#memberId = response.memberId
    this.#become('syncing')
    const { groupInstanceId } = this.#options
    const { memberId, generationId } = response
    const generation = new Generation({ groupId, generationId, memberId, groupInstanceId })
    // From here on and not from the assignment on: a leader may take long to make it, and must not be given up.
    generation.heartbeats = new HeartbeatLoop(this.#cluster, generation.metadata, this.#options, {
      lastPollAt: () => this.#owner.lastPollAt(),
      verdict: (verdict) => generation.end(verdict),
      beat: () => generation.watch?.poke(),
    })
    // Here and not where it is awaited: `leave()` may come in the turns between, and must find what to end.
    this.#generation = generation
    return { generation, response, topics: new Set(topics) }
  }

  /** Gets the assignment, as the leader by making everybody's, and hands it to the owner. Throws what is fatal. */
  async #sync(joined: Joined): Promise<void> {
    const { generation, response, topics } = joined
    const { groupId, generationId, memberId, groupInstanceId } = generation.metadata
    const { protocolName } = response
    const assignor = this.#options.assignors.find(({ name }) => name === protocolName)
    if (assignor === undefined) {
      const names = this.#options.assignors.map(({ name }) => name).join(', ')
      throw new GroupError(
        'INCONSISTENT_GROUP_PROTOCOL',
        `group ${groupId}: the coordinator chose the assignor ${protocolName}, this member has ${names}`,
        { groupId, api: joinGroup.name, fatal: true },
      )
    }
    // It ends with the generation: a heartbeat may hear of the next rebalance, or of our expulsion. The leader may take as
    // long as a rebalance, but one answer is not waited for that long: with one that got lost the member would sit in a
    // stable group without partitions. The coordinator takes the same request again, in place of the first.
    const options = { ...this.#longPoll(generation.ended), timeoutMs: this.#cluster.options.requestTimeoutMs }
    let answer: { errorCode: number; assignment: Uint8Array }
    try {
      const assignments = await this.#lead(joined, assignor, options.deadline)
      const protocolType = consumerProtocolType
      answer = await this.#cluster.request(
        syncGroup,
        { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName, assignments },
        { ...options, errorOf: (one) => retriableOnly(one.errorCode) },
      )
    } catch (error) {
      if (generation.verdict !== null) return
      if (!(error instanceof KafkaError && error.retriable)) throw error
      generation.end({ kind: 'rejoin', reason: `SyncGroup failed: ${messageOf(error)}` })
      return await this.#pause()
    }
    // The answer and a verdict came in the same turn. The generation is over before anything was assigned in it.
    if (generation.verdict !== null) return
    const verdict = verdictOf(answer.errorCode, { groupId, groupInstanceId, api: syncGroup.name })
    if (verdict !== null) return generation.end(verdict)

    const assignment = readAssignment(answer.assignment, topics, groupId)
    this.#become('stable')
    generation.isAssigned = true
    this.#backoff.reset()
    this.#attempts = 0
    this.#ownedSince = generationId
    assignor.onAssignment?.(assignment, generationId)
    const given = new Set(assignment.map(partitionKey))
    const taken = this.#owner.ownedPartitions().filter((one) => !given.has(partitionKey(one)))
    if (!(await this.#revoke(generation, taken))) return
    const before = new Set(this.#owner.ownedPartitions().map(partitionKey))
    const added = assignment.filter((one) => !before.has(partitionKey(one)))
    await this.#tell(generation.over, (deadline) => this.#owner.onAssigned(assignment, added, deadline))
    // Nobody has what was given up until the next generation, so that one is to come at once.
    if (taken.length > 0) this.#rejoinReason ??= 'partitions were given up for others to have'
    // Asked for while JoinGroup or SyncGroup was on its way.
    if (this.#rejoinReason !== null) generation.end({ kind: 'rejoin', reason: this.#rejoinReason })
  }

  /** The assignments of all members, from the leader; none from the others. */
  async #lead(
    { generation, response }: Joined,
    assignor: PartitionAssignor,
    deadline: Deadline,
  ): Promise<SyncGroupRequest['assignments']> {
    if (response.leader !== response.memberId) return []
    const { groupId } = this.#options
    const lead = await leadGroup(this.#cluster, assignor, response, groupId, deadline)
    generation.watch = new PartitionWatch(this.#cluster, lead.counts, (what) => {
      if (this.#generation === generation) this.rejoin(what)
    })
    return lead.assignments()
  }

  /** Acts on the verdict, so that a join can follow. Throws what is fatal. */
  async #settle(generation: Generation): Promise<void> {
    if (generation.verdict?.kind === 'rejoin') {
      this.#joinReason = generation.verdict.reason
      await this.#handOver(generation)
    }
    // Not the one from above: while partitions were handed over, a graver one may have come.
    const verdict = generation.verdict
    if (verdict === null || verdict.kind === 'rejoin' || verdict.kind === 'left') return
    generation.dispose()
    if (verdict.kind === 'fatal') throw verdict.error
    this.#become('unjoined')
    if (verdict.kind === 'lost') {
      this.#joinReason = verdict.reason
      if (verdict.forgetMemberId) this.#memberId = ''
      return await this.#lose()
    }
    // Whatever was asked for before, a late application comes back when it asks for records, not sooner.
    this.#rejoinReason = null
    const limit = new Deadline(Number.POSITIVE_INFINITY, this.#leaving.signal)
    const departure = this.#sendLeave(limit, verdict.error.message)
    await this.#lose()
    await departure
    if (this.#leaving.signal.aborted) return
    if (this.#options.groupInstanceId === null) this.#memberId = ''
    this.#joinReason = 'the application asks for records again'
    this.#owner.onLate(verdict.error)
    await this.#rejoinAskedFor()
  }

  /**
   * Eager rebalancing: everything is given up before the join. Cooperative: only what is not subscribed to any more.
   * Heartbeats go on meanwhile, answered by REBALANCE_IN_PROGRESS: the coordinator waits up to maxPollIntervalMs for us.
   */
  async #handOver(generation: Generation): Promise<void> {
    const owned = [...this.#owner.ownedPartitions()]
    const topics = new Set(this.#owner.topics())
    const goes = this.#isCooperative ? owned.filter(({ topic }) => !topics.has(topic)) : owned
    if (goes.length < owned.length) this.#kept = generation.metadata
    await this.#revoke(generation, goes)
  }

  /** False, with a verdict, when these were not handed over in order. */
  async #revoke(generation: Generation, partitions: readonly TopicPartition[]): Promise<boolean> {
    if (partitions.length === 0) return true
    const isDone = await this.#tell(generation.over, (deadline) =>
      this.#owner.onRevoked(partitions, deadline),
    )
    if (isDone) return true
    // The event's time is over at the same moment as that of an application that was given records right before it. It
    // depends on the order of two timers which is seen first, and to be late must not look like a loss that a join mends.
    generation.heartbeats?.checkClocks()
    // Not finished: the group has gone on without us, or is about to. Counts when there is no graver verdict.
    generation.end({ kind: 'lost', reason: 'partitions were not handed over in time', forgetMemberId: false })
    return false
  }

  /** JoinGroup at the coordinator is a sign of life. A session after it has failed, others may have what is kept here. */
  async #loseIfForgotten(): Promise<void> {
    const now = performance.now()
    this.#failingSince ??= now
    if (now - this.#failingSince >= this.#options.sessionTimeoutMs) await this.#lose()
  }

  /** Tells the owner that what it holds is lost. */
  async #lose(): Promise<void> {
    this.#ownedSince = -1
    this.#kept = null
    const owned = [...this.#owner.ownedPartitions()]
    if (owned.length === 0) return
    await this.#tell(this.#leaving.signal, (deadline) => this.#owner.onLost(owned, deadline))
  }

  /** A partition event, within its deadline. False when it failed, took too long, or `signal` came before its end. */
  async #tell(signal: AbortSignal, event: (deadline: Deadline) => Promise<void>): Promise<boolean> {
    const deadline = new Deadline(this.#options.maxPollIntervalMs, signal)
    this.#isTelling = true
    try {
      await deadline.race(event(deadline), 'the rebalance')
      return true
    } catch {
      return false
    } finally {
      this.#isTelling = false
    }
  }

  #rejoinAskedFor(): Promise<void> {
    if (this.#rejoinReason !== null || this.#leaving.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }

  /** Options of requests that wait at the coordinator for the other members. */
  #longPoll(signal: AbortSignal) {
    const { groupId, maxPollIntervalMs } = this.#options
    const { requestTimeoutMs } = this.#cluster.options
    const timeoutMs = Math.min(Math.max(requestTimeoutMs, maxPollIntervalMs + joinTimeoutLapseMs), int32Max)
    // Longer than one answer may take, so that a connection that swallows everything is closed and not just left.
    const deadline = new Deadline(timeoutMs + requestTimeoutMs, signal)
    return { to: { group: groupId }, purpose: 'group', deadline, timeoutMs, groupId } as const
  }

  /** For a join that is due at once, unless the coordinator keeps asking for it without ever assigning anything. */
  async #again(): Promise<null> {
    this.#attempts++
    if (this.#attempts >= hastyJoins) await this.#pause()
    return null
  }

  async #pause(): Promise<void> {
    await sleep(this.#backoff.next(), this.#leaving.signal)
  }

  /** Changes the state. Throws after `leave()`, for which `#run` looks: whatever was awaited before is dropped. */
  #become(state: MemberState): void {
    this.#leaving.signal.throwIfAborted()
    this.#enter(state)
  }

  #enter(state: MemberState): void {
    this.#state = step(this.#state, state)
    this.#owner.onState(state)
    if (state === 'joining' || state === 'syncing') return
    this.#kept = null
    for (const resolve of this.#onNewState.splice(0)) resolve()
  }
}

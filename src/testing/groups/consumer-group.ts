import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import { consumerAssignors } from './consumer-assignors.ts'
import { ConsumerMember, joinEpoch, leaveEpoch, staticLeaveEpoch } from './consumer-member.ts'
import { ConsumerSubscriptions } from './consumer-subscriptions.ts'
import type { Group } from './group.ts'
import { GroupError } from './group-error.ts'
import type { CommittedOffset, GroupOffsets } from './group-offsets.ts'
import { reconcileMember } from './reconcile-member.ts'
import type { MayDescribe } from './regex-subscriptions.ts'
import {
  noPartitions,
  samePartitions,
  type TopicIdPartitions,
  type TopicPartitionMap,
  toTopicIdPartitions,
} from './topic-partition-map.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** What a heartbeat says; null: unchanged, or not told. */
export interface ConsumerHeartbeat {
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  /** -1: unchanged. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  /** What the member owns. */
  readonly topicPartitions: readonly TopicIdPartitions[] | null
}

/** Where a heartbeat comes from. */
export interface HeartbeatSource {
  readonly clientId: string
  readonly clientHost: string
  readonly mayDescribe: MayDescribe
}

export interface ConsumerHeartbeatAnswer {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: unchanged. */
  readonly assignment: readonly { topicId: string; partitions: number[] }[] | null
}

/**
 * A group of the protocol of KIP-848: the coordinator itself assigns, and each member is brought to its target by its own
 * heartbeats (Java's `ConsumerGroup` and what `GroupMetadataManager` does with it).
 */
export class ConsumerGroup implements Group {
  readonly groupId: string
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly offsets: GroupOffsets
  readonly members = new Map<string, ConsumerMember>()
  readonly #cluster: KafkaCluster
  readonly #subscriptions: ConsumerSubscriptions
  /** Member ids by instance id. */
  readonly #static = new Map<string, string>()
  #groupEpoch = 0
  #assignmentEpoch = 0
  #assignedAtMs = Number.NEGATIVE_INFINITY
  #targets: ReadonlyMap<string, TopicPartitionMap> = new Map()

  /** @param offsets those of the group that it takes the place of. */
  constructor(cluster: KafkaCluster, groupId: string, offsets: GroupOffsets) {
    this.#cluster = cluster
    this.groupId = groupId
    this.offsets = offsets
    this.#subscriptions = new ConsumerSubscriptions(cluster, this.members, () => this.#bump())
    // Since 4.3 a new group has an empty assignment before it has members, and the first real one need not wait.
    if (this.#waitsBetweenAssignments) {
      this.#groupEpoch = 1
      this.#assignmentEpoch = 1
    }
  }

  get groupEpoch(): number {
    return this.#groupEpoch
  }

  get assignmentEpoch(): number {
    return this.#assignmentEpoch
  }

  get state(): string {
    if (this.members.size === 0) return 'Empty'
    if (this.#groupEpoch > this.#assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!member.isReconciledTo(this.#assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  get hasMembers(): boolean {
    return this.members.size > 0
  }

  /** The one that most members ask for, else the first of `group.consumer.assignors`. */
  get assignorName(): string {
    const counts = new Map<string, number>()
    for (const { serverAssignor } of this.members.values()) {
      if (serverAssignor !== null) counts.set(serverAssignor, (counts.get(serverAssignor) ?? 0) + 1)
    }
    const [most] = [...counts].sort(([, a], [, b]) => b - a)
    return most?.[0] ?? this.#cluster.config.getList('group.consumer.assignors')[0] ?? 'uniform'
  }

  targetOf(memberId: string): TopicPartitionMap {
    return this.#targets.get(memberId) ?? noPartitions
  }

  /**
   * A heartbeat of a member that is there, or joins with epoch 0.
   *
   * @throws GroupError and then nothing has changed.
   */
  heartbeat(request: ConsumerHeartbeat, source: HeartbeatSource): ConsumerHeartbeatAnswer {
    const { memberEpoch, rebalanceTimeoutMs, topicPartitions } = request
    const memberId = request.memberId === '' ? this.#cluster.random.uuid() : request.memberId
    this.#checkSize(memberId)
    const known = this.#find(memberId, request)
    this.#subscriptions.check(known, request.subscribedTopicRegex)
    const member = this.#enter(known, memberId, request)
    const before = member.assigned
    const subscriptionChanged = this.#update(member, request, source)
    this.#maybeAssign()
    this.#reconcile(member, subscriptionChanged, topicPartitions)
    this.#startSession(member)
    const tellsAll =
      rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      topicPartitions !== null
    const isTold = memberEpoch === joinEpoch || tellsAll || !samePartitions(member.assigned, before)
    return {
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.#config('consumer.heartbeat.interval.ms'),
      assignment: isTold ? toTopicIdPartitions(member.assigned) : null,
    }
  }

  /**
   * A member leaves: with epoch -1 for good, with -2 (static members) for as long as its session lasts.
   *
   * @throws GroupError
   */
  leave(memberId: string, instanceId: string | null, memberEpoch: number): void {
    if (instanceId === null) {
      const member = this.members.get(memberId)
      if (member === undefined) throw this.#unknownMember(memberId)
      return this.#remove(member)
    }
    const member = this.#staticMember(memberId, instanceId)
    if (memberEpoch === leaveEpoch) return this.#remove(member)
    member.memberEpoch = staticLeaveEpoch
    member.pendingRevocation = new Map()
    member.rebalanceTimer?.cancel()
    member.rebalanceTimer = null
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscriptions.has(topic)
  }

  checkCommit(
    memberId: string,
    memberEpoch: number,
    _groupInstanceId: string | null,
    apiVersion: number,
  ): ErrorName | null {
    if (memberEpoch < 0 && this.members.size === 0) return null
    if (!this.members.has(memberId)) return 'UNKNOWN_MEMBER_ID'
    if (apiVersion < 9) return 'UNSUPPORTED_VERSION'
    return this.#checkEpoch(memberId, memberEpoch)
  }

  checkTxnCommit(memberId: string, memberEpoch: number): ErrorName | null {
    if (memberEpoch < 0 && this.members.size === 0) return null
    return this.#checkEpoch(memberId, memberEpoch)
  }

  checkCommitPartition(
    memberId: string,
    memberEpoch: number,
    topic: string,
    partition: number,
  ): ErrorName | null {
    const member = this.members.get(memberId)
    if (member === undefined || member.memberEpoch === memberEpoch) return null
    const topicId = this.#cluster.topics.get(topic)?.id
    const assignedIn =
      topicId === undefined
        ? undefined
        : (member.assigned.get(topicId)?.get(partition) ??
          member.pendingRevocation.get(topicId)?.get(partition))
    return assignedIn !== undefined && memberEpoch >= assignedIn ? null : 'STALE_MEMBER_EPOCH'
  }

  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName | null {
    if (memberId === null && memberEpoch < 0) return null
    const member = this.members.get(memberId ?? '')
    if (member === undefined) return 'UNKNOWN_MEMBER_ID'
    return member.memberEpoch === memberEpoch ? null : 'STALE_MEMBER_EPOCH'
  }

  retentionStartMs(committed: CommittedOffset): number {
    return committed.committedAtMs
  }

  /** The new coordinator has heard of nobody yet: each member has the time of a whole session to show up. */
  coordinatorMoved(brokerId: number): void {
    for (const member of this.members.values()) {
      if (brokerId === -1) member.sessionTimer?.cancel()
      else this.#startSession(member)
    }
  }

  dispose(): void {
    this.#subscriptions.dispose()
    for (const member of this.members.values()) member.cancelTimers()
  }

  get #waitsBetweenAssignments(): boolean {
    return this.#cluster.profile.version === '4.3'
  }

  #config(name: string): number {
    return this.#cluster.groupConfigs.get(this.groupId).getNumber(name)
  }

  #unknownMember(memberId: string): GroupError {
    return new GroupError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.groupId}.`)
  }

  #checkSize(memberId: string): void {
    const limit = this.#cluster.config.getNumber('group.consumer.max.size')
    if (this.members.size < limit || this.members.has(memberId)) return
    throw new GroupError(
      'GROUP_MAX_SIZE_REACHED',
      `The consumer group has reached its maximum capacity of ${limit} members.`,
    )
  }

  /** The member that a heartbeat is of, or whose place it takes; null: a new one. */
  #find(memberId: string, request: ConsumerHeartbeat): ConsumerMember | null {
    const { instanceId, memberEpoch, topicPartitions } = request
    if (instanceId !== null) {
      if (memberEpoch !== joinEpoch) {
        const member = this.#staticMember(memberId, instanceId)
        checkMemberEpoch(member, memberEpoch, topicPartitions)
        return member
      }
      const owner = this.members.get(this.#static.get(instanceId) ?? '')
      if (owner === undefined) return this.members.get(memberId) ?? null
      if (owner.memberEpoch === staticLeaveEpoch) return owner
      throw new GroupError(
        'UNRELEASED_INSTANCE_ID',
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${owner.memberId} member.`,
      )
    }
    const member = this.members.get(memberId)
    if (member === undefined) {
      if (memberEpoch === joinEpoch) return null
      throw this.#unknownMember(memberId)
    }
    if (memberEpoch !== joinEpoch) checkMemberEpoch(member, memberEpoch, topicPartitions)
    return member
  }

  #staticMember(memberId: string, instanceId: string): ConsumerMember {
    const member = this.members.get(this.#static.get(instanceId) ?? '')
    if (member === undefined) {
      throw new GroupError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
    }
    if (member.memberId !== memberId) {
      throw new GroupError(
        'FENCED_INSTANCE_ID',
        `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
      )
    }
    return member
  }

  /** Puts a member where it belongs: a new one, one that is there, or one in the place of a static member. */
  #enter(known: ConsumerMember | null, memberId: string, { instanceId }: ConsumerHeartbeat): ConsumerMember {
    const replaces = instanceId !== null && known !== null && known.memberEpoch === staticLeaveEpoch
    let member = known ?? new ConsumerMember(memberId)
    if (replaces) {
      member = known.replacedBy(memberId)
      known.cancelTimers()
      this.members.delete(known.memberId)
      const targets = new Map(this.#targets)
      targets.delete(known.memberId)
      targets.set(memberId, this.targetOf(known.memberId))
      this.#targets = targets
    }
    this.members.set(memberId, member)
    if (instanceId !== null) this.#static.set(instanceId, memberId)
    return member
  }

  /** Takes over what the heartbeat says. Whether the member reads other topics from now on. */
  #update(member: ConsumerMember, request: ConsumerHeartbeat, source: HeartbeatSource): boolean {
    member.clientId = source.clientId
    member.clientHost = source.clientHost
    if (request.instanceId !== null) member.instanceId = request.instanceId
    if (request.rackId !== null) member.rackId = request.rackId
    if (request.rebalanceTimeoutMs !== -1) member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    if (request.serverAssignor !== null) member.serverAssignor = request.serverAssignor
    const { subscribedTopicNames: names, subscribedTopicRegex: regex } = request
    const { changed, needsAssignment } = this.#subscriptions.update(member, names, regex, source.mayDescribe)
    if (needsAssignment || this.#groupEpoch === 0) this.#bump()
    return changed
  }

  /** Something has changed that asks for another assignment: it is made with the next heartbeat. */
  #bump(): void {
    this.#groupEpoch++
    this.#subscriptions.takeNote()
  }

  /** At most once in `consumer.assignment.interval.ms`: who comes in between joins the assignment of before. */
  #maybeAssign(): void {
    if (this.#groupEpoch <= this.#assignmentEpoch) return
    const { clock, topics } = this.#cluster
    if (this.#waitsBetweenAssignments) {
      if (clock.now() < this.#assignedAtMs + this.#config('consumer.assignment.interval.ms')) return
    }
    // One of the broker's own classes cannot be here; then the default has to do.
    const assignor = consumerAssignors.get(this.assignorName) ?? uniformAssignor
    this.#targets = assignor.assign({
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        instanceId: member.instanceId,
        subscribedTopicIds: this.#subscriptions.topicIdsOf(member),
        target: this.targetOf(member.memberId),
      })),
      partitionCounts: new Map([...topics].map(({ id, partitions }) => [id, partitions.length])),
    })
    this.#assignmentEpoch = this.#groupEpoch
    this.#assignedAtMs = clock.now()
  }

  #reconcile(
    member: ConsumerMember,
    subscriptionChanged: boolean,
    owned: readonly TopicIdPartitions[] | null,
  ): void {
    const targetEpoch = this.#assignmentEpoch
    if (!subscriptionChanged && member.isReconciledTo(targetEpoch)) return
    const { state, memberEpoch, pendingRevocation } = member
    reconcileMember(member, {
      targetEpoch,
      target: this.targetOf(member.memberId),
      subscribedTopicIds: this.#subscriptions.topicIdsOf(member),
      subscriptionChanged,
      owned,
      heldByOther: (topicId, partition) => {
        for (const other of this.members.values()) {
          if (other !== member && other.holds(topicId, partition)) return true
        }
        return false
      },
    })
    if (member.state !== 'UNREVOKED_PARTITIONS') {
      member.rebalanceTimer?.cancel()
      member.rebalanceTimer = null
    } else if (state !== member.state || pendingRevocation !== member.pendingRevocation) {
      this.#startRebalance(member, memberEpoch)
    }
  }

  #startSession(member: ConsumerMember): void {
    member.sessionTimer?.cancel()
    const timeoutMs = this.#config('consumer.session.timeout.ms')
    member.sessionTimer = this.#cluster.clock.after(timeoutMs, () => this.#remove(member))
  }

  /** Whoever has not given its partitions back by then is out of the group. */
  #startRebalance(member: ConsumerMember, memberEpoch: number): void {
    member.rebalanceTimer?.cancel()
    member.rebalanceTimer = this.#cluster.clock.after(member.rebalanceTimeoutMs, () => {
      if (member.memberEpoch === memberEpoch) this.#remove(member)
    })
  }

  #remove(member: ConsumerMember): void {
    member.cancelTimers()
    this.members.delete(member.memberId)
    if (member.instanceId !== null) this.#static.delete(member.instanceId)
    const targets = new Map(this.#targets)
    targets.delete(member.memberId)
    this.#targets = targets
    this.#subscriptions.forget(member)
    this.#bump()
  }

  /** An older epoch may do for some partitions (KIP-1251): `checkCommitPartition` tells. */
  #checkEpoch(memberId: string, memberEpoch: number): ErrorName | null {
    const member = this.members.get(memberId)
    if (member === undefined) return 'UNKNOWN_MEMBER_ID'
    if (member.memberEpoch === memberEpoch) return null
    const mayBeOlder = this.#cluster.profile.version === '4.3' && memberEpoch < member.memberEpoch
    return mayBeOlder ? null : 'STALE_MEMBER_EPOCH'
  }
}

/**
 * The epoch has to be that of the member. The one before is accepted of a member that owns nothing else than it is to: the
 * answer with the new one has been lost.
 */
function checkMemberEpoch(
  member: ConsumerMember,
  epoch: number,
  owned: readonly TopicIdPartitions[] | null,
): void {
  const known = member.memberEpoch
  if (epoch === known) return
  if (epoch < known && epoch === member.previousMemberEpoch && member.ownsOnlyAssigned(owned)) return
  throw new GroupError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${epoch > known ? 'greater' : 'smaller'} member epoch (${epoch}) than the one known by the group coordinator (${known}). The member must abandon all its partitions and rejoin.`,
  )
}

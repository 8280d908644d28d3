import type { ClockTimer } from '../clock.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Topic } from '../cluster/topic.ts'
import type { ErrorName } from '../error-codes.ts'
import { joinEpoch } from './consumer-member.ts'
import type { Group } from './group.ts'
import { GroupError } from './group-error.ts'
import { GroupOffsets } from './group-offsets.ts'
import { ShareMember } from './share-member.ts'
import { SharePartition } from './share-partition.ts'
import { simpleAssignor } from './simple-assignor.ts'
import {
  noPartitions,
  samePartitions,
  type TopicPartitionMap,
  toTopicIdPartitions,
} from './topic-partition-map.ts'

/** What a heartbeat says; null: unchanged. */
export interface ShareHeartbeat {
  readonly memberId: string
  readonly memberEpoch: number
  readonly rackId: string | null
  readonly subscribedTopicNames: readonly string[] | null
}

export interface ShareHeartbeatAnswer {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: unchanged. */
  readonly assignment: { topicId: string; partitions: number[] }[] | null
}

/**
 * A group whose members share the records of partitions among them (KIP-932; Java's `ShareGroup` and what
 * `GroupMetadataManager` does with it). It also holds where the group is in each partition, which in Kafka is the share
 * coordinator's part.
 */
export class ShareGroup implements Group {
  readonly groupId: string
  readonly type = 'share'
  readonly protocolType = 'share'
  readonly offsets = new GroupOffsets()
  readonly members = new Map<string, ShareMember>()
  readonly #cluster: KafkaCluster
  readonly #unwatch: () => void
  /** By topic id. Partitions are made known to the group's state before they are assigned. */
  readonly #partitions = new Map<string, SharePartition[]>()
  #groupEpoch = 1
  #assignmentEpoch = 1
  #assignedAtMs = Number.NEGATIVE_INFINITY
  #targets: ReadonlyMap<string, TopicPartitionMap> = new Map()
  #initializing: ClockTimer | null = null
  #partitionsChanged = false

  constructor(cluster: KafkaCluster, groupId: string) {
    this.#cluster = cluster
    this.groupId = groupId
    this.#unwatch = cluster.topics.watch((topic) => this.#onTopicChanged(topic))
  }

  get groupEpoch(): number {
    return this.#groupEpoch
  }

  get assignmentEpoch(): number {
    return this.#assignmentEpoch
  }

  get assignorName(): string {
    return simpleAssignor.name
  }

  get state(): string {
    return this.members.size === 0 ? 'Empty' : 'Stable'
  }

  get hasMembers(): boolean {
    return this.members.size > 0
  }

  /** Ids of the topics that the group has a state of. */
  get topicIds(): string[] {
    return [...this.#partitions.keys()]
  }

  /** Undefined: the group has no state of it. */
  partition(topicId: string, index: number): SharePartition | undefined {
    return this.#partitions.get(topicId)?.[index]
  }

  /** The state of a partition, made where there is none. */
  initialize(topic: Topic, index: number): SharePartition {
    let partitions = this.#partitions.get(topic.id)
    if (partitions === undefined) {
      partitions = []
      this.#partitions.set(topic.id, partitions)
    }
    for (let i = partitions.length; i <= index; i++) partitions.push(new SharePartition(this.#cluster.clock))
    return partitions[index]!
  }

  /** Forgets a topic. Whether it was known. */
  forgetTopic(topicId: string): boolean {
    for (const partition of this.#partitions.get(topicId) ?? []) partition.dispose()
    return this.#partitions.delete(topicId)
  }

  /** @throws GroupError and then nothing has changed. */
  heartbeat(
    request: ShareHeartbeat,
    source: { readonly clientId: string; readonly clientHost: string },
  ): ShareHeartbeatAnswer {
    const { memberId, memberEpoch, subscribedTopicNames: names } = request
    this.#checkSize(memberId)
    const member = this.#find(memberId, memberEpoch) ?? new ShareMember(memberId)
    this.members.set(memberId, member)
    member.clientId = source.clientId
    member.clientHost = source.clientHost
    if (request.rackId !== null) member.rackId = request.rackId
    const sorted = names === null ? member.subscribedTopicNames : [...new Set(names)].sort()
    const subscriptionChanged = sorted.join() !== member.subscribedTopicNames.join()
    member.subscribedTopicNames = sorted
    if (subscriptionChanged || this.#partitionsChanged) this.#groupEpoch++
    this.#partitionsChanged = false
    this.#initializeTopics()
    this.#maybeAssign()
    const before = member.assigned
    this.#reconcile(member, subscriptionChanged)
    this.#startSession(member)
    const isTold = memberEpoch === joinEpoch || names !== null || !samePartitions(member.assigned, before)
    return {
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.#config('share.heartbeat.interval.ms'),
      assignment: isTold ? toTopicIdPartitions(member.assigned) : null,
    }
  }

  /** @throws GroupError */
  leave(memberId: string): void {
    const member = this.members.get(memberId)
    if (member === undefined) throw this.#unknownMember(memberId)
    this.#remove(member)
  }

  isSubscribedTo(topic: string): boolean {
    for (const { subscribedTopicNames } of this.members.values()) {
      if (subscribedTopicNames.includes(topic)) return true
    }
    return false
  }

  /** Share groups commit nothing. */
  checkCommit(): ErrorName {
    return 'GROUP_ID_NOT_FOUND'
  }

  checkTxnCommit(): ErrorName {
    return 'GROUP_ID_NOT_FOUND'
  }

  /** There are none to be found. */
  checkOffsetFetch(): null {
    return null
  }

  retentionStartMs(): null {
    return null
  }

  /** The new coordinator has heard of nobody yet: each member has the time of a whole session to show up. */
  coordinatorMoved(brokerId: number): void {
    for (const member of this.members.values()) {
      if (brokerId === -1) member.sessionTimer?.cancel()
      else this.#startSession(member)
    }
  }

  dispose(): void {
    this.#unwatch()
    this.#initializing?.cancel()
    for (const { sessionTimer } of this.members.values()) sessionTimer?.cancel()
    for (const partitions of this.#partitions.values()) {
      for (const partition of partitions) partition.dispose()
    }
  }

  #config(name: string): number {
    return this.#cluster.groupConfigs.get(this.groupId).getNumber(name)
  }

  #unknownMember(memberId: string): GroupError {
    return new GroupError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.groupId}.`)
  }

  #checkSize(memberId: string): void {
    const limit = this.#cluster.config.getNumber('group.share.max.size')
    if (this.members.size < limit || this.members.has(memberId)) return
    throw new GroupError(
      'GROUP_MAX_SIZE_REACHED',
      `The share group has reached its maximum capacity of ${limit} members.`,
    )
  }

  #find(memberId: string, epoch: number): ShareMember | null {
    const member = this.members.get(memberId)
    if (member === undefined) {
      if (epoch === joinEpoch) return null
      throw this.#unknownMember(memberId)
    }
    const known = member.memberEpoch
    if (epoch !== joinEpoch && epoch !== known && epoch !== member.previousMemberEpoch) {
      throw new GroupError(
        'FENCED_MEMBER_EPOCH',
        `The share group member has a ${epoch > known ? 'greater' : 'smaller'} member epoch (${epoch}) than the one known by the group coordinator (${known}). The member must abandon all its partitions and rejoin.`,
      )
    }
    return member
  }

  #topicIdsOf({ subscribedTopicNames }: ShareMember): Set<string> {
    const ids = new Set<string>()
    for (const name of subscribedTopicNames) {
      const topic = this.#cluster.topics.get(name)
      if (topic !== undefined) ids.add(topic.id)
    }
    return ids
  }

  /** As in Kafka a state is made apart from the heartbeat that asks for it, and another one assigns what has got one. */
  #initializeTopics(): void {
    if (this.#initializing !== null || this.#uninitialized().length === 0) return
    this.#initializing = this.#cluster.clock.after(0, () => {
      this.#initializing = null
      for (const topic of this.#uninitialized()) this.initialize(topic, topic.partitions.length - 1)
      this.#partitionsChanged = true
    })
  }

  #uninitialized(): Topic[] {
    const names = new Set(
      [...this.members.values()].flatMap(({ subscribedTopicNames }) => subscribedTopicNames),
    )
    return [...names].flatMap((name) => {
      const topic = this.#cluster.topics.get(name)
      if (topic === undefined) return []
      return (this.#partitions.get(topic.id)?.length ?? 0) < topic.partitions.length ? [topic] : []
    })
  }

  #onTopicChanged(topic: Topic): void {
    if (this.#cluster.topics.byId(topic.id) === undefined && this.forgetTopic(topic.id)) {
      this.#partitionsChanged = true
    }
  }

  /** At most once in `share.assignment.interval.ms`. */
  #maybeAssign(): void {
    if (this.#groupEpoch <= this.#assignmentEpoch) return
    const { clock } = this.#cluster
    if (clock.now() < this.#assignedAtMs + this.#config('share.assignment.interval.ms')) return
    const counts = new Map([...this.#partitions].map(([topicId, { length }]) => [topicId, length]))
    this.#targets = simpleAssignor.assign({
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        instanceId: null,
        subscribedTopicIds: this.#topicIdsOf(member),
        target: this.#targets.get(member.memberId) ?? noPartitions,
      })),
      partitionCounts: counts,
    })
    this.#assignmentEpoch = this.#groupEpoch
    this.#assignedAtMs = clock.now()
  }

  /** There is nothing to give back first: several members may read a partition. */
  #reconcile(member: ShareMember, subscriptionChanged: boolean): void {
    if (!subscriptionChanged && member.memberEpoch === this.#assignmentEpoch) return
    const subscribed = this.#topicIdsOf(member)
    const target = this.#targets.get(member.memberId) ?? noPartitions
    const from = member.memberEpoch === this.#assignmentEpoch ? member.assigned : target
    member.assigned = new Map([...from].filter(([topicId]) => subscribed.has(topicId)))
    member.previousMemberEpoch = member.memberEpoch
    member.memberEpoch = this.#assignmentEpoch
  }

  #startSession(member: ShareMember): void {
    member.sessionTimer?.cancel()
    const timeoutMs = this.#config('share.session.timeout.ms')
    member.sessionTimer = this.#cluster.clock.after(timeoutMs, () => this.#remove(member))
  }

  #remove(member: ShareMember): void {
    member.sessionTimer?.cancel()
    this.members.delete(member.memberId)
    const targets = new Map(this.#targets)
    targets.delete(member.memberId)
    this.#targets = targets
    this.#groupEpoch++
  }
}

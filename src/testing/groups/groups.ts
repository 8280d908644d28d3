import type { ClockTimer } from '../clock.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Topic } from '../cluster/topic.ts'
import { ClassicGroup } from './classic-group.ts'
import { expireOffsets } from './expire-offsets.ts'
import type { Group } from './group.ts'

/** All groups of a cluster. Which broker coordinates which is up to `Coordinators`. */
export class Groups {
  readonly #cluster: KafkaCluster
  readonly #groups = new Map<string, Group>()
  /** By group id: the coordinator that it was last told of. */
  readonly #coordinatorIds = new Map<string, number>()
  #retentionTimer: ClockTimer | null = null

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
    cluster.onCoordinatorsMoved(() => this.#coordinatorsMoved())
    cluster.topics.watch((topic) => this.#topicChanged(topic))
  }

  [Symbol.iterator](): IterableIterator<Group> {
    return this.#groups.values()
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  /**
   * The classic group of that id, made where there is none. One of another kind must be empty: it becomes a classic one
   * and keeps its offsets.
   */
  classic(groupId: string): ClassicGroup {
    const known = this.#groups.get(groupId)
    if (known instanceof ClassicGroup) return known
    const group = new ClassicGroup(this.#cluster, groupId, known?.offsets)
    this.set(group)
    return group
  }

  /** In the place of the one of that id, if there is one: a group that changes its kind keeps its offsets. */
  set(group: Group): void {
    const { groupId } = group
    const previous = this.#groups.get(groupId)
    if (previous !== group) previous?.dispose()
    this.#groups.set(groupId, group)
    this.#coordinatorIds.set(groupId, this.#cluster.coordinators.find('group', groupId))
    this.#scheduleRetention()
  }

  delete(groupId: string): void {
    this.#groups.get(groupId)?.dispose()
    this.#groups.delete(groupId)
    this.#coordinatorIds.delete(groupId)
  }

  /** Groups that `brokerId` coordinates: what it tells of in ListGroups. */
  *coordinatedBy(brokerId: number): Generator<Group, void, undefined> {
    for (const group of this.#groups.values()) {
      if (this.#cluster.coordinators.isHere('group', group.groupId, brokerId)) yield group
    }
  }

  dispose(): void {
    this.#retentionTimer?.cancel()
    for (const group of this.#groups.values()) group.dispose()
  }

  #coordinatorsMoved(): void {
    for (const group of this.#groups.values()) {
      const brokerId = this.#cluster.coordinators.find('group', group.groupId)
      if (this.#coordinatorIds.get(group.groupId) === brokerId) continue
      this.#coordinatorIds.set(group.groupId, brokerId)
      group.coordinatorMoved?.(brokerId)
    }
  }

  /** A topic that is deleted takes its offsets along. */
  #topicChanged({ name }: Topic): void {
    if (this.#cluster.topics.get(name) !== undefined) return
    for (const group of this.#groups.values()) group.offsets.deleteTopic(name)
  }

  /** As long as there are groups, offsets are looked through now and then (Java's `cleanupGroupMetadata`). */
  #scheduleRetention(): void {
    if (this.#retentionTimer !== null) return
    const { clock, config } = this.#cluster
    this.#retentionTimer = clock.after(config.getNumber('offsets.retention.check.interval.ms'), () => {
      this.#retentionTimer = null
      const retentionMs = config.getNumber('offsets.retention.minutes') * 60_000
      for (const group of [...this.#groups.values()]) {
        const none = expireOffsets(group, clock.now(), retentionMs)
        if (none && !group.hasMembers) this.delete(group.groupId)
      }
      if (this.#groups.size > 0) this.#scheduleRetention()
    })
  }
}

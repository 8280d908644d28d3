import type { ClockTimer } from '../clock.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import type { Partition } from './partition.ts'
import { checkReplicas } from './partition-assignment.ts'
import { Refusal } from './refusal.ts'

/** How long a new replica takes to catch up. They share their log, so it is long enough to be seen and no longer. */
const catchUpMs = 50

/** Moves of replicas between brokers (KIP-455), as Java's `ReplicationControlManager` does them. */
export class Reassignments {
  readonly #cluster: KafkaCluster
  readonly #running = new Map<Partition, ClockTimer | null>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** Whether replicas of it come or go at the moment. */
  isUnderWay(partition: Partition): boolean {
    return this.#running.has(partition)
  }

  /**
   * Begins to move a partition; whatever move was under way is forgotten.
   *
   * @param mayResize whether the number of replicas may change (KIP-860).
   * @throws Refusal
   */
  begin(partition: Partition, target: readonly number[], mayResize: boolean): void {
    checkReplicas(this.#cluster, target, null)
    const original = partition.replicas.filter((id) => !partition.addingReplicas.includes(id))
    if (!mayResize && target.length !== original.length) {
      throw new Refusal(
        'INVALID_REPLICATION_FACTOR',
        `The replication factor is changed from ${original.length} to ${target.length}`,
      )
    }
    this.#running.get(partition)?.cancel()
    const adding = target.filter((id) => !original.includes(id))
    const removing = original.filter((id) => !target.includes(id))
    partition.replicas = [...target, ...removing]
    partition.isr = partition.isr.filter((id) => partition.replicas.includes(id))
    partition.addingReplicas = adding
    partition.removingReplicas = removing
    // What only goes away, or changes its place, need not wait for anybody.
    if (adding.length === 0) return this.#finish(partition)
    this.#running.set(
      partition,
      this.#cluster.clock.after(catchUpMs, () => this.#tryToFinish(partition)),
    )
  }

  /** Back to the replicas of before. @throws Refusal where nothing is under way. */
  cancel(partition: Partition): void {
    if (!this.isUnderWay(partition)) throw new Refusal('NO_REASSIGNMENT_IN_PROGRESS', null)
    this.#running.get(partition)?.cancel()
    partition.replicas = partition.replicas.filter((id) => !partition.addingReplicas.includes(id))
    this.#settle(partition)
  }

  /** After a broker has come: what waited for it goes on. */
  proceed(): void {
    for (const [partition, timer] of this.#running) if (timer === null) this.#tryToFinish(partition)
  }

  #tryToFinish(partition: Partition): void {
    if (this.#cluster.topics.byId(partition.topic.id) === undefined) {
      this.#running.delete(partition)
    } else if (partition.addingReplicas.every((id) => this.#cluster.isAlive(id))) this.#finish(partition)
    else this.#running.set(partition, null)
  }

  #finish(partition: Partition): void {
    partition.replicas = partition.replicas.filter((id) => !partition.removingReplicas.includes(id))
    this.#settle(partition)
  }

  #settle(partition: Partition): void {
    const isAlive = (id: number) => this.#cluster.isAlive(id)
    this.#running.delete(partition)
    partition.addingReplicas = []
    partition.removingReplicas = []
    const alive = partition.replicas.filter(isAlive)
    const inSync = partition.isr.filter((id) => partition.replicas.includes(id))
    // Somebody has to be in sync, or nobody could ever lead again.
    partition.isr = alive.length > 0 ? alive : inSync.length > 0 ? inSync : partition.replicas.slice(0, 1)
    partition.electLeader(isAlive, false)
    this.#cluster.topics.changed(partition.topic)
    this.#cluster.coordinatorsMoved()
  }
}

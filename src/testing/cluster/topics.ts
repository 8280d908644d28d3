import { TopicConfig } from '../configs/topic-config.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import type { Partition } from './partition.ts'
import { Topic } from './topic.ts'

export interface NewTopicSpec {
  readonly name: string
  /** Replicas of each partition, the preferred leader first. */
  readonly assignment: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

/** All topics of a cluster, by name and by id. Checking what clients ask for is up to the handlers. */
export class Topics {
  readonly #cluster: KafkaCluster
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  /** Also of topics that were deleted. */
  readonly #idsTaken = new Set<string>()
  readonly #watchers = new Set<(topic: Topic) => void>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  [Symbol.iterator](): IterableIterator<Topic> {
    return this.#byName.values()
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index]
  }

  create({ name, assignment, configs = {} }: NewTopicSpec): Topic {
    const config = new TopicConfig(this.#cluster.config, configs)
    let id = this.#cluster.random.uuid()
    // A topic of an earlier run may have it, or have had it: the same seed gives the same ids.
    while (this.#idsTaken.has(id)) id = this.#cluster.random.uuid()
    const topic = new Topic(name, id, config, assignment)
    return this.restore(topic)
  }

  /** Adds a topic that is made already: read back from a folder, say. */
  restore(topic: Topic): Topic {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
    this.#idsTaken.add(topic.id)
    this.#electLeaders(topic)
    this.changed(topic)
    return topic
  }

  delete(topic: Topic): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    this.changed(topic)
    for (const partition of topic.partitions) partition.log.wakeReaders()
  }

  addPartitions(topic: Topic, assignment: readonly (readonly number[])[]): void {
    topic.addPartitions(assignment)
    this.#electLeaders(topic)
    this.changed(topic)
  }

  /** Calls `watcher` with each topic that is created, enlarged or deleted. Gives back how to stop it. */
  watch(watcher: (topic: Topic) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  changed(topic: Topic): void {
    for (const watcher of this.#watchers) watcher(topic)
  }

  /**
   * Replicas for new partitions: leaders in turn, the followers of each on the brokers behind it.
   *
   * @param first partition index of the first.
   */
  assign(count: number, replicationFactor: number, first = 0): number[][] {
    const ids = this.#cluster.liveBrokerIds()
    const start = this.#cluster.random.below(ids.length)
    return Array.from({ length: count }, (_, i) =>
      Array.from({ length: replicationFactor }, (_, r) => ids[(start + first + i + r) % ids.length]!),
    )
  }

  #electLeaders(topic: Topic): void {
    for (const partition of topic.partitions) {
      // Replicas chosen by a client may be on brokers that do not run.
      partition.electLeader((id) => this.#cluster.isAlive(id), false)
    }
  }
}

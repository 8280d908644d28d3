import type { BrokerConfig } from '../configs/broker-config.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import type { Partition } from './partition.ts'
import type { Topic } from './topic.ts'

export type CoordinatorKind = 'group' | 'transaction' | 'share'

/** The topic whose partitions share out the coordinators of a kind, and the configs that say how it is made. */
const kinds: Readonly<Record<CoordinatorKind, { topic: string; partitions: string; factor: string }>> = {
  group: {
    topic: '__consumer_offsets',
    partitions: 'offsets.topic.num.partitions',
    factor: 'offsets.topic.replication.factor',
  },
  transaction: {
    topic: '__transaction_state',
    partitions: 'transaction.state.log.num.partitions',
    factor: 'transaction.state.log.replication.factor',
  },
  share: {
    topic: '__share_group_state',
    partitions: 'share.coordinator.state.topic.num.partitions',
    factor: 'share.coordinator.state.topic.replication.factor',
  },
}

/** Which broker coordinates what: the leader of the partition of an internal topic that the key falls on, as in Kafka. */
export class Coordinators {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** Id of the coordinator; -1 where its partition has no leader. Creates the internal topic at first use. */
  find(kind: CoordinatorKind, key: string): number {
    return this.partition(kind, key).leader
  }

  /** The partition that a key falls on. Creates the internal topic at first use. */
  partition(kind: CoordinatorKind, key: string): Partition {
    const topic = this.#topicOf(kind)
    return topic.partitions[partitionFor(key, topic)]!
  }

  /** Whether a broker is the coordinator; asks for no topic to be created. */
  isHere(kind: CoordinatorKind, key: string, brokerId: number): boolean {
    const topic = this.#cluster.topics.get(kinds[kind].topic)
    return topic !== undefined && topic.partitions[partitionFor(key, topic)]!.leader === brokerId
  }

  /** Gives every coordinator to another broker, where there is one. */
  rehash(): void {
    for (const { topic } of Object.values(kinds)) {
      for (const partition of this.#cluster.topics.get(topic)?.partitions ?? []) {
        const others = this.#cluster.liveBrokerIds().filter((id) => id !== partition.leader)
        if (others.length === 0) continue
        const next = others[this.#cluster.random.below(others.length)]!
        // A broker that is no replica becomes one: the topic may have fewer of them than there are brokers.
        if (!partition.replicas.includes(next)) {
          partition.replicas = [next, ...partition.replicas.slice(1)]
          partition.isr = partition.replicas.filter((id) => this.#cluster.isAlive(id))
        }
        partition.lead(next)
      }
    }
    this.#cluster.coordinatorsMoved()
  }

  #topicOf(kind: CoordinatorKind): Topic {
    const { topic, partitions, factor } = kinds[kind]
    const { topics, config } = this.#cluster
    const replicas = Math.min(config.getNumber(factor), this.#cluster.liveBrokerIds().length)
    return (
      topics.get(topic) ??
      topics.create({
        name: topic,
        assignment: topics.assign(config.getNumber(partitions), replicas),
        configs: { 'segment.bytes': '104857600', ...configsOf(kind, config) },
      })
    )
  }
}

/** What the internal topics of Kafka are created with. */
function configsOf(kind: CoordinatorKind, config: BrokerConfig): Record<string, string> {
  switch (kind) {
    case 'group':
      return { 'cleanup.policy': 'compact', 'compression.type': 'producer' }
    case 'transaction':
      return {
        'cleanup.policy': 'compact',
        'compression.type': 'uncompressed',
        'min.insync.replicas': String(config.getNumber('transaction.state.log.min.isr')),
        'unclean.leader.election.enable': 'false',
      }
    case 'share':
      return {
        'cleanup.policy': 'delete',
        'compression.type': 'producer',
        'min.insync.replicas': String(config.getNumber('share.coordinator.state.topic.min.isr')),
        'retention.ms': '-1',
      }
  }
}

/** As `Utils.abs(key.hashCode()) % partitions` in Java. */
function partitionFor(key: string, topic: Topic): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % topic.partitions.length
}

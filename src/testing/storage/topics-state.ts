import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Partition } from '../cluster/partition.ts'
import { Topic } from '../cluster/topic.ts'
import { TopicConfig } from '../configs/topic-config.ts'

export interface SavedTopic {
  readonly name: string
  readonly id: string
  readonly configs: Readonly<Record<string, string>>
  readonly partitions: readonly SavedPartition[]
}

export interface SavedPartition {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
  readonly logStartOffset: number
  /** Where the log ended when batches were taken off it: there may be none that tells it. */
  readonly endOffset: number
}

export function saveTopics({ topics }: KafkaCluster): SavedTopic[] {
  return Array.from(topics, ({ name, id, config, partitions }) => ({
    name,
    id,
    configs: Object.fromEntries(config.overrides()),
    partitions: partitions.map(({ replicas, isr, leader, leaderEpoch, log }) => ({
      replicas,
      isr,
      leader,
      leaderEpoch,
      logStartOffset: log.logStartOffset,
      endOffset: endOf(log),
    })),
  }))
}

/** That of the last batch tells it too, and need not be written again with each that comes. */
function endOf({ segments, logEndOffset, logStartOffset }: Partition['log']): number {
  const last = segments.at(-1)?.lastOffset ?? -1
  return last + 1 === logEndOffset ? logStartOffset : logEndOffset
}

/** The topic without its records; its replicas are on brokers that this cluster has. */
export function topicOf(cluster: KafkaCluster, saved: SavedTopic): Topic {
  const config = new TopicConfig(cluster.config, saved.configs)
  const brokers = cluster.options.brokers ?? 1
  const assignment = saved.partitions.map(({ replicas }, i) => replicasAmong(replicas, brokers, i))
  const topic = new Topic(saved.name, saved.id, config, assignment)
  for (const partition of topic.partitions) {
    const { isr, leader, leaderEpoch } = saved.partitions[partition.index]!
    const inSync = partition.replicas.filter((id) => isr.includes(id))
    if (inSync.length > 0) partition.isr = inSync
    if (partition.replicas.includes(leader)) partition.leader = leader
    partition.leaderEpoch = leaderEpoch
  }
  return topic
}

/** The cluster may have fewer brokers than it had; as replicas share one log, nothing is lost with them. */
function replicasAmong(replicas: readonly number[], brokers: number, index: number): readonly number[] {
  const there = replicas.filter((id) => id <= brokers)
  return there.length > 0 ? there : [(index % brokers) + 1]
}

import type { Cluster } from '../cluster/cluster.ts'
import type { Node } from '../cluster/metadata.ts'
import type { Deadline } from '../deadline.ts'
import type { MetadataResponse } from '../protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import type { CallOptions } from './admin-options.ts'
import { checkNames } from './arguments.ts'
import { askMetadata, nodesOf } from './ask-metadata.ts'
import type { ItemResult } from './results.ts'

export interface ListTopicsOptions extends CallOptions {
  /** Whether to give Kafka's own topics too, such as `__consumer_offsets`. Default false. */
  listInternal?: boolean | undefined
}

export interface TopicListing {
  readonly name: string
  /** Null before Kafka 2.8. */
  readonly topicId: string | null
  readonly isInternal: boolean
}

export interface TopicPartitionInfo {
  readonly partition: number
  /** Null while there is none. */
  readonly leader: Node | null
  /** -1 before Kafka 2.4. */
  readonly leaderEpoch: number
  /** The preferred leader first. A broker that is down has the host '' and the port -1, as in Java. */
  readonly replicas: readonly Node[]
  /** Replicas that have caught up. */
  readonly isr: readonly Node[]
  readonly offlineReplicas: readonly Node[]
}

export interface TopicDescription extends TopicListing {
  /** By partition number. */
  readonly partitions: readonly TopicPartitionInfo[]
}

export type DescribeTopicResult = ItemResult<{ readonly name: string }, TopicDescription>

type TopicAnswer = MetadataResponse['topics'][number]

/** By name. Topics that may not be seen are left out by the brokers. */
export async function listTopics(
  cluster: Cluster,
  { listInternal = false }: ListTopicsOptions,
  deadline: Deadline,
): Promise<TopicListing[]> {
  const { topics } = await askMetadata(cluster, null, deadline)
  return topics
    .flatMap((topic) =>
      topic.name === null || (topic.isInternal && !listInternal) ? [] : [listing(topic.name, topic)],
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** In the order of `names`. What one broker knows at this moment: a topic of this instant may not be there yet. */
export async function describeTopics(
  cluster: Cluster,
  names: readonly string[],
  deadline: Deadline,
): Promise<DescribeTopicResult[]> {
  checkNames('topics', names)
  if (names.length === 0) return []
  const response = await askMetadata(cluster, [...new Set(names)], deadline)
  const nodes = nodesOf(response)
  const answers = new Map(response.topics.map((topic) => [topic.name, topic]))
  return names.map((name) => {
    const topic = answers.get(name)
    const about = { topic: name, api: 'Metadata' }
    if (topic === undefined) {
      const message = `Metadata: the broker's answer leaves out topic ${name}`
      return { name, error: new KafkaError('INVALID_RESPONSE', message, about) }
    }
    if (topic.errorCode !== errorCodes.none) return { name, error: new BrokerError(topic.errorCode, about) }
    return { ...listing(name, topic), partitions: partitionsOf(topic, nodes), error: null }
  })
}

function listing(name: string, topic: TopicAnswer): TopicListing {
  const topicId = topic.topicId === zeroUuid ? null : topic.topicId
  return { name, topicId, isInternal: topic.isInternal }
}

function partitionsOf(topic: TopicAnswer, nodes: ReadonlyMap<number, Node>): TopicPartitionInfo[] {
  const node = (id: number): Node => nodes.get(id) ?? { id, host: '', port: -1, rack: null }
  return topic.partitions
    .map((partition) => ({
      partition: partition.partitionIndex,
      leader: nodes.get(partition.leaderId) ?? null,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes.map(node),
      isr: partition.isrNodes.map(node),
      offlineReplicas: partition.offlineReplicas.map(node),
    }))
    .sort((a, b) => a.partition - b.partition)
}

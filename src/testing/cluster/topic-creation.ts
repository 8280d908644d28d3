import { validateTopicConfigs } from '../configs/validate-topic-config.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { checkNewReplicas, placeReplicas } from './partition-assignment.ts'
import { Refusal } from './refusal.ts'
import { collidingName, topicNameProblem } from './topic-name.ts'
import type { NewTopicSpec } from './topics.ts'

/** A topic that a client asks for, as it comes with CreateTopics. */
export interface WantedTopic {
  readonly name: string
  /** -1: the broker's default, or by `assignments`. */
  readonly numPartitions: number
  /** -1: the broker's default, or by `assignments`. */
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/**
 * Checks a topic that is asked for, in Kafka's order, and chooses its replicas (Java's
 * `ReplicationControlManager.createTopics`).
 *
 * @param existing topics that were there before the request: names of one request do not collide.
 * @throws Refusal
 */
export function planTopic(
  cluster: KafkaCluster,
  wanted: WantedTopic,
  existing: readonly { readonly name: string }[],
): NewTopicSpec {
  const { name, configs } = wanted
  const problem = topicNameProblem(name)
  if (problem !== null) throw new Refusal('INVALID_TOPIC_EXCEPTION', problem)
  if (cluster.topics.get(name) !== undefined) {
    throw new Refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  }
  const other = collidingName(name, existing)
  if (other !== null) {
    throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`)
  }
  const values = configs.map(({ name: config, value }) => [config, value] as const)
  const fault = validateTopicConfigs(values)
  if (fault !== null) throw new Refusal('INVALID_CONFIG', fault)
  const assignment = wanted.assignments.length > 0 ? chosen(cluster, wanted) : placed(cluster, wanted)
  return { name, assignment, configs: Object.fromEntries(values.map(([key, value]) => [key, value ?? ''])) }
}

function chosen(cluster: KafkaCluster, wanted: WantedTopic): (readonly number[])[] {
  const { assignments, numPartitions, replicationFactor } = wanted
  if (replicationFactor !== -1) {
    throw new Refusal(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (numPartitions !== -1) {
    throw new Refusal(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const byIndex = new Map<number, readonly number[]>()
  let factor: number | null = null
  for (const { partitionIndex, brokerIds } of assignments) {
    if (byIndex.has(partitionIndex)) {
      throw new Refusal(
        'INVALID_REPLICA_ASSIGNMENT',
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      )
    }
    checkNewReplicas(cluster, partitionIndex, brokerIds, factor)
    factor = brokerIds.length
    byIndex.set(partitionIndex, brokerIds)
  }
  return Array.from(byIndex, (_, i) => {
    const replicas = byIndex.get(i)
    if (replicas !== undefined) return replicas
    throw new Refusal(
      'INVALID_REPLICA_ASSIGNMENT',
      'partitions should be a consecutive 0-based integer sequence',
    )
  })
}

function placed(cluster: KafkaCluster, { numPartitions, replicationFactor }: WantedTopic): number[][] {
  if (replicationFactor < -1 || replicationFactor === 0) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (numPartitions < -1 || numPartitions === 0) {
    throw new Refusal('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  }
  const { config } = cluster
  return placeReplicas(
    cluster,
    numPartitions === -1 ? config.getNumber('num.partitions') : numPartitions,
    replicationFactor === -1 ? config.getNumber('default.replication.factor') : replicationFactor,
  )
}

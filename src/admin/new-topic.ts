import { UnsupportedVersionError } from '../errors.ts'
import type { CreateTopicsRequest } from '../protocol/apis/create-topics.ts'
import {
  checkArray,
  checkBrokerIds,
  checkDistinct,
  checkInteger,
  checkName,
  checkObject,
  int16Max,
  int32Max,
  invalidArgument,
} from './arguments.ts'

/** A topic to be created (Java's NewTopic). */
export interface NewTopic {
  readonly name: string
  /** Default -1: the broker's `num.partitions` (KIP-464). */
  readonly numPartitions?: number | undefined
  /** Default -1: the broker's `default.replication.factor` (KIP-464). */
  readonly replicationFactor?: number | undefined
  /**
   * Broker ids of the replicas by partition number, the preferred leader first; instead of `numPartitions` and
   * `replicationFactor`. Default: the controller chooses.
   */
  readonly replicasAssignments?:
    | ReadonlyMap<number, readonly number[]>
    | { readonly [partition: number]: readonly number[] }
    | undefined
  /** By Kafka's names: `{ 'retention.ms': '60000' }`. Default: none. */
  readonly configs?: Readonly<Record<string, string>> | undefined
}

/** @throws InvalidArgumentError that names the field, its value and what is allowed. */
export function checkNewTopics(topics: readonly NewTopic[]): void {
  checkArray('topics', topics)
  for (const [at, topic] of topics.entries()) checkNewTopic(`topics[${at}]`, topic)
  checkDistinct(
    'topics',
    topics.map(({ name }) => name),
  )
}

function checkNewTopic(what: string, topic: NewTopic): void {
  checkObject(what, topic)
  checkName(`${what}.name`, topic.name)
  const { numPartitions = -1, replicationFactor = -1, replicasAssignments, configs = {} } = topic
  const orDefault = ", or -1 for the broker's default"
  if (numPartitions !== -1) checkInteger(`${what}.numPartitions`, numPartitions, 1, int32Max, orDefault)
  if (replicationFactor !== -1) {
    checkInteger(`${what}.replicationFactor`, replicationFactor, 1, int16Max, orDefault)
  }
  if (replicasAssignments !== undefined) {
    checkObject(`${what}.replicasAssignments`, replicasAssignments)
    const assigned = 'nothing but -1 along with replicasAssignments'
    if (numPartitions !== -1) throw invalidArgument(`${what}.numPartitions`, numPartitions, assigned)
    if (replicationFactor !== -1) {
      throw invalidArgument(`${what}.replicationFactor`, replicationFactor, assigned)
    }
    const assignments = assignmentsOf(topic)
    if (assignments.length === 0) {
      throw invalidArgument(`${what}.replicasAssignments`, {}, 'at least one partition')
    }
    for (const { partitionIndex, brokerIds } of assignments) {
      checkInteger(`a partition of ${what}.replicasAssignments`, partitionIndex, 0, int32Max)
      checkBrokerIds(`${what}.replicasAssignments[${partitionIndex}]`, brokerIds)
    }
  }
  checkObject(`${what}.configs`, configs)
  for (const [name, value] of Object.entries(configs)) {
    if (typeof value !== 'string') throw invalidArgument(`${what}.configs['${name}']`, value, 'a string')
  }
}

function assignmentsOf({ replicasAssignments = {} }: NewTopic) {
  const entries: Iterable<readonly [number | string, readonly number[]]> =
    replicasAssignments instanceof Map ? replicasAssignments : Object.entries(replicasAssignments)
  return [...entries].map(([partition, brokerIds]) => ({ partitionIndex: Number(partition), brokerIds }))
}

/** @throws UnsupportedVersionError when the broker is too old to choose the number of partitions or replicas. */
export function newTopicsBody(
  topics: readonly NewTopic[],
  version: number,
): NonNullable<CreateTopicsRequest['topics']> {
  return topics.map((topic) => {
    const { name, numPartitions = -1, replicationFactor = -1, replicasAssignments, configs = {} } = topic
    if (version < 4 && replicasAssignments === undefined && (numPartitions < 0 || replicationFactor < 0)) {
      throw new UnsupportedVersionError(
        `topic ${name}: brokers before Kafka 2.4 have no default for numPartitions and replicationFactor`,
        { topic: name, api: 'CreateTopics' },
      )
    }
    return {
      name,
      numPartitions,
      replicationFactor,
      assignments: assignmentsOf(topic),
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }
  })
}

import { metadata } from '../../protocol/apis/metadata.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler, RequestRefused } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { brokerEndpoints } from '../cluster/broker-endpoints.ts'
import type { Topic } from '../cluster/topic.ts'
import { isValidTopicName } from '../cluster/topic-name.ts'
import { errors } from '../error-codes.ts'
import { authorizedOperations } from '../security/authorized-operations.ts'

type MetadataAnswer = StructInput<typeof metadata.response.fields>
type TopicAnswer = NonNullable<MetadataAnswer['topics']>[number]

export const metadataHandler = handler(metadata, (request, context) => {
  const { cluster, version } = context
  const all = request.topics === null || (version === 0 && request.topics.length === 0)
  if (!all) checkNames(request.topics!, version)
  const topics = all
    ? [...cluster.topics]
        .filter(({ name }) => context.allows('DESCRIBE', 'TOPIC', name))
        .map((topic) => describe(topic, request.includeTopicAuthorizedOperations, context))
    : asked(request.topics!).map(({ name, topicId }) => find(name, topicId, request, context))
  return {
    brokers: brokerEndpoints(cluster.liveBrokerIds(), context),
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    topics,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: authorizedOperations(context, 'CLUSTER', 'kafka-cluster') }
      : {}),
  }
})

interface Asked {
  readonly name: string | null
  readonly topicId: string
}

/** Versions 10 and 11 have ids, and no use for them. */
function checkNames(topics: readonly Asked[], version: number): void {
  for (const { name, topicId } of topics) {
    if (version < 12 && (name === null || topicId !== zeroUuid)) throw new RequestRefused('INVALID_REQUEST')
    if (name === null && topicId === zeroUuid) throw new RequestRefused('UNKNOWN_SERVER_ERROR')
  }
}

/** Each of them once; where any has an id, names alone do not count. */
function asked(topics: readonly Asked[]): Asked[] {
  const byId = topics.filter(({ topicId }) => topicId !== zeroUuid)
  const key = byId.length > 0 ? (one: Asked) => one.topicId : (one: Asked) => one.name!
  return [...new Map((byId.length > 0 ? byId : topics).map((one) => [key(one), one])).values()]
}

function find(
  name: string | null,
  topicId: string,
  request: { allowAutoTopicCreation: boolean; includeTopicAuthorizedOperations: boolean },
  context: RequestContext,
): TopicAnswer {
  const { cluster } = context
  const byId = topicId !== zeroUuid
  const topic = byId ? cluster.topics.byId(topicId) : cluster.topics.get(name ?? '')
  if (byId) {
    // Whether the id is unknown, or the name behind it none of theirs, is told to nobody.
    if (topic === undefined) return { errorCode: errors.UNKNOWN_TOPIC_ID, name: null, topicId }
    if (!context.allows('DESCRIBE', 'TOPIC', topic.name)) {
      return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, name: null, topicId }
    }
    return describe(topic, request.includeTopicAuthorizedOperations, context)
  }
  const asked = name ?? ''
  if (!context.allows('DESCRIBE', 'TOPIC', asked)) {
    return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, name: asked }
  }
  if (topic !== undefined) return describe(topic, request.includeTopicAuthorizedOperations, context)
  const mayCreate = request.allowAutoTopicCreation && cluster.config.getBoolean('auto.create.topics.enable')
  if (!isValidTopicName(asked)) return { errorCode: errors.INVALID_TOPIC_EXCEPTION, name: asked }
  if (!mayCreate) return { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, name: asked }
  if (!context.allows('CREATE', 'CLUSTER') && !context.allows('CREATE', 'TOPIC', asked)) {
    return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, name: asked }
  }
  const factor = cluster.config.getNumber('default.replication.factor')
  if (factor > cluster.liveBrokerIds().length) {
    return { errorCode: errors.INVALID_REPLICATION_FACTOR, name: asked }
  }
  const partitions = cluster.config.getNumber('num.partitions')
  cluster.topics.create({ name: asked, assignment: cluster.topics.assign(partitions, factor) })
  // As Kafka: it is on its way, and who asks again finds it.
  return { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, name: asked }
}

function describe(topic: Topic, withOperations: boolean, context: RequestContext): TopicAnswer {
  const { cluster } = context
  return {
    errorCode: errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map(({ index, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: leader === -1 ? errors.LEADER_NOT_AVAILABLE : errors.NONE,
      partitionIndex: index,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: replicas.filter((id) => !cluster.isAlive(id)),
    })),
    ...(withOperations
      ? { topicAuthorizedOperations: authorizedOperations(context, 'TOPIC', topic.name) }
      : {}),
  }
}

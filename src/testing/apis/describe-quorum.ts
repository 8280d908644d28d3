import { describeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { defaultMessage, refused } from '../cluster/refusal.ts'
import { errors } from '../error-codes.ts'

/** The log of the controllers, which is one partition. */
const metadataTopic = '__cluster_metadata'

/** The quorum as of a cluster whose first broker alone is a controller too. */
export const describeQuorumHandler = handler(describeQuorum, (request, context) => {
  if (!context.allows('DESCRIBE', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  const [topic] = request.topics
  const [partition] = topic?.partitions ?? []
  const isTheirs =
    request.topics.length === 1 &&
    topic?.topicName === metadataTopic &&
    topic.partitions.length === 1 &&
    partition?.partitionIndex === 0
  if (!isTheirs) {
    return {
      errorMessage: '',
      topics: request.topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION,
          errorMessage: defaultMessage('UNKNOWN_TOPIC_OR_PARTITION'),
        })),
      })),
    }
  }
  return {
    errorMessage: '',
    topics: [{ topicName: metadataTopic, partitions: [quorum(context)] }],
    ...(context.version >= 2 ? { nodes: nodes(context) } : {}),
  }
})

function quorum({ cluster, version }: RequestContext) {
  const { controllerId } = cluster
  const now = BigInt(cluster.clock.now())
  // Each change of metadata would be a record of its log; topics stand for all of them.
  const logEndOffset = BigInt(
    [...cluster.topics].reduce((sum, topic) => sum + 1 + topic.partitions.length, 1),
  )
  const replica = (replicaId: number) => ({
    replicaId,
    logEndOffset,
    ...(version >= 1 ? { lastFetchTimestamp: now, lastCaughtUpTimestamp: now } : {}),
  })
  return {
    partitionIndex: 0,
    errorMessage: '',
    leaderId: controllerId,
    leaderEpoch: 1,
    highWatermark: logEndOffset,
    currentVoters: [replica(controllerId)],
    observers: cluster
      .liveBrokerIds()
      .filter((id) => id !== controllerId)
      .map(replica),
  }
}

function nodes({ cluster, connection }: RequestContext) {
  const { controllerId } = cluster
  const address = cluster.brokers.get(controllerId)!.addressFor(connection.listener.option.name)
  return [{ nodeId: controllerId, listeners: [{ name: 'CONTROLLER', ...address }] }]
}

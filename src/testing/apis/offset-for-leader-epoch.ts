import { offsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { leaderProblem } from '../cluster/leader-problem.ts'
import { type ErrorName, errors } from '../error-codes.ts'

type TopicRequest = StructOf<typeof offsetForLeaderEpoch.request.fields>['topics'][number]
type PartitionRequest = TopicRequest['partitions'][number]

export const offsetForLeaderEpochHandler = handler(offsetForLeaderEpoch, (request, context) => ({
  topics: request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((asked) => find(topic, asked, context)),
  })),
}))

/** Java's `Partition.lastOffsetForLeaderEpoch`. */
function find(topic: string, asked: PartitionRequest, context: RequestContext) {
  const { cluster, broker } = context
  const { currentLeaderEpoch, leaderEpoch } = asked
  const failed = (error: ErrorName) => ({ partition: asked.partition, errorCode: errors[error] })
  if (!context.allows('DESCRIBE', 'TOPIC', topic)) return failed('TOPIC_AUTHORIZATION_FAILED')
  const partition = cluster.topics.partition(topic, asked.partition)
  if (partition === undefined) return failed('UNKNOWN_TOPIC_OR_PARTITION')
  const problem = leaderProblem(partition, broker.id, currentLeaderEpoch)
  if (problem !== null) return failed(problem)
  const { epoch, endOffset } = partition.log.epochs.endOffsetFor(leaderEpoch, partition.log.logEndOffset)
  return {
    partition: asked.partition,
    errorCode: errors.NONE,
    leaderEpoch: epoch,
    endOffset: BigInt(endOffset),
  }
}

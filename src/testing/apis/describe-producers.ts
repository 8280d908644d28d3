import { describeProducers } from '../../protocol/apis/describe-producers.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { topicNameProblem } from '../cluster/topic-name.ts'
import { type ErrorName, errors } from '../error-codes.ts'

type DescribeProducersAnswer = StructInput<typeof describeProducers.response.fields>
type TopicAnswer = NonNullable<DescribeProducersAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

export const describeProducersHandler = handler(describeProducers, (request, context) => ({
  topics: request.topics.map(({ name, partitionIndexes }) => {
    const refused = refusal(name, context)
    return {
      name,
      partitions: partitionIndexes.map((index) =>
        refused === null ? describe(name, index, context) : failed(index, refused.error, refused.message),
      ),
    }
  }),
}))

function refusal(topic: string, context: RequestContext): { error: ErrorName; message: string } | null {
  const problem = topicNameProblem(topic)
  if (problem !== null) return { error: 'INVALID_TOPIC_EXCEPTION', message: problem }
  if (!context.allows('READ', 'TOPIC', topic)) {
    return { error: 'TOPIC_AUTHORIZATION_FAILED', message: 'Topic authorization failed.' }
  }
  if (context.cluster.topics.get(topic) !== undefined) return null
  return {
    error: 'UNKNOWN_TOPIC_OR_PARTITION',
    message: 'This server does not host this topic-partition.',
  }
}

function describe(topic: string, partitionIndex: number, { cluster, broker, now }: RequestContext) {
  const partition = cluster.topics.partition(topic, partitionIndex)
  if (partition === undefined) return failed(partitionIndex, 'UNKNOWN_TOPIC_OR_PARTITION')
  // Followers answer too: kafka-transactions asks any replica.
  if (!partition.replicas.includes(broker.id)) return failed(partitionIndex, 'NOT_LEADER_OR_FOLLOWER')
  const { producers } = partition.log
  producers.forgetAllExpired(now - cluster.config.getNumber('producer.id.expiration.ms'))
  return {
    partitionIndex,
    errorCode: errors.NONE,
    activeProducers: [...producers.all()].map((state) => ({
      producerId: state.producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: BigInt(state.lastTimestamp),
      coordinatorEpoch: state.coordinatorEpoch,
      currentTxnStartOffset: BigInt(state.transactionStart ?? -1),
    })),
  }
}

function failed(partitionIndex: number, error: ErrorName, message: string | null = null): PartitionAnswer {
  return { partitionIndex, errorCode: errors[error], errorMessage: message }
}

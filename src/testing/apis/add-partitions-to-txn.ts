import { addPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { internalTopics } from '../cluster/topic.ts'
import { type ErrorName, errors } from '../error-codes.ts'

type Transaction = StructOf<typeof addPartitionsToTxn.request.fields>['transactions'][number]
/** Error of each partition. */
type Judge = (topic: string, partition: number) => ErrorName

/** First version for brokers, several transactions in each request; clients go on with 3. */
const firstForBrokers = 4

export const addPartitionsToTxnHandler = handler(addPartitionsToTxn, (request, context) => {
  if (context.version >= firstForBrokers) {
    if (!context.allows('CLUSTER_ACTION', 'CLUSTER')) {
      return { errorCode: errors.CLUSTER_AUTHORIZATION_FAILED }
    }
    return {
      resultsByTransaction: request.transactions.map((transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: resultsOf(transaction, judge(transaction, context)),
      })),
    }
  }
  const transaction: Transaction = {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  }
  return { resultsByTopicV3AndBelow: resultsOf(transaction, judge(transaction, context)) }
})

function judge(transaction: Transaction, context: RequestContext): Judge {
  const { transactionalId, topics } = transaction
  const { cluster, broker, version } = context
  const fromClient = version < firstForBrokers
  if (fromClient && !context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return () => 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  }
  const problem: Judge = (topic, partition) =>
    fromClient && (internalTopics.has(topic) || !context.allows('WRITE', 'TOPIC', topic))
      ? 'TOPIC_AUTHORIZATION_FAILED'
      : cluster.topics.partition(topic, partition) === undefined
        ? 'UNKNOWN_TOPIC_OR_PARTITION'
        : 'NONE'
  // All or nothing.
  if (topics.some(({ name, partitions }) => partitions.some((index) => problem(name, index) !== 'NONE'))) {
    return (topic, partition) => {
      const error = problem(topic, partition)
      return error === 'NONE' ? 'OPERATION_NOT_ATTEMPTED' : error
    }
  }
  if (transactionalId === '') return () => 'INVALID_REQUEST'
  if (!cluster.coordinators.isHere('transaction', transactionalId, broker.id)) return () => 'NOT_COORDINATOR'
  if (transaction.verifyOnly) {
    return (topic, partition) =>
      cluster.transactions.verify(transactionalId, transaction, { topic, partition })
  }
  const partitions = topics.flatMap(({ name, partitions: indexes }) =>
    indexes.map((partition) => ({ topic: name, partition })),
  )
  const error = cluster.transactions.add(transactionalId, transaction, partitions, version > 4 ? 2 : 0)
  // Clients of the older versions do not know the newer code.
  return () => (error === 'PRODUCER_FENCED' && version < 2 ? 'INVALID_PRODUCER_EPOCH' : error)
}

function resultsOf({ topics }: Transaction, judged: Judge) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errors[judged(name, partitionIndex)],
    })),
  }))
}

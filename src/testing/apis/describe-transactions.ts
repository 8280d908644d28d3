import { describeTransactions } from '../../protocol/apis/describe-transactions.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { TransactionMetadata } from '../transactions/transaction-metadata.ts'

type DescribeTransactionsAnswer = StructInput<typeof describeTransactions.response.fields>
type TransactionAnswer = NonNullable<DescribeTransactionsAnswer['transactionStates']>[number]

export const describeTransactionsHandler = handler(describeTransactions, (request, context) => ({
  transactionStates: request.transactionalIds.map((transactionalId) => describe(transactionalId, context)),
}))

function describe(transactionalId: string, context: RequestContext): TransactionAnswer {
  const { coordinators, transactions } = context.cluster
  const failed = (error: ErrorName) => ({ errorCode: errors[error], transactionalId })
  if (!context.allows('DESCRIBE', 'TRANSACTIONAL_ID', transactionalId)) {
    return failed('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  }
  if (transactionalId === '') return failed('INVALID_REQUEST')
  if (!coordinators.isHere('transaction', transactionalId, context.broker.id))
    return failed('NOT_COORDINATOR')
  const metadata = transactions.get(transactionalId)
  if (metadata === undefined) return failed('TRANSACTIONAL_ID_NOT_FOUND')
  return {
    errorCode: errors.NONE,
    transactionalId,
    transactionState: metadata.state,
    transactionTimeoutMs: metadata.timeoutMs,
    transactionStartTimeMs: BigInt(metadata.startedAtMs),
    producerId: metadata.producerId,
    producerEpoch: metadata.producerEpoch,
    topics: topicsOf(metadata).filter(({ topic }) => context.allows('DESCRIBE', 'TOPIC', topic)),
  }
}

function topicsOf({ partitions }: TransactionMetadata): { topic: string; partitions: number[] }[] {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions.values()) {
    const indexes = byTopic.get(topic)
    if (indexes === undefined) byTopic.set(topic, [partition])
    else indexes.push(partition)
  }
  return [...byTopic].map(([topic, indexes]) => ({ topic, partitions: indexes }))
}

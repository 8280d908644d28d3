import { listTransactions } from '../../protocol/apis/list-transactions.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import { GroupError } from '../groups/group-error.ts'
import { compileTopicRegex } from '../groups/topic-regex.ts'
import { transactionStates } from '../transactions/transaction-metadata.ts'

export const listTransactionsHandler = handler(listTransactions, (request, context) => {
  const { stateFilters, producerIdFilters, transactionalIdPattern } = request
  const durationFilter = Number(request.durationFilter)
  let pattern: RegExp | null = null
  try {
    if (transactionalIdPattern) pattern = compileTopicRegex(transactionalIdPattern)
  } catch (error) {
    if (error instanceof GroupError) return { errorCode: error.code }
    throw error
  }
  const now = context.now
  const found = [...context.cluster.transactions.coordinatedBy(context.broker.id)].filter(
    ({ transactionalId, producerId, state, startedAtMs }) =>
      (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
      (stateFilters.length === 0 || stateFilters.includes(state)) &&
      (durationFilter < 0 || now - startedAtMs > durationFilter) &&
      (pattern === null || pattern.test(transactionalId)) &&
      context.allows('DESCRIBE', 'TRANSACTIONAL_ID', transactionalId),
  )
  return {
    errorCode: errors.NONE,
    unknownStateFilters: stateFilters.filter((state) => !transactionStates.has(state)),
    transactionStates: found.map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  }
})

import { endTxn } from '../../protocol/apis/end-txn.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import type { IdentityOrError } from '../transactions/transactions.ts'

/** First version that raises the epoch (KIP-890). */
const firstOfVersion2 = 5

export const endTxnHandler = handler(endTxn, (request, context) => {
  const ended = end(request, context)
  if (!('error' in ended)) {
    return { errorCode: errors.NONE, ...(context.version >= firstOfVersion2 ? ended : {}) }
  }
  const { error } = ended
  // Clients of the older versions do not know the newer code.
  const known = error === 'PRODUCER_FENCED' && context.version < 2 ? 'INVALID_PRODUCER_EPOCH' : error
  return { errorCode: errors[known] }
})

function end(
  { transactionalId, producerId, producerEpoch, committed }: StructOf<typeof endTxn.request.fields>,
  context: RequestContext,
): IdentityOrError {
  const { coordinators, transactions } = context.cluster
  if (!context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return { error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' }
  }
  if (transactionalId !== '' && !coordinators.isHere('transaction', transactionalId, context.broker.id)) {
    return { error: 'NOT_COORDINATOR' }
  }
  const transactionVersion = context.version >= firstOfVersion2 ? 2 : 0
  return transactions.end(transactionalId, { producerId, producerEpoch }, committed, transactionVersion)
}

import { addOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'

export const addOffsetsToTxnHandler = handler(addOffsetsToTxn, (request, context) => {
  const error = add(request, context)
  // Clients of the older versions do not know the newer code.
  const known = error === 'PRODUCER_FENCED' && context.version < 2 ? 'INVALID_PRODUCER_EPOCH' : error
  return { errorCode: errors[known] }
})

/** The group's partition of `__consumer_offsets` becomes part of the transaction: it gets a marker as any other. */
function add(
  { transactionalId, producerId, producerEpoch, groupId }: StructOf<typeof addOffsetsToTxn.request.fields>,
  context: RequestContext,
): ErrorName {
  const { coordinators, transactions } = context.cluster
  if (!context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  }
  if (!context.allows('READ', 'GROUP', groupId)) return 'GROUP_AUTHORIZATION_FAILED'
  if (transactionalId === '') return 'INVALID_REQUEST'
  if (!coordinators.isHere('transaction', transactionalId, context.broker.id)) return 'NOT_COORDINATOR'
  const { topic, index } = coordinators.partition('group', groupId)
  const partition = { topic: topic.name, partition: index }
  return transactions.add(transactionalId, { producerId, producerEpoch }, [partition], 0)
}

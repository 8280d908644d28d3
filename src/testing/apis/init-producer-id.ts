import { initProducerId } from '../../protocol/apis/init-producer-id.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { noProducerEpoch, noProducerId } from '../transactions/transaction-metadata.ts'
import type { IdentityOrError } from '../transactions/transactions.ts'

type InitProducerIdRequest = StructOf<typeof initProducerId.request.fields>

export const initProducerIdHandler = handler(initProducerId, (request, context) => {
  const given = init(request, context)
  if (!('error' in given)) return { errorCode: errors.NONE, ...given }
  // Clients of the older versions do not know the newer code.
  const error =
    context.version < 4 && given.error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : given.error
  return { errorCode: errors[error], producerId: noProducerId, producerEpoch: noProducerEpoch }
})

function init(request: InitProducerIdRequest, context: RequestContext): IdentityOrError {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request
  const { cluster, broker } = context
  if (transactionalId === null) {
    if (!context.allows('IDEMPOTENT_WRITE', 'CLUSTER') && !context.allowsAny('WRITE', 'TOPIC')) {
      return { error: 'CLUSTER_AUTHORIZATION_FAILED' }
    }
  } else if (!context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return { error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' }
  }
  const isNew = producerId === noProducerId
  if (isNew !== (producerEpoch === noProducerEpoch)) return { error: 'INVALID_REQUEST' }
  if (transactionalId === null) return { producerId: cluster.nextProducerId(), producerEpoch: 0 }
  if (transactionalId === '') return { error: 'INVALID_REQUEST' }
  if (!cluster.coordinators.isHere('transaction', transactionalId, broker.id)) {
    return { error: 'NOT_COORDINATOR' }
  }
  const expected = isNew ? null : { producerId, producerEpoch }
  return cluster.transactions.init(transactionalId, transactionTimeoutMs, expected)
}

import { findCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import type { CoordinatorKind } from '../cluster/coordinators.ts'
import { type ErrorName, errors } from '../error-codes.ts'

const kindOf: Readonly<Record<number, CoordinatorKind>> = { 0: 'group', 1: 'transaction', 2: 'share' }

/** What Kafka says of an INVALID_REQUEST of which it has nothing to say. */
const malformed =
  'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.'

export const findCoordinatorHandler = handler(findCoordinator, (request, context) => {
  const { version } = context
  if (version >= 4) {
    return { coordinators: request.coordinatorKeys.map((key) => find(key, request.keyType, context)) }
  }
  const { key: _, ...one } = find(request.key, request.keyType, context)
  return one
})

function find(key: string, keyType: number, context: RequestContext) {
  const { cluster, connection, version } = context
  const kind = kindOf[keyType]
  const failed = (code: ErrorName, message: string | null = null) => ({
    key,
    nodeId: -1,
    host: '',
    port: -1,
    errorCode: errors[code],
    errorMessage: message,
  })
  if (kind === undefined || (kind === 'share' && version < 6)) {
    return failed('INVALID_REQUEST', malformed)
  }
  if (kind === 'group' && !context.allows('DESCRIBE', 'GROUP', key)) {
    return failed('GROUP_AUTHORIZATION_FAILED')
  }
  if (kind === 'transaction' && !context.allows('DESCRIBE', 'TRANSACTIONAL_ID', key)) {
    return failed('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  }
  if (kind === 'share' && !context.allows('CLUSTER_ACTION', 'CLUSTER')) {
    return failed('CLUSTER_AUTHORIZATION_FAILED')
  }
  if (kind === 'share' && !isSharePartition(key)) return failed('INVALID_REQUEST', '')
  const nodeId = cluster.coordinators.find(kind, key)
  if (nodeId === -1) return failed('COORDINATOR_NOT_AVAILABLE')
  const address = cluster.brokers.get(nodeId)!.addressFor(connection.listener.option.name)
  return { key, nodeId, ...address, errorCode: errors.NONE, errorMessage: version >= 4 ? '' : 'NONE' }
}

/** `group:topicId:partition` (Java's `SharePartitionKey`). */
function isSharePartition(key: string): boolean {
  return /^[^:]*[^:\s][^:]*:[\w-]{22}:-?\d+$/.test(key)
}

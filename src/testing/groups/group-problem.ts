import type { RequestContext } from '../broker/request-context.ts'
import type { ErrorName } from '../error-codes.ts'
import type { AclOperation } from '../security/authorizer.ts'

/**
 * Why a broker takes no request of that group: it is not allowed, its id is not valid, or the broker is not its
 * coordinator. Null: it takes it.
 *
 * @param emptyId whether the empty id is one: Java's broker takes it for offsets alone, for the sake of old clients.
 */
export function groupProblem(
  context: RequestContext,
  operation: AclOperation,
  groupId: string,
  emptyId = false,
): ErrorName | null {
  if (!context.allows(operation, 'GROUP', groupId)) return 'GROUP_AUTHORIZATION_FAILED'
  if (groupId === '' && !emptyId) return 'INVALID_GROUP_ID'
  return context.cluster.coordinators.isHere('group', groupId, context.broker.id) ? null : 'NOT_COORDINATOR'
}

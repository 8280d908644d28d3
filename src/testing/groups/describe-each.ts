import type { RequestContext } from '../broker/request-context.ts'
import type { ErrorName } from '../error-codes.ts'

/**
 * Answers for each group of a describe request, in the order of Java's broker: those that the client may not see, those
 * that need no coordinator, the others.
 */
export function describeEach<T>(
  groupIds: readonly string[],
  context: RequestContext,
  describe: (groupId: string) => T,
  failed: (groupId: string, code: ErrorName) => T,
): T[] {
  const mayDescribe = (groupId: string) => context.allows('DESCRIBE', 'GROUP', groupId)
  const allowed = groupIds.filter(mayDescribe)
  return [
    ...groupIds
      .filter((groupId) => !mayDescribe(groupId))
      .map((id) => failed(id, 'GROUP_AUTHORIZATION_FAILED')),
    ...allowed.filter((groupId) => groupId === '').map(describe),
    ...allowed.filter((groupId) => groupId !== '').map(describe),
  ]
}

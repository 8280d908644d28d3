import { syncGroup } from '../../protocol/apis/sync-group.ts'
import { handler } from '../broker/api-handler.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { ClassicGroup } from '../groups/classic-group.ts'
import { failedSync, type SyncResult } from '../groups/classic-member.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const syncGroupHandler = handler(syncGroup, (request, context) => {
  const { groupId, protocolType, protocolName } = request
  const failed = (error: ErrorName) => answerOf(failedSync(error))
  // Both are to be there since version 5 (KIP-559), although the format has null for them.
  if (context.version >= 5 && (protocolType === null || protocolName === null)) {
    return failed('INCONSISTENT_GROUP_PROTOCOL')
  }
  const problem = groupProblem(context, 'READ', groupId)
  if (problem !== null) return failed(problem)
  const group = context.cluster.groups.get(groupId)
  if (!(group instanceof ClassicGroup)) return failed('UNKNOWN_MEMBER_ID')
  return new Promise((resolve) => {
    const assignments = new Map(request.assignments.map((one) => [one.memberId, one.assignment]))
    group.sync({ ...request, assignments }, (result) => resolve(answerOf(result)))
  })
})

function answerOf({ error, protocolType, protocolName, assignment }: SyncResult) {
  return { errorCode: errors[error], protocolType, protocolName, assignment }
}

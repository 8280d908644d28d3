import { deleteGroups } from '../../protocol/apis/delete-groups.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const deleteGroupsHandler = handler(deleteGroups, (request, context) => ({
  results: [...new Set(request.groupsNames)].map((groupId) => {
    const error = deleteGroup(groupId, context)
    return { groupId, errorCode: errors[error] }
  }),
}))

function deleteGroup(groupId: string, context: RequestContext): ErrorName {
  const problem = groupProblem(context, 'DELETE', groupId, true)
  if (problem !== null) return problem
  const { groups } = context.cluster
  const group = groups.get(groupId)
  if (group === undefined) return 'GROUP_ID_NOT_FOUND'
  if (group.hasMembers) return 'NON_EMPTY_GROUP'
  groups.delete(groupId)
  return 'NONE'
}

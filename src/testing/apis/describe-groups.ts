import { describeGroups } from '../../protocol/apis/describe-groups.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { ClassicGroup } from '../groups/classic-group.ts'
import { noBytes } from '../groups/classic-member.ts'
import { groupProblem } from '../groups/group-problem.ts'
import { authorizedOperations } from '../security/authorized-operations.ts'

export const describeGroupsHandler = handler(describeGroups, (request, context) => ({
  groups: request.groups.map((groupId) => {
    const described = describe(groupId, context)
    const withOperations = request.includeAuthorizedOperations && described.errorCode === errors.NONE
    return {
      groupId,
      ...described,
      ...(withOperations ? { authorizedOperations: authorizedOperations(context, 'GROUP', groupId) } : {}),
    }
  }),
}))

function describe(groupId: string, context: RequestContext) {
  const failed = (error: ErrorName, groupState = '', errorMessage: string | null = null) => ({
    errorCode: errors[error],
    ...(context.version >= 6 ? { errorMessage } : {}),
    groupState,
    protocolType: '',
    protocolData: '',
    members: [],
  })
  const problem = groupProblem(context, 'DESCRIBE', groupId, true)
  if (problem !== null) return failed(problem)
  const group = context.cluster.groups.get(groupId)
  if (!(group instanceof ClassicGroup)) {
    // Before version 6 such a group was dead, which is no error.
    if (context.version < 6) return failed('NONE', 'Dead')
    const reason =
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`
    return failed('GROUP_ID_NOT_FOUND', 'Dead', reason)
  }
  const { state, protocolType, protocolName } = group
  const isStable = state === 'Stable'
  return {
    errorCode: errors.NONE,
    groupState: state,
    protocolType,
    protocolData: isStable ? protocolName : '',
    members: [...group.members].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? member.metadataOf(protocolName) : noBytes,
      memberAssignment: isStable ? member.assignment : noBytes,
    })),
  }
}

import { leaveGroup } from '../../protocol/apis/leave-group.ts'
import { handler } from '../broker/api-handler.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { ClassicGroup } from '../groups/classic-group.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const leaveGroupHandler = handler(leaveGroup, (request, context) => {
  const { groupId } = request
  const problem = groupProblem(context, 'READ', groupId)
  if (problem !== null) return { errorCode: errors[problem] }
  const group = context.cluster.groups.get(groupId)
  const leave = (members: typeof request.members): ErrorName[] =>
    group instanceof ClassicGroup ? group.leave(members) : members.map(() => 'UNKNOWN_MEMBER_ID')
  if (context.version < 3) {
    const [error] = leave([{ memberId: request.memberId, groupInstanceId: null, reason: null }])
    return { errorCode: errors[error!] }
  }
  const left = leave(request.members)
  return {
    errorCode: errors.NONE,
    members: request.members.map(({ memberId, groupInstanceId }, i) => ({
      memberId,
      groupInstanceId,
      errorCode: errors[left[i]!],
    })),
  }
})

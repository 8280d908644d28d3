import { heartbeat } from '../../protocol/apis/heartbeat.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import { ClassicGroup } from '../groups/classic-group.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const heartbeatHandler = handler(heartbeat, (request, context) => {
  const { groupId, generationId } = request
  const problem = groupProblem(context, 'READ', groupId)
  if (problem !== null) return { errorCode: errors[problem] }
  const group = context.cluster.groups.get(groupId)
  if (!(group instanceof ClassicGroup)) return { errorCode: errors.UNKNOWN_MEMBER_ID }
  return { errorCode: errors[group.heartbeat(request, generationId)] }
})

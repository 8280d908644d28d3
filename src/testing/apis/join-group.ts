import { joinGroup } from '../../protocol/apis/join-group.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { failedJoin, type JoiningMember, type JoinResult } from '../groups/classic-member.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const joinGroupHandler = handler(joinGroup, (request, context) => {
  const { cluster, version } = context
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, protocolType } = request
  const joining: JoiningMember = {
    memberId,
    groupInstanceId,
    clientId: context.clientId ?? '',
    clientHost: context.clientHost,
    sessionTimeoutMs,
    // Version 0 has the one time-out for both.
    rebalanceTimeoutMs: version === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType,
    protocols: request.protocols,
  }
  const problem =
    groupProblem(context, 'READ', groupId) ?? sessionProblem(context, sessionTimeoutMs) ?? kindProblem()
  if (problem !== null) return answerOf(failedJoin(problem, memberId), version)
  return new Promise((resolve) => {
    const options = { needsMemberId: version >= 4, canSkipAssignment: version >= 9 }
    cluster.groups.classic(groupId).join(joining, options, (result) => resolve(answerOf(result, version)))
  })

  function kindProblem(): ErrorName | null {
    const group = cluster.groups.get(groupId)
    if (group === undefined) return memberId === '' ? null : 'UNKNOWN_MEMBER_ID'
    if (group.type === 'classic') return null
    // An empty consumer group becomes a classic one; a share group never does.
    return group.type === 'consumer' && !group.hasMembers ? null : 'INCONSISTENT_GROUP_PROTOCOL'
  }
})

function sessionProblem({ cluster: { config } }: RequestContext, sessionTimeoutMs: number): ErrorName | null {
  const isAllowed =
    sessionTimeoutMs >= config.getNumber('group.min.session.timeout.ms') &&
    sessionTimeoutMs <= config.getNumber('group.max.session.timeout.ms')
  return isAllowed ? null : 'INVALID_SESSION_TIMEOUT'
}

function answerOf(result: JoinResult, version: number) {
  const { error, memberId, generationId, protocolType, protocolName, leader, skipAssignment } = result
  return {
    errorCode: errors[error],
    generationId,
    protocolType,
    // Not nullable before version 7.
    protocolName: version >= 7 ? protocolName : (protocolName ?? ''),
    leader,
    skipAssignment,
    memberId,
    members: [...result.members],
  }
}

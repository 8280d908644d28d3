import { shareGroupHeartbeat } from '../../protocol/apis/share-group-heartbeat.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { joinEpoch, leaveEpoch } from '../groups/consumer-member.ts'
import { GroupError } from '../groups/group-error.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { ShareGroup } from '../groups/share-group.ts'

type HeartbeatRequest = StructOf<typeof shareGroupHeartbeat.request.fields>
type HeartbeatAnswer = StructInput<typeof shareGroupHeartbeat.response.fields>

export const shareGroupHeartbeatHandler = handler(
  shareGroupHeartbeat,
  (request, context): HeartbeatAnswer => {
    const { groupId, memberId, memberEpoch, subscribedTopicNames } = request
    if (!shareProtocolEnabled(context.cluster)) return { errorCode: errors.UNSUPPORTED_VERSION }
    try {
      if (!context.allows('READ', 'GROUP', groupId)) {
        return { errorCode: errors.GROUP_AUTHORIZATION_FAILED }
      }
      const mayDescribe = (topic: string) => context.allows('DESCRIBE', 'TOPIC', topic)
      if (!(subscribedTopicNames ?? []).every(mayDescribe)) {
        return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED }
      }
      // Java's broker leaves the message out here.
      if (memberId === '') return { errorCode: errors.INVALID_REQUEST }
      checkRequest(request)
      if (!context.cluster.coordinators.isHere('group', groupId, context.broker.id)) {
        return { errorCode: errors.NOT_COORDINATOR }
      }
      return memberEpoch === leaveEpoch ? leave(request, context) : heartbeat(request, context)
    } catch (error) {
      if (!(error instanceof GroupError)) throw error
      return { errorCode: error.code, errorMessage: error.message }
    }
  },
)

function leave({ groupId, memberId, memberEpoch }: HeartbeatRequest, context: RequestContext) {
  const group = context.cluster.groups.get(groupId)
  if (group === undefined) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (!(group instanceof ShareGroup)) throw notShareGroup(groupId)
  group.leave(memberId)
  return { memberId, memberEpoch }
}

function heartbeat(request: HeartbeatRequest, context: RequestContext): HeartbeatAnswer {
  const { groups } = context.cluster
  const group = groupFor(request, context)
  try {
    const { assignment, ...answer } = group.heartbeat(request, {
      clientId: context.clientId ?? '',
      clientHost: context.clientHost,
    })
    if (groups.get(request.groupId) !== group) groups.set(group)
    return { ...answer, assignment: assignment === null ? null : { topicPartitions: assignment } }
  } finally {
    // One that was made for a member that may not join.
    if (groups.get(request.groupId) !== group) group.dispose()
  }
}

function groupFor({ groupId, memberEpoch }: HeartbeatRequest, { cluster }: RequestContext): ShareGroup {
  const known = cluster.groups.get(groupId)
  if (known instanceof ShareGroup) return known
  if (known !== undefined) throw notShareGroup(groupId)
  if (memberEpoch !== joinEpoch) {
    throw new GroupError('GROUP_ID_NOT_FOUND', `Share group ${groupId} not found.`)
  }
  return new ShareGroup(cluster, groupId)
}

function notShareGroup(groupId: string): GroupError {
  return new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a share group.`)
}

function checkRequest({ groupId, rackId, memberEpoch, subscribedTopicNames }: HeartbeatRequest): void {
  const invalid = (message: string) => new GroupError('INVALID_REQUEST', message)
  if (groupId === '') throw invalid("GroupId can't be empty.")
  if (rackId === '') throw invalid("RackId can't be empty.")
  if (memberEpoch < leaveEpoch) throw invalid('MemberEpoch is invalid.')
  if (memberEpoch === joinEpoch && (subscribedTopicNames === null || subscribedTopicNames.length === 0)) {
    throw invalid('SubscribedTopicNames must be set in first request.')
  }
}

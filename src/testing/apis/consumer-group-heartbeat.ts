import { consumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { ConsumerGroup } from '../groups/consumer-group.ts'
import { joinEpoch, staticLeaveEpoch } from '../groups/consumer-member.ts'
import { GroupError } from '../groups/group-error.ts'
import { GroupOffsets } from '../groups/group-offsets.ts'
import { consumerProtocolEnabled } from '../groups/protocol-enabled.ts'

type HeartbeatRequest = StructOf<typeof consumerGroupHeartbeat.request.fields>
type HeartbeatAnswer = StructInput<typeof consumerGroupHeartbeat.response.fields>

export const consumerGroupHeartbeatHandler = handler(
  consumerGroupHeartbeat,
  (request, context): HeartbeatAnswer => {
    if (!consumerProtocolEnabled(context.cluster)) return { errorCode: errors.UNSUPPORTED_VERSION }
    try {
      if (!context.allows('READ', 'GROUP', request.groupId)) {
        return { errorCode: errors.GROUP_AUTHORIZATION_FAILED }
      }
      const mayDescribe = (topic: string) => context.allows('DESCRIBE', 'TOPIC', topic)
      if (!(request.subscribedTopicNames ?? []).every(mayDescribe)) {
        return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED }
      }
      checkRequest(request, context)
      if (!context.cluster.coordinators.isHere('group', request.groupId, context.broker.id)) {
        return { errorCode: errors.NOT_COORDINATOR }
      }
      return request.memberEpoch < 0 ? leave(request, context) : heartbeat(request, context)
    } catch (error) {
      if (!(error instanceof GroupError)) throw error
      return { errorCode: error.code, errorMessage: error.message }
    }
  },
)

function leave({ groupId, memberId, memberEpoch, instanceId }: HeartbeatRequest, context: RequestContext) {
  const group = context.cluster.groups.get(groupId)
  if (group === undefined) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (!(group instanceof ConsumerGroup)) throw notConsumerGroup(groupId)
  group.leave(memberId, instanceId, memberEpoch)
  return { memberId, memberEpoch }
}

function heartbeat(request: HeartbeatRequest, context: RequestContext): HeartbeatAnswer {
  const { groups } = context.cluster
  const group = groupFor(request, context)
  try {
    const { assignment, ...answer } = group.heartbeat(request, {
      clientId: context.clientId ?? '',
      clientHost: context.clientHost,
      mayDescribe: (topic) => context.allows('DESCRIBE', 'TOPIC', topic),
    })
    if (groups.get(request.groupId) !== group) groups.set(group)
    return { ...answer, assignment: assignment === null ? null : { topicPartitions: assignment } }
  } finally {
    // One that was made for a member that may not join.
    if (groups.get(request.groupId) !== group) group.dispose()
  }
}

/** A group that has no members and is of the classic protocol gives way, but for its offsets (KIP-848). */
function groupFor({ groupId, memberEpoch }: HeartbeatRequest, { cluster }: RequestContext): ConsumerGroup {
  const known = cluster.groups.get(groupId)
  if (known instanceof ConsumerGroup) return known
  if (known === undefined && memberEpoch !== joinEpoch) {
    throw new GroupError('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)
  }
  if (known !== undefined && (known.type !== 'classic' || known.hasMembers || memberEpoch !== joinEpoch)) {
    throw notConsumerGroup(groupId)
  }
  return new ConsumerGroup(cluster, groupId, known?.offsets ?? new GroupOffsets())
}

function notConsumerGroup(groupId: string): GroupError {
  return new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
}

/** In the order in which Java's `GroupCoordinatorService` looks. */
function checkRequest(request: HeartbeatRequest, context: RequestContext): void {
  const { memberEpoch, serverAssignor } = request
  // Since version 1 members make their ids themselves (KIP-1082).
  if (context.version >= 1 && request.memberId === '') throw invalid("MemberId can't be empty.")
  if (request.groupId === '') throw invalid("GroupId can't be empty.")
  if (request.instanceId === '') throw invalid("InstanceId can't be empty.")
  if (request.rackId === '') throw invalid("RackId can't be empty.")
  if (memberEpoch < staticLeaveEpoch) throw invalid('MemberEpoch is invalid.')
  if (memberEpoch !== joinEpoch && request.memberId === '') throw invalid("MemberId can't be empty.")
  if (memberEpoch === staticLeaveEpoch && request.instanceId === null) {
    throw invalid("InstanceId can't be null.")
  }
  if (memberEpoch === joinEpoch) checkJoin(request, context)
  const assignors = context.cluster.config.getList('group.consumer.assignors')
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new GroupError(
      'UNSUPPORTED_ASSIGNOR',
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  }
}

function checkJoin(request: HeartbeatRequest, { cluster }: RequestContext): void {
  const { subscribedTopicNames: names, subscribedTopicRegex: regex } = request
  if (request.rebalanceTimeoutMs === -1) {
    throw invalid('RebalanceTimeoutMs must be provided in first request.')
  }
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    throw invalid('TopicPartitions must be empty when (re-)joining.')
  }
  if (cluster.profile.version !== '4.3') {
    if (names === null || names.length === 0) {
      throw invalid('SubscribedTopicNames must be set in first request.')
    }
  } else if (names === null && regex === null) {
    throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
  }
}

function invalid(message: string): GroupError {
  return new GroupError('INVALID_REQUEST', message)
}

import { consumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { ConsumerGroup } from '../groups/consumer-group.ts'
import type { ConsumerMember } from '../groups/consumer-member.ts'
import { describeEach } from '../groups/describe-each.ts'
import { consumerProtocolEnabled } from '../groups/protocol-enabled.ts'
import { toTopicIdPartitions, withTopicNames } from '../groups/topic-partition-map.ts'
import { authorizedOperations } from '../security/authorized-operations.ts'

type GroupAnswer = NonNullable<StructInput<typeof consumerGroupDescribe.response.fields>['groups']>[number]
type MemberAnswer = NonNullable<GroupAnswer['members']>[number]

export const consumerGroupDescribeHandler = handler(consumerGroupDescribe, (request, context) => {
  if (!consumerProtocolEnabled(context.cluster)) {
    return { groups: request.groupIds.map((groupId) => failed(groupId, 'UNSUPPORTED_VERSION')) }
  }
  const { groupIds, includeAuthorizedOperations } = request
  const describeOne = (groupId: string) => describe(groupId, includeAuthorizedOperations, context)
  return { groups: describeEach(groupIds, context, describeOne, failed) }
})

function describe(groupId: string, withOperations: boolean, context: RequestContext): GroupAnswer {
  const { cluster } = context
  if (groupId === '') return failed(groupId, 'INVALID_GROUP_ID')
  if (!cluster.coordinators.isHere('group', groupId, context.broker.id)) {
    return failed(groupId, 'NOT_COORDINATOR')
  }
  const group = cluster.groups.get(groupId)
  if (!(group instanceof ConsumerGroup)) {
    const problem = group === undefined ? 'not found' : 'is not a consumer group'
    return failed(groupId, 'GROUP_ID_NOT_FOUND', `Group ${groupId} ${problem}.`)
  }
  const members = [...group.members.values()].map((member) => describeMember(member, group, context))
  const topics = members.flatMap(({ assignment, targetAssignment }) => [
    ...assignment!.topicPartitions!,
    ...targetAssignment!.topicPartitions!,
  ])
  if (!topics.every(({ topicName }) => context.allows('DESCRIBE', 'TOPIC', topicName))) {
    return failed(
      groupId,
      'TOPIC_AUTHORIZATION_FAILED',
      'The group has described topic(s) that the client is not authorized to describe.',
    )
  }
  return {
    errorCode: errors.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignorName,
    members,
    ...(withOperations ? { authorizedOperations: authorizedOperations(context, 'GROUP', groupId) } : {}),
  }
}

function describeMember(member: ConsumerMember, group: ConsumerGroup, context: RequestContext): MemberAnswer {
  const { memberId, instanceId, rackId, memberEpoch, clientId, clientHost } = member
  return {
    memberId,
    instanceId,
    rackId,
    memberEpoch,
    clientId,
    clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: withTopicNames(member.held(), context.cluster.topics) },
    targetAssignment: {
      topicPartitions: withTopicNames(toTopicIdPartitions(group.targetOf(memberId)), context.cluster.topics),
    },
    // 1: of the consumer protocol.
    memberType: 1,
  }
}

function failed(groupId: string, code: ErrorName, errorMessage: string | null = null): GroupAnswer {
  return { errorCode: errors[code], errorMessage, groupId }
}

import { alterShareGroupOffsets } from '../../protocol/apis/alter-share-group-offsets.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { groupProblem } from '../groups/group-problem.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { ShareGroup } from '../groups/share-group.ts'

type AlterAnswer = StructInput<typeof alterShareGroupOffsets.response.fields>
type TopicRequest = StructOf<typeof alterShareGroupOffsets.request.fields>['topics'][number]
type TopicAnswer = NonNullable<AlterAnswer['responses']>[number]

const unknownPartition = {
  errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION as number,
  errorMessage: 'This server does not host this topic-partition.',
}

export const alterShareGroupOffsetsHandler = handler(
  alterShareGroupOffsets,
  ({ groupId, topics }, context): AlterAnswer => {
    if (!shareProtocolEnabled(context.cluster)) return failed('UNSUPPORTED_VERSION')
    const problem = groupProblem(context, 'READ', groupId)
    if (problem === 'INVALID_GROUP_ID') return failed(problem, 'The group id is invalid.')
    if (problem !== null) return failed(problem)
    const known = context.cluster.groups.get(groupId)
    if (known !== undefined && !(known instanceof ShareGroup)) {
      return failed('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a share group.`)
    }
    if (known?.hasMembers === true) return failed('NON_EMPTY_GROUP', 'The group is not empty.')
    // A group that is not there comes to be.
    const group = known ?? new ShareGroup(context.cluster, groupId)
    context.cluster.groups.set(group)
    const answers = topics.map((topic) => alter(topic, group, context))
    // As in Kafka what is wrong as a whole comes first.
    const isWrong = ({ topicId }: TopicAnswer) => topicId === zeroUuid
    return { responses: [...answers.filter(isWrong), ...answers.filter((one) => !isWrong(one))] }
  },
)

function alter(
  { topicName, partitions }: TopicRequest,
  group: ShareGroup,
  context: RequestContext,
): TopicAnswer {
  const mayRead = context.allows('READ', 'TOPIC', topicName)
  const topic = mayRead ? context.cluster.topics.get(topicName) : undefined
  if (topic === undefined) {
    const error = mayRead
      ? unknownPartition
      : { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, errorMessage: 'Topic authorization failed.' }
    return {
      topicName,
      topicId: zeroUuid,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...error })),
    }
  }
  return {
    topicName,
    topicId: topic.id,
    partitions: partitions.map(({ partitionIndex, startOffset }) => {
      if (topic.partitions[partitionIndex] === undefined) return { partitionIndex, ...unknownPartition }
      group.initialize(topic, partitionIndex).reset(Number(startOffset))
      return { partitionIndex, errorCode: errors.NONE }
    }),
  }
}

function failed(code: ErrorName, errorMessage: string | null = null): AlterAnswer {
  return { errorCode: errors[code], errorMessage }
}

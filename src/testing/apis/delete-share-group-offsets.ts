import { deleteShareGroupOffsets } from '../../protocol/apis/delete-share-group-offsets.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler } from '../broker/api-handler.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { groupProblem } from '../groups/group-problem.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { ShareGroup } from '../groups/share-group.ts'

type DeleteAnswer = StructInput<typeof deleteShareGroupOffsets.response.fields>
type TopicAnswer = NonNullable<DeleteAnswer['responses']>[number]

export const deleteShareGroupOffsetsHandler = handler(
  deleteShareGroupOffsets,
  ({ groupId, topics }, context): DeleteAnswer => {
    if (!shareProtocolEnabled(context.cluster)) return failed('UNSUPPORTED_VERSION')
    const problem = groupProblem(context, 'DELETE', groupId)
    if (problem === 'INVALID_GROUP_ID') return failed(problem, 'The group id is invalid.')
    if (problem !== null) return failed(problem)
    const group = context.cluster.groups.get(groupId)
    if (!(group instanceof ShareGroup)) {
      const what = group === undefined ? 'not found' : 'is not a share group'
      return failed('GROUP_ID_NOT_FOUND', `Group ${groupId} ${what}.`)
    }
    if (group.hasMembers) return failed('NON_EMPTY_GROUP', 'The group is not empty.')
    const answers = topics.map(({ topicName }): TopicAnswer => {
      if (!context.allows('READ', 'TOPIC', topicName)) {
        return refused(topicName, 'TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')
      }
      const topic = context.cluster.topics.get(topicName)
      if (topic === undefined) {
        const message = 'This server does not host this topic-partition.'
        return refused(topicName, 'UNKNOWN_TOPIC_OR_PARTITION', message)
      }
      group.forgetTopic(topic.id)
      return { topicName, topicId: topic.id, errorCode: errors.NONE }
    })
    // As in Kafka what is wrong comes last.
    const isRight = ({ errorCode }: TopicAnswer) => errorCode === errors.NONE
    return { responses: [...answers.filter(isRight), ...answers.filter((one) => !isRight(one))] }
  },
)

function refused(topicName: string, code: ErrorName, errorMessage: string): TopicAnswer {
  return { topicName, topicId: zeroUuid, errorCode: errors[code], errorMessage }
}

function failed(code: ErrorName, errorMessage: string | null = null): DeleteAnswer {
  return { errorCode: errors[code], errorMessage }
}

import { offsetDelete } from '../../protocol/apis/offset-delete.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { Group } from '../groups/group.ts'
import { groupProblem } from '../groups/group-problem.ts'

export const offsetDeleteHandler = handler(offsetDelete, (request, context) => {
  const { groupId } = request
  const { cluster } = context
  const group = cluster.groups.get(groupId)
  const problem = groupProblem(context, 'DELETE', groupId) ?? kindProblem(group)
  if (problem !== null) return { errorCode: errors[problem] }
  return {
    errorCode: errors.NONE,
    topics: request.topics.map(({ name, partitions }) => {
      const deleted = partitions.map(({ partitionIndex }) => {
        const error = deleteOffset(group!, name, partitionIndex, context)
        return { partitionIndex, errorCode: errors[error] }
      })
      // As in Kafka, where the group is asked of partitions alone that exist.
      const isUnknown = ({ errorCode }: { errorCode: number }) =>
        errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION
      const [unknown, others] = [deleted.filter(isUnknown), deleted.filter((one) => !isUnknown(one))]
      return { name, partitions: [...unknown, ...others] }
    }),
  }
})

function kindProblem(group: Group | undefined): ErrorName | null {
  if (group === undefined || group.type === 'share') return 'GROUP_ID_NOT_FOUND'
  // What members of other types are subscribed to is not known.
  return group.hasMembers && group.protocolType !== 'consumer' ? 'NON_EMPTY_GROUP' : null
}

function deleteOffset(group: Group, topic: string, partition: number, context: RequestContext): ErrorName {
  if (!context.allows('READ', 'TOPIC', topic)) return 'TOPIC_AUTHORIZATION_FAILED'
  if (context.cluster.topics.partition(topic, partition) === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  if (group.isSubscribedTo(topic)) return 'GROUP_SUBSCRIBED_TO_TOPIC'
  group.offsets.delete(topic, partition)
  return 'NONE'
}

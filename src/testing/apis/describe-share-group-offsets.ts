import { describeShareGroupOffsets } from '../../protocol/apis/describe-share-group-offsets.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import type { Topic } from '../cluster/topic.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { groupProblem } from '../groups/group-problem.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { ShareGroup } from '../groups/share-group.ts'

type GroupRequest = StructOf<typeof describeShareGroupOffsets.request.fields>['groups'][number]
type GroupAnswer = NonNullable<
  StructInput<typeof describeShareGroupOffsets.response.fields>['groups']
>[number]
type TopicAnswer = NonNullable<GroupAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

export const describeShareGroupOffsetsHandler = handler(describeShareGroupOffsets, (request, context) => ({
  groups: request.groups.map((group) => describe(group, context)),
}))

function describe({ groupId, topics }: GroupRequest, context: RequestContext): GroupAnswer {
  const { cluster } = context
  if (!shareProtocolEnabled(cluster)) return { groupId, errorCode: errors.UNSUPPORTED_VERSION }
  const problem = groupProblem(context, 'DESCRIBE', groupId)
  if (problem !== null) return { groupId, errorCode: errors[problem] }
  const known = cluster.groups.get(groupId)
  const group = known instanceof ShareGroup ? known : null
  if (topics !== null) {
    return { groupId, topics: topics.map((topic) => describeNamed(topic, group, context)) }
  }
  const all = (group?.topicIds ?? []).flatMap((topicId): TopicAnswer[] => {
    const topic = cluster.topics.byId(topicId)
    if (topic === undefined || !context.allows('DESCRIBE', 'TOPIC', topic.name)) return []
    const partitions = topic.partitions.filter(({ index }) => group!.partition(topicId, index) !== undefined)
    return [
      describeTopic(
        topic,
        partitions.map(({ index }) => index),
        group,
        context,
      ),
    ]
  })
  return { groupId, topics: all }
}

function describeNamed(
  { topicName, partitions }: NonNullable<GroupRequest['topics']>[number],
  group: ShareGroup | null,
  context: RequestContext,
): TopicAnswer {
  const failed = (error: ErrorName): TopicAnswer => ({
    topicName,
    topicId: zeroUuid,
    partitions: partitions.map((partitionIndex) => ({
      partitionIndex,
      startOffset: -1n,
      leaderEpoch: 0,
      errorCode: errors[error],
    })),
  })
  if (!context.allows('DESCRIBE', 'TOPIC', topicName)) return failed('TOPIC_AUTHORIZATION_FAILED')
  const topic = context.cluster.topics.get(topicName)
  if (topic === undefined) return failed('UNKNOWN_TOPIC_OR_PARTITION')
  return describeTopic(topic, partitions, group, context)
}

function describeTopic(
  topic: Topic,
  indexes: readonly number[],
  group: ShareGroup | null,
  { version }: RequestContext,
): TopicAnswer {
  return {
    topicName: topic.name,
    topicId: topic.id,
    partitions: indexes.map((partitionIndex): PartitionAnswer => {
      const partition = topic.partitions[partitionIndex]
      const stored = group?.partition(topic.id, partitionIndex)?.stored ?? null
      const startOffset = stored?.startOffset ?? -1
      const lag =
        stored === null || partition === undefined
          ? -1
          : Math.max(0, partition.log.highWatermark - stored.startOffset - stored.deliveryComplete)
      return {
        partitionIndex,
        startOffset: BigInt(startOffset),
        leaderEpoch: partition?.leaderEpoch ?? 0,
        ...(version >= 1 ? { lag: BigInt(lag) } : {}),
        errorCode: errors.NONE,
      }
    }),
  }
}

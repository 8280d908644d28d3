import { offsetFetch } from '../../protocol/apis/offset-fetch.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { CommittedOffset } from '../groups/group-offsets.ts'
import { groupProblem } from '../groups/group-problem.ts'

type Request = StructOf<typeof offsetFetch.request.fields>
type GroupRequest = Request['groups'][number]
type TopicRequest = NonNullable<GroupRequest['topics']>[number]

/** What a group has for a partition, or why it cannot be told. */
type ReadOffset = (topic: string, partition: number) => CommittedOffset | ErrorName

export const offsetFetchHandler = handler(offsetFetch, (request, context) => {
  if (context.version >= 8) {
    return { groups: request.groups.map((group) => fetchGroup(group, request.requireStable, context)) }
  }
  const asked: GroupRequest = {
    groupId: request.groupId,
    memberId: null,
    memberEpoch: -1,
    topics: request.topics?.map((topic) => ({ ...topic, topicId: '' })) ?? null,
  }
  const { topics, errorCode } = fetchGroup(asked, request.requireStable, context)
  return { topics: topics.map(({ name, partitions }) => ({ name, partitions })), errorCode }
})

function fetchGroup(asked: GroupRequest, requireStable: boolean, context: RequestContext) {
  const { groupId, memberId, memberEpoch } = asked
  const { version } = context
  const group = context.cluster.groups.get(groupId)
  const error = problemOf(groupId, context) ?? group?.checkOffsetFetch(memberId, memberEpoch) ?? null
  if (error !== null) {
    // Versions 0 and 1 have no place for it but the partitions.
    const topics =
      version < 2 ? (asked.topics ?? []).map((topic) => failedTopic(topic, topic.name, error)) : []
    return { groupId, topics, errorCode: errors[error] }
  }
  const read: ReadOffset = (topic, partition) => {
    if (requireStable && group?.offsets.isPending(topic, partition)) return 'UNSTABLE_OFFSET_COMMIT'
    // ZooKeeper had no value for it at all.
    return group?.offsets.get(topic, partition) ?? (version === 0 ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'NONE')
  }
  const topics =
    asked.topics === null
      ? allTopics([...(group?.offsets.entries() ?? [])], read, context)
      : asked.topics.map((topic) => fetchTopic(topic, read, context))
  return { groupId, topics, errorCode: errors.NONE }
}

function problemOf(groupId: string, context: RequestContext): ErrorName | null {
  if (context.version > 0) return groupProblem(context, 'DESCRIBE', groupId, true)
  // Version 0 read from ZooKeeper, at any broker. There is none where KRaft is.
  if (!context.allows('DESCRIBE', 'GROUP', groupId)) return 'GROUP_AUTHORIZATION_FAILED'
  return context.cluster.profile.raft ? 'UNSUPPORTED_VERSION' : null
}

/** All that was committed and that the client may see; with ids only what has one. */
function allTopics(
  committed: readonly { readonly topic: string; readonly partition: number }[],
  read: ReadOffset,
  context: RequestContext,
) {
  return [...new Set(committed.map(({ topic }) => topic))].flatMap((name) => {
    const topicId = context.version >= 10 ? context.cluster.topics.get(name)?.id : ''
    if (topicId === undefined || !context.allows('DESCRIBE', 'TOPIC', name)) return []
    const partitions = committed.filter(({ topic }) => topic === name).map(({ partition }) => partition)
    return [fetchPartitions(name, topicId, partitions, read)]
  })
}

function fetchTopic(topic: TopicRequest, read: ReadOffset, context: RequestContext) {
  const { topics } = context.cluster
  const name = context.version >= 10 ? topics.byId(topic.topicId)?.name : topic.name
  if (name === undefined) return failedTopic(topic, '', 'UNKNOWN_TOPIC_ID')
  if (!context.allows('DESCRIBE', 'TOPIC', name)) {
    return failedTopic(topic, name, 'TOPIC_AUTHORIZATION_FAILED')
  }
  return fetchPartitions(name, topic.topicId, topic.partitionIndexes, read)
}

function fetchPartitions(
  name: string,
  topicId: string,
  partitionIndexes: readonly number[],
  read: ReadOffset,
) {
  return {
    ...namedBy(name, topicId),
    partitions: partitionIndexes.map((partitionIndex) => {
      const found = read(name, partitionIndex)
      if (typeof found === 'string') return nothing(partitionIndex, found)
      return {
        partitionIndex,
        committedOffset: BigInt(found.offset),
        committedLeaderEpoch: found.leaderEpoch,
        metadata: found.metadata,
        errorCode: errors.NONE,
      }
    }),
  }
}

function failedTopic({ topicId, partitionIndexes }: TopicRequest, name: string, error: ErrorName) {
  return {
    ...namedBy(name, topicId),
    partitions: partitionIndexes.map((index) => nothing(index, error)),
  }
}

/** An id only where the version has them. */
function namedBy(name: string, topicId: string) {
  return topicId === '' ? { name } : { name, topicId }
}

function nothing(partitionIndex: number, error: ErrorName) {
  return {
    partitionIndex,
    committedOffset: -1n,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: errors[error],
  }
}

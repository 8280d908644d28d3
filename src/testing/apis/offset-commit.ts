import { offsetCommit } from '../../protocol/apis/offset-commit.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { Group } from '../groups/group.ts'
import { groupForCommit, partitionsProblem } from '../groups/group-for-commit.ts'
import { groupProblem } from '../groups/group-problem.ts'

type Request = StructOf<typeof offsetCommit.request.fields>
type TopicRequest = Request['topics'][number]
type PartitionRequest = TopicRequest['partitions'][number]

export const offsetCommitHandler = handler(offsetCommit, (request, context) => {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request
  if (!context.allows('READ', 'GROUP', groupId)) {
    return { topics: request.topics.map((topic) => failed(topic, 'GROUP_AUTHORIZATION_FAILED')) }
  }
  // Version 0 wrote to ZooKeeper, at any broker and past the group. There is none where KRaft is.
  const toZooKeeper = context.version === 0
  if (toZooKeeper && context.cluster.profile.raft) {
    return { topics: request.topics.map((topic) => failed(topic, 'UNSUPPORTED_VERSION')) }
  }
  const checked = request.topics.map((topic) => check(topic, context))
  // As Java's broker: where nothing is left to commit, nobody asks after the group.
  if (!checked.some(({ valid }) => valid.length > 0)) return { topics: checked.map(({ answer }) => answer) }

  let error = toZooKeeper ? null : groupProblem(context, 'READ', groupId, true)
  let group: Group | null = null
  if (toZooKeeper) {
    group = context.cluster.groups.get(groupId) ?? context.cluster.groups.classic(groupId)
  } else if (error === null) {
    const committer = { memberId, groupInstanceId, generationIdOrEpoch: generationIdOrMemberEpoch }
    const found = groupForCommit(context.cluster, groupId, committer, context.version)
    error =
      'error' in found
        ? found.error
        : partitionsProblem(
            found.group,
            committer,
            checked.flatMap(({ name, valid }) =>
              valid.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
            ),
          )
    if (error === null && 'group' in found) group = found.group
  }
  for (const { name, valid, answer } of checked) {
    for (const partition of valid) {
      const code = group === null ? error! : commit(group, name, partition, request, context)
      answer.partitions.push({ partitionIndex: partition.partitionIndex, errorCode: errors[code] })
    }
  }
  return { topics: checked.map(({ answer }) => answer) }
})

interface Checked {
  readonly name: string
  readonly valid: readonly PartitionRequest[]
  /** With what is not valid; the rest is added when it is committed. */
  readonly answer: ReturnType<typeof failed>
}

function check(topic: TopicRequest, context: RequestContext): Checked {
  const { topics } = context.cluster
  const byId = context.version >= 10
  const known = byId ? topics.byId(topic.topicId) : topics.get(topic.name)
  const name = byId ? (known?.name ?? '') : topic.name
  const refuse = (error: ErrorName): Checked => ({ name, valid: [], answer: failed(topic, error) })
  if (byId && known === undefined) return refuse('UNKNOWN_TOPIC_ID')
  if (!context.allows('READ', 'TOPIC', name)) return refuse('TOPIC_AUTHORIZATION_FAILED')
  if (known === undefined) return refuse('UNKNOWN_TOPIC_OR_PARTITION')
  const exists = ({ partitionIndex }: PartitionRequest) => known.partitions[partitionIndex] !== undefined
  const invalid = topic.partitions.filter((partition) => !exists(partition))
  return {
    name,
    valid: topic.partitions.filter(exists),
    answer: failed({ ...topic, partitions: invalid }, 'UNKNOWN_TOPIC_OR_PARTITION'),
  }
}

function commit(
  group: Group,
  topic: string,
  partition: PartitionRequest,
  { retentionTimeMs }: Request,
  { cluster, now }: RequestContext,
): ErrorName {
  const { partitionIndex, committedOffset, committedLeaderEpoch, commitTimestamp, committedMetadata } =
    partition
  const metadata = committedMetadata ?? ''
  if (metadata.length > cluster.config.getNumber('offset.metadata.max.bytes'))
    return 'OFFSET_METADATA_TOO_LARGE'
  group.offsets.set(topic, partitionIndex, {
    offset: Number(committedOffset),
    leaderEpoch: committedLeaderEpoch,
    metadata,
    committedAtMs: commitTimestamp === -1n ? now : Number(commitTimestamp),
    expiresAtMs: retentionTimeMs === -1n ? null : now + Number(retentionTimeMs),
  })
  return 'NONE'
}

function failed({ name, topicId, partitions }: TopicRequest, error: ErrorName) {
  return {
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: errors[error] as number,
    })),
  }
}

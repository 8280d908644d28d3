import { txnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { Group } from '../groups/group.ts'
import { groupForTxnCommit, partitionsProblem } from '../groups/group-for-commit.ts'
import { admitPartition } from '../transactions/admit-partition.ts'

type TxnOffsetCommitRequest = StructOf<typeof txnOffsetCommit.request.fields>
type PartitionRequest = TxnOffsetCommitRequest['topics'][number]['partitions'][number]

export const txnOffsetCommitHandler = handler(txnOffsetCommit, (request, context) => {
  const { cluster } = context
  const refused = refusal(request, context)
  const problem = (topic: string, partition: number): ErrorName =>
    refused ??
    (!context.allows('READ', 'TOPIC', topic)
      ? 'TOPIC_AUTHORIZATION_FAILED'
      : cluster.topics.partition(topic, partition) === undefined
        ? 'UNKNOWN_TOPIC_OR_PARTITION'
        : 'NONE')
  const anyLeft = request.topics.some(({ name, partitions }) =>
    partitions.some(({ partitionIndex }) => problem(name, partitionIndex) === 'NONE'),
  )
  // With nothing to commit the group is not asked.
  const group = anyLeft ? groupOf(request, context) : 'NONE'
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        const { partitionIndex } = partition
        const error = problem(name, partitionIndex)
        return {
          partitionIndex,
          errorCode: errors[error === 'NONE' ? commit(group, request, name, partition, context) : error],
        }
      }),
    })),
  }
})

function refusal({ transactionalId, groupId }: TxnOffsetCommitRequest, context: RequestContext) {
  if (!context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  }
  return context.allows('READ', 'GROUP', groupId) ? null : 'GROUP_AUTHORIZATION_FAILED'
}

/** The group, when the producer's transaction and, if it is told, the member of the group allow the commit (KIP-447). */
function groupOf(request: TxnOffsetCommitRequest, context: RequestContext): Group | ErrorName {
  const { groupId, transactionalId, memberId, generationIdOrMemberEpoch, groupInstanceId } = request
  const { cluster, version } = context
  if (groupId === '') return 'INVALID_GROUP_ID'
  if (!cluster.coordinators.isHere('group', groupId, context.broker.id)) return 'NOT_COORDINATOR'
  const { topic, index } = cluster.coordinators.partition('group', groupId)
  const partition = { topic: topic.name, partition: index }
  const mode = version >= 5 ? 'add' : version === 4 ? 'verify-abortable' : 'verify'
  const error = admitPartition(cluster, transactionalId, request, partition, mode)
  // The code of a log means nothing to those who speak to a coordinator.
  if (error !== 'NONE') return error === 'NOT_ENOUGH_REPLICAS' ? 'COORDINATOR_NOT_AVAILABLE' : error
  const committer = { memberId, generationIdOrEpoch: generationIdOrMemberEpoch, groupInstanceId }
  const found = groupForTxnCommit(cluster.groups, groupId, committer)
  if ('error' in found) return found.error
  const partitions = request.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
  )
  return partitionsProblem(found.group, committer, partitions) === null ? found.group : 'ILLEGAL_GENERATION'
}

function commit(
  group: Group | ErrorName,
  { producerId }: TxnOffsetCommitRequest,
  topic: string,
  { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }: PartitionRequest,
  { cluster, now }: RequestContext,
): ErrorName {
  if (typeof group === 'string') return group
  const metadata = committedMetadata ?? ''
  if (Buffer.byteLength(metadata) > cluster.config.getNumber('offset.metadata.max.bytes')) {
    return 'OFFSET_METADATA_TOO_LARGE'
  }
  group.offsets.setPending(producerId, topic, partitionIndex, {
    offset: Number(committedOffset),
    leaderEpoch: committedLeaderEpoch,
    metadata,
    committedAtMs: now,
    expiresAtMs: null,
  })
  return 'NONE'
}

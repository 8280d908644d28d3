import { describeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import type { Partition } from '../cluster/partition.ts'
import { isValidTopicName } from '../cluster/topic-name.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { authorizedOperations } from '../security/authorized-operations.ts'

type Request = StructOf<typeof describeTopicPartitions.request.fields>
type DescribeTopicPartitionsAnswer = StructInput<typeof describeTopicPartitions.response.fields>
type TopicAnswer = NonNullable<DescribeTopicPartitionsAnswer['topics']>[number]

export const describeTopicPartitionsHandler = handler(describeTopicPartitions, (request, context) => {
  const { cluster } = context
  const { cursor } = request
  const all = request.topics.length === 0
  const asked = all ? [...cluster.topics].map(({ name }) => name) : request.topics.map(({ name }) => name)
  const problem = cursorProblem(request)
  if (problem !== null) return { topics: asked.map((name) => ({ name, errorCode: errors[problem] })) }
  const names = [...new Set(asked)].filter((name) => cursor === null || name >= cursor.topicName).sort()
  const describable = names.filter((name) => context.allows('DESCRIBE', 'TOPIC', name))
  // That topics exist is told only to those who may know: without a list of names these are left out.
  const hidden = all ? [] : names.filter((name) => !describable.includes(name))
  const limit = cluster.config.getNumber('max.request.partition.size.limit')
  let left = Math.max(Math.min(limit, request.responsePartitionLimit), 1)
  let nextCursor: { topicName: string; partitionIndex: number } | null = null
  const topics: TopicAnswer[] = []
  for (const name of describable) {
    if (left === 0) {
      nextCursor = { topicName: name, partitionIndex: 0 }
      break
    }
    const topic = cluster.topics.get(name)
    const topicAuthorizedOperations = authorizedOperations(context, 'TOPIC', name)
    if (topic === undefined) {
      const code: ErrorName = isValidTopicName(name)
        ? 'UNKNOWN_TOPIC_OR_PARTITION'
        : 'INVALID_TOPIC_EXCEPTION'
      topics.push({ name, errorCode: errors[code], topicAuthorizedOperations })
      continue
    }
    const from = name === cursor?.topicName ? cursor.partitionIndex : 0
    const page = topic.partitions.slice(from, from + left)
    topics.push({
      name,
      topicId: topic.id,
      isInternal: topic.isInternal,
      partitions: page.map((partition) => describe(partition, context)),
      topicAuthorizedOperations,
    })
    left -= page.length
    if (from + page.length < topic.partitions.length) {
      nextCursor = { topicName: name, partitionIndex: from + page.length }
      break
    }
  }
  for (const name of hidden) topics.push({ name, errorCode: errors.TOPIC_AUTHORIZATION_FAILED })
  return { topics, nextCursor }
})

function cursorProblem({ topics, cursor }: Request): ErrorName | null {
  if (cursor === null) return null
  const isListed = topics.length === 0 || topics.some(({ name }) => name === cursor.topicName)
  return isListed && cursor.partitionIndex >= 0 ? null : 'INVALID_REQUEST'
}

function describe(partition: Partition, { cluster }: RequestContext) {
  const { index, leader, leaderEpoch, replicas, isr } = partition
  return {
    errorCode: leader === -1 ? errors.LEADER_NOT_AVAILABLE : errors.NONE,
    partitionIndex: index,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: replicas.filter((id) => !cluster.isAlive(id)),
  }
}

import { alterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { attempt, Refusal, refused } from '../cluster/refusal.ts'

export const alterPartitionReassignmentsHandler = handler(alterPartitionReassignments, (request, context) => {
  const { topics, allowReplicationFactorChange } = request
  if (!context.allows('ALTER', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  const refusal = controllerRefusal(context, request.timeoutMs)
  if (refusal !== null && topics.length > 0) {
    const responses = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...refusal })),
    }))
    return { ...refusal, responses }
  }
  return {
    errorMessage: null,
    allowReplicationFactorChange,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => ({
        partitionIndex,
        ...attempt(() => alter(name, partitionIndex, replicas, allowReplicationFactorChange, context)),
      })),
    })),
  }
})

function alter(
  name: string,
  index: number,
  replicas: readonly number[] | null,
  mayResize: boolean,
  { cluster }: RequestContext,
): void {
  const topic = cluster.topics.get(name)
  if (topic === undefined) {
    throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  }
  const partition = topic.partitions[index]
  if (partition === undefined) {
    throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${index}.`)
  }
  if (replicas === null) cluster.reassignments.cancel(partition)
  else cluster.reassignments.begin(partition, replicas, mayResize)
}

import { listPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import { refused } from '../cluster/refusal.ts'

export const listPartitionReassignmentsHandler = handler(listPartitionReassignments, (request, context) => {
  const { cluster } = context
  if (!context.allows('DESCRIBE', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  const refusal = controllerRefusal(context)
  if (refusal !== null) return refusal
  const asked = request.topics ?? [...cluster.topics].map(({ name }) => ({ name, partitionIndexes: null }))
  const topics = asked.map(({ name, partitionIndexes }) => ({
    name,
    partitions: (cluster.topics.get(name)?.partitions ?? [])
      .filter((one) => partitionIndexes?.includes(one.index) ?? true)
      .filter((one) => cluster.reassignments.isUnderWay(one))
      .map(({ index, replicas, addingReplicas, removingReplicas }) => ({
        partitionIndex: index,
        replicas,
        addingReplicas,
        removingReplicas,
      })),
  }))
  return { errorMessage: null, topics: topics.filter(({ partitions }) => partitions.length > 0) }
})

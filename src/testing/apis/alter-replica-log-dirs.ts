import { alterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'

export const alterReplicaLogDirsHandler = handler(alterReplicaLogDirs, (request, context) => {
  const results = new Map<string, { partitionIndex: number; errorCode: number }[]>()
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      const answers = results.get(name) ?? []
      for (const index of partitions) {
        answers.push({ partitionIndex: index, errorCode: errors[move(path, name, index, context)] })
      }
      results.set(name, answers)
    }
  }
  return { results: [...results].map(([topicName, partitions]) => ({ topicName, partitions })) }
})

/** Java's `ReplicaManager.alterReplicaLogDirs`. */
function move(path: string, name: string, index: number, context: RequestContext): ErrorName {
  const { cluster, broker } = context
  if (!context.allows('ALTER', 'CLUSTER')) return 'CLUSTER_AUTHORIZATION_FAILED'
  if (!cluster.logDirs.paths.includes(path)) return 'LOG_DIR_NOT_FOUND'
  const partition = cluster.topics.partition(name, index)
  if (partition === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  // Not NOT_LEADER_OR_FOLLOWER, for old clients' sake.
  if (!partition.replicas.includes(broker.id)) return 'REPLICA_NOT_AVAILABLE'
  cluster.logDirs.move(partition, broker.id, path)
  return 'NONE'
}

import { writeTxnMarkers } from '../../protocol/apis/write-txn-markers.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { AppendError } from '../log/append-error.ts'
import type { TransactionMarker } from '../transactions/append-marker.ts'
import { applyMarker } from '../transactions/write-markers.ts'

/** Coordinators of this cluster need no request: it is for an admin that ends a hanging transaction (KIP-664). */
export const writeTxnMarkersHandler = handler(writeTxnMarkers, (request, context) => {
  const mayAlter = context.cluster.profile.raft && context.allows('ALTER', 'CLUSTER')
  const allowed = mayAlter || context.allows('CLUSTER_ACTION', 'CLUSTER')
  return {
    markers: request.markers.map((one) => {
      const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = one
      const commit = one.transactionResult
      const marker = { producerId, producerEpoch, commit, coordinatorEpoch, transactionVersion }
      return {
        producerId,
        topics: one.topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            errorCode: allowed
              ? write(marker, name, partitionIndex, context)
              : errors.CLUSTER_AUTHORIZATION_FAILED,
          })),
        })),
      }
    }),
  }
})

function write(
  marker: TransactionMarker,
  topic: string,
  index: number,
  { cluster, broker }: RequestContext,
): number {
  const partition = cluster.topics.partition(topic, index)
  if (partition === undefined) return errors.UNKNOWN_TOPIC_OR_PARTITION
  if (partition.leader !== broker.id) return errors.NOT_LEADER_OR_FOLLOWER
  try {
    applyMarker(cluster, partition, marker)
    return errors.NONE
  } catch (error) {
    if (error instanceof AppendError) return error.code
    throw error
  }
}

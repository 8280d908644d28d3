import { deleteRecords } from '../../protocol/apis/delete-records.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type ErrorName, errors } from '../error-codes.ts'

/** In the place of an offset: all that is committed. */
const highWatermark = -1

export const deleteRecordsHandler = handler(deleteRecords, (request, context) => ({
  topics: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => {
      const result = deleteBefore(name, partitionIndex, Number(offset), context)
      return typeof result === 'number'
        ? { partitionIndex, lowWatermark: BigInt(result), errorCode: errors.NONE }
        : { partitionIndex, lowWatermark: -1n, errorCode: errors[result] }
    }),
  })),
}))

/** Gives where the log begins then, or why nothing is done (Java's `Partition.deleteRecordsOnLeader`). */
function deleteBefore(
  name: string,
  index: number,
  offset: number,
  context: RequestContext,
): number | ErrorName {
  const { cluster, broker } = context
  if (!context.allows('DELETE', 'TOPIC', name)) return 'TOPIC_AUTHORIZATION_FAILED'
  const partition = cluster.topics.partition(name, index)
  if (partition === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  const { topic, log } = partition
  if (topic.isInternal) return 'INVALID_TOPIC_EXCEPTION'
  if (partition.leader !== broker.id) return 'NOT_LEADER_OR_FOLLOWER'
  if (!topic.config.getList('cleanup.policy').includes('delete')) return 'POLICY_VIOLATION'
  const before = offset === highWatermark ? log.highWatermark : offset
  if (before < 0 || before > log.highWatermark) return 'OFFSET_OUT_OF_RANGE'
  log.deleteBefore(before)
  return log.logStartOffset
}

import type { shareAcknowledge } from '../../protocol/apis/share-acknowledge.ts'
import type { StructOf } from '../../protocol/schema.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { GroupError } from './group-error.ts'
import { sharedPartition } from './share-access.ts'
import { acknowledgeTypes } from './share-partition.ts'

type TopicRequest = StructOf<typeof shareAcknowledge.request.fields>['topics'][number]
type BatchRequest = TopicRequest['partitions'][number]['acknowledgementBatches'][number]

/** What came of the acknowledgements of one partition. */
export interface Acknowledged {
  readonly topicId: string
  readonly index: number
  readonly errorCode: number
  readonly errorMessage: string | null
  /** Null: it is here. */
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number } | null
}

/** Who acknowledges. */
export interface Acknowledger {
  readonly groupId: string
  readonly memberId: string
  readonly isRenewAck: boolean
}

/** Carries out the acknowledgements of a ShareAcknowledge or a ShareFetch, partition by partition. */
export function acknowledgeRecords(
  topics: readonly TopicRequest[],
  who: Acknowledger,
  context: RequestContext,
): Acknowledged[] {
  return topics.flatMap(({ topicId, partitions }) =>
    partitions
      .filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
      .map(({ partitionIndex: index, acknowledgementBatches }) => ({
        topicId,
        index,
        ...acknowledge(topicId, index, acknowledgementBatches, who, context),
      })),
  )
}

function acknowledge(
  topicId: string,
  index: number,
  batches: readonly BatchRequest[],
  { groupId, memberId, isRenewAck }: Acknowledger,
  context: RequestContext,
): Omit<Acknowledged, 'topicId' | 'index'> {
  const none = { errorCode: errors.NONE, errorMessage: null, leader: null }
  if (!batches.every((batch) => isValid(batch, isRenewAck))) {
    return { ...none, errorCode: errors.INVALID_REQUEST }
  }
  const found = sharedPartition(groupId, { topicId, index }, context)
  if ('error' in found) return { ...none, errorCode: errors[found.error], leader: found.leader }
  if (found.state?.isStarted !== true) {
    return {
      ...none,
      errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: 'This server does not host this topic-partition.',
    }
  }
  const lockMs = context.cluster.groupConfigs.get(groupId).getNumber('share.record.lock.duration.ms')
  try {
    found.state.acknowledge(
      memberId,
      batches.map((batch) => ({
        firstOffset: Number(batch.firstOffset),
        lastOffset: Number(batch.lastOffset),
        types: batch.acknowledgeTypes,
      })),
      lockMs,
    )
    return none
  } catch (error) {
    if (!(error instanceof GroupError)) throw error
    return { ...none, errorCode: error.code, errorMessage: error.message }
  }
}

function isValid(
  { firstOffset, lastOffset, acknowledgeTypes: types }: BatchRequest,
  isRenewAck: boolean,
): boolean {
  if (firstOffset > lastOffset || types.length === 0) return false
  if (types.length > 1 && BigInt(types.length) !== lastOffset - firstOffset + 1n) return false
  const largest = isRenewAck ? acknowledgeTypes.renew : acknowledgeTypes.reject
  return types.every((type) => type >= acknowledgeTypes.gap && type <= largest)
}

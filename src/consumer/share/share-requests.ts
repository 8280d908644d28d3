import { ConnectionError, TimeoutError, UnsupportedVersionError } from '../../errors.ts'
import type { ShareAcknowledgeRequest } from '../../protocol/apis/share-acknowledge.ts'
import type { ShareFetchRequest } from '../../protocol/apis/share-fetch.ts'
import { BrokerError, errorCodes } from '../../protocol/broker-errors.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { batchesOf, type PartitionAcknowledgements } from './acknowledgements.ts'
import type { ParsedShareConsumerOptions } from './share-consumer-options.ts'
import { byTopic, type SharedPartition, type ShareSession, sharedKey } from './share-session.ts'

/** From which version of ShareFetch and ShareAcknowledge on there are `record_limit` and `renew`: Kafka 4.2. */
export const renewVersion = 2

/** Who asks. */
export interface ShareMemberId {
  readonly groupId: string
  readonly memberId: string
}

/** The body of a ShareFetch that goes on with a session, or opens one. */
export function fetchBody(
  member: ShareMemberId,
  session: ShareSession,
  change: { readonly added: readonly SharedPartition[]; readonly forgotten: readonly SharedPartition[] },
  acknowledgements: readonly PartitionAcknowledgements[],
  options: ParsedShareConsumerOptions,
  version: number,
): ShareFetchRequest {
  const { maxPollRecords, fetchMaxBytes, fetchMinBytes, fetchMaxWaitMs, shareAcquireMode } = options
  const batches = batchesByPartition(acknowledgements)
  const partitions = new Map(change.added.map((one) => [sharedKey(one), one]))
  for (const { from } of acknowledgements) partitions.set(sharedKey(from), from)
  return {
    ...member,
    shareSessionEpoch: session.epoch,
    maxWaitMs: fetchMaxWaitMs,
    minBytes: fetchMinBytes,
    maxBytes: fetchMaxBytes,
    maxRecords: maxPollRecords,
    batchSize: maxPollRecords,
    ...(version >= renewVersion ? { shareAcquireMode: shareAcquireMode === 'record_limit' ? 1 : 0 } : {}),
    topics: byTopic(partitions.values(), (one) => ({
      partitionIndex: one.partition,
      acknowledgementBatches: batches.get(sharedKey(one)) ?? [],
    })),
    forgottenTopicsData: byTopic(change.forgotten, ({ partition }) => partition),
  }
}

export function acknowledgeBody(
  member: ShareMemberId,
  shareSessionEpoch: number,
  acknowledgements: readonly PartitionAcknowledgements[],
  version: number,
): ShareAcknowledgeRequest {
  const batches = batchesByPartition(acknowledgements)
  const partitions = new Map(acknowledgements.map(({ from }) => [sharedKey(from), from]))
  return {
    ...member,
    shareSessionEpoch,
    ...(version >= renewVersion ? { isRenewAck: acknowledgements.some(({ isRenewal }) => isRenewal) } : {}),
    topics: byTopic(partitions.values(), (one) => ({
      partitionIndex: one.partition,
      acknowledgementBatches: batches.get(sharedKey(one))!,
    })),
  }
}

function batchesByPartition(
  acknowledgements: readonly PartitionAcknowledgements[],
): Map<string, ReturnType<typeof batchesOf>> {
  const ranges = new Map<string, PartitionAcknowledgements['ranges'][number][]>()
  for (const one of acknowledgements) {
    const key = sharedKey(one.from)
    ranges.set(key, [...(ranges.get(key) ?? []), ...one.ranges])
  }
  return new Map([...ranges].map(([key, all]) => [key, batchesOf(all)]))
}

/** The error of an answer as a whole. */
export function shareError(
  errorCode: number,
  context: { api: string; groupId: string; broker: string },
  detail: string | null,
): KafkaError {
  if (errorCode === errorCodes.unsupportedVersion) return noShareGroups(context.groupId, context.broker)
  return new BrokerError(errorCode, context, detail)
}

/** The cluster has no share groups, or has them switched off. */
export function noShareGroups(groupId: string, broker: string, cause?: unknown): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `share group ${groupId}: ${broker} offers no share groups. They need Kafka 4.1 or newer with its feature ` +
      'share.version at 1 (kafka-features.sh upgrade --feature share.version=1)',
    { groupId, broker, cause },
  )
}

/** A needed part of share groups came with Kafka 4.2. */
export function needsKafka42(what: string, groupId: string, broker: string): UnsupportedVersionError {
  return new UnsupportedVersionError(`share group ${groupId}: ${what} needs Kafka 4.2, ${broker} is older`, {
    groupId,
    broker,
  })
}

/** The session in which the records were acquired is over, so the broker has released them. */
export function sessionLost(groupId: string): KafkaError {
  return new KafkaError(
    'SHARE_SESSION_NOT_FOUND',
    `share group ${groupId}: the session in which these records were acquired is over; they are given out again`,
    { groupId, retriable: true },
  )
}

/** Whether a broker that answers so, or not at all, has given up the session and all that was acquired in it. */
export function isReleased(error: KafkaError): boolean {
  return (
    error instanceof ConnectionError ||
    error.code === 'REQUEST_TIMEOUT' ||
    error.code === 'SHARE_SESSION_NOT_FOUND'
  )
}

/** Its time was over before it could be sent. */
export function tooLate({ from: { topic, partition }, deadline }: PartitionAcknowledgements): KafkaError {
  return new TimeoutError(
    'API_TIMEOUT',
    `acknowledgements for ${topic}-${partition} could not be sent within ${deadline.timeoutMs} ms`,
    { topic, partition },
  )
}

import { listOffsets } from '../../protocol/apis/list-offsets.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { repeated } from '../broker/repeated.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { leaderProblem } from '../cluster/leader-problem.ts'
import { errors } from '../error-codes.ts'

type PartitionRequest = StructOf<typeof listOffsets.request.fields>['topics'][number]['partitions'][number]
type ListOffsetsAnswer = StructInput<typeof listOffsets.response.fields>
type PartitionAnswer = NonNullable<NonNullable<ListOffsetsAnswer['topics']>[number]['partitions']>[number]

/** What clients ask for in the place of a time. */
const special = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
  earliestPendingUpload: -6,
}

/** First version in which each of them is known. */
const sinceVersion: Readonly<Record<number, number>> = {
  [special.maxTimestamp]: 7,
  [special.earliestLocal]: 8,
  [special.latestTiered]: 9,
  [special.earliestPendingUpload]: 11,
}

export const listOffsetsHandler = handler(listOffsets, (request, context) => {
  const { isolationLevel } = request
  const twice = repeated(
    request.topics.flatMap(({ name, partitions }) =>
      partitions.map((one) => `${name}-${one.partitionIndex}`),
    ),
  )
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: [
        ...partitions
          .filter(({ partitionIndex }) => !twice.has(`${name}-${partitionIndex}`))
          .map((partition) => find(name, partition, isolationLevel, context)),
        ...[...new Set(partitions.map(({ partitionIndex }) => partitionIndex))]
          .filter((index) => twice.has(`${name}-${index}`))
          .map((index) => failed(index, errors.INVALID_REQUEST)),
      ],
    })),
  }
})

function find(
  topic: string,
  { partitionIndex, currentLeaderEpoch, timestamp, maxNumOffsets }: PartitionRequest,
  isolationLevel: number,
  context: RequestContext,
): PartitionAnswer {
  const { cluster, version } = context
  if (!context.allows('DESCRIBE', 'TOPIC', topic)) {
    return failed(partitionIndex, errors.TOPIC_AUTHORIZATION_FAILED)
  }
  const partition = cluster.topics.partition(topic, partitionIndex)
  if (partition === undefined) return failed(partitionIndex, errors.UNKNOWN_TOPIC_OR_PARTITION)
  const problem = leaderProblem(partition, context.broker.id, currentLeaderEpoch)
  if (problem !== null) return failed(partitionIndex, errors[problem])
  // Kafka trips over it.
  if (isolationLevel < 0 || isolationLevel > 1) return failed(partitionIndex, errors.UNKNOWN_SERVER_ERROR)
  const { log } = partition
  const end = isolationLevel === 1 ? log.lastStableOffset : log.highWatermark
  const at = Number(timestamp)
  if (at < 0 && version < (sinceVersion[at] ?? 0)) {
    return failed(partitionIndex, errors.UNSUPPORTED_VERSION)
  }
  const found = (offset: number, time = -1, epoch = log.epochs.epochOf(offset)): PartitionAnswer => ({
    partitionIndex,
    errorCode: errors.NONE,
    ...(version === 0 ? { oldStyleOffsets: maxNumOffsets > 0 ? [BigInt(offset)] : [] } : {}),
    ...(version > 0 ? { offset: BigInt(offset), timestamp: BigInt(time) } : {}),
    ...(version >= 4 ? { leaderEpoch: offset < 0 ? -1 : epoch } : {}),
  })
  switch (at) {
    case special.latest:
      return found(end, -1, partition.leaderEpoch)
    case special.earliest:
    case special.earliestLocal:
      return found(log.logStartOffset)
    case special.latestTiered:
    case special.earliestPendingUpload:
      return found(-1)
  }
  if (at < special.earliestPendingUpload) return failed(partitionIndex, errors.UNSUPPORTED_VERSION)
  const hit = at === special.maxTimestamp ? log.offsetOfMaxTimestamp() : log.offsetForTimestamp(at)
  if (hit === null || hit.offset >= end) return found(-1)
  return found(hit.offset, hit.timestamp, hit.leaderEpoch)
}

function failed(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode }
}

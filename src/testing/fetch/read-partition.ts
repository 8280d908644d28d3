import { decodeRecords } from '../../protocol/records/record-batch.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { leaderProblem } from '../cluster/leader-problem.ts'
import type { Partition } from '../cluster/partition.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { toOldMagic } from '../log/convert-records.ts'
import type { FetchedPartition, PartitionAnswer, PartitionRequest } from './fetch-session.ts'

export interface ReadOptions {
  readonly readCommitted: boolean
  /** Bytes that the answer may still take. */
  readonly maxBytes: number
  /** As the request says it. */
  readonly requestMaxBytes: number
  /** The first partition with records gets one batch whole, whatever its size. */
  readonly minOneBatch: boolean
  /** Of the client (KIP-392). */
  readonly rackId: string
}

/** From this version on consumers may read from followers (KIP-392). */
const readsFollowersFrom = 11

/** What a fetch gets of one partition. */
export function readPartition(
  { topic: name, topicId, asked }: FetchedPartition,
  options: ReadOptions,
  context: RequestContext,
): { readonly answer: PartitionAnswer; readonly partition: Partition | null } {
  const { topics } = context.cluster
  const byId = context.version >= 13
  const topic = byId ? topics.byId(topicId) : topics.get(name)
  const refuse = (code: ErrorName) => ({
    // Kafka gives null only with what it has read from a log.
    answer: { ...failed(asked.partition, code), abortedTransactions: [] },
    partition: null,
  })
  if (byId && topic === undefined) return refuse('UNKNOWN_TOPIC_ID')
  if (!context.allows('READ', 'TOPIC', topic?.name ?? name)) return refuse('TOPIC_AUTHORIZATION_FAILED')
  const partition = topic?.partitions[asked.partition]
  if (partition === undefined) return refuse('UNKNOWN_TOPIC_OR_PARTITION')
  return { answer: read(partition, asked, options, context), partition }
}

function read(
  partition: Partition,
  asked: PartitionRequest,
  options: ReadOptions,
  context: RequestContext,
): PartitionAnswer {
  const { log } = partition
  const partitionIndex = asked.partition
  const brokerId = context.broker.id
  const follows = context.version >= readsFollowersFrom && partition.replicas.includes(brokerId)
  // Unlike in other requests any epoch below 0 means none.
  const epoch = Math.max(asked.currentLeaderEpoch, -1)
  const problem = leaderProblem(partition, follows ? partition.leader : brokerId, epoch)
  if (problem !== null) {
    const isOld = problem === 'NOT_LEADER_OR_FOLLOWER' || problem === 'FENCED_LEADER_EPOCH'
    const currentLeader = { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
    return {
      ...failed(partitionIndex, problem),
      ...(isOld && context.version >= 12 ? { currentLeader } : {}),
    }
  }
  if (asked.lastFetchedEpoch >= 0) {
    const diverged = divergence(partition, asked)
    if (diverged !== null) return diverged
  }
  const end = options.readCommitted ? log.lastStableOffset : log.highWatermark
  const offset = Number(asked.fetchOffset)
  const elsewhere = preferredReplica(partition, options.rackId, context)
  const maxBytes = elsewhere === -1 ? Math.min(asked.partitionMaxBytes, options.maxBytes) : 0
  if (asked.partitionMaxBytes < 0 || options.requestMaxBytes < 0) {
    // Kafka trips over it.
    return failed(partitionIndex, 'UNKNOWN_SERVER_ERROR')
  }
  const slice = log.read(offset, maxBytes, end, options.minOneBatch && elsewhere === -1)
  if (slice === null) return failed(partitionIndex, 'OFFSET_OUT_OF_RANGE')
  if (context.version < 10 && slice.bytes.length > 0 && holdsZstd(slice.bytes)) {
    return failed(partitionIndex, 'UNSUPPORTED_COMPRESSION_TYPE')
  }
  const aborted = options.readCommitted ? log.abortedBetween(offset, end) : []
  return {
    partitionIndex,
    errorCode: errors.NONE,
    highWatermark: BigInt(slice.highWatermark),
    lastStableOffset: BigInt(slice.lastStableOffset),
    logStartOffset: BigInt(slice.logStartOffset),
    abortedTransactions: options.readCommitted
      ? aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
      : null,
    preferredReadReplica: elsewhere,
    records: context.version < 4 ? toOldMagic(slice.bytes, context.version < 2 ? 0 : 1) : slice.bytes,
  }
}

/** Where the log of who fetches, up to its last epoch, is not the one of here (KIP-595); null where it is. */
function divergence({ log }: Partition, asked: PartitionRequest): PartitionAnswer | null {
  const { epoch, endOffset } = log.epochs.endOffsetFor(asked.lastFetchedEpoch, log.logEndOffset)
  if (epoch === -1) return failed(asked.partition, 'OFFSET_OUT_OF_RANGE')
  if (epoch >= asked.lastFetchedEpoch && endOffset >= Number(asked.fetchOffset)) return null
  return {
    partitionIndex: asked.partition,
    errorCode: errors.NONE,
    highWatermark: BigInt(log.highWatermark),
    lastStableOffset: BigInt(log.lastStableOffset),
    logStartOffset: BigInt(log.logStartOffset),
    divergingEpoch: { epoch, endOffset: BigInt(endOffset) },
    abortedTransactions: null,
    records: new Uint8Array(0),
  }
}

/** The replica in the client's rack where the leader is in another, with Kafka's rack-aware selector; else -1. */
function preferredReplica(partition: Partition, rackId: string, { cluster, broker }: RequestContext): number {
  if (rackId === '' || partition.leader !== broker.id || broker.rack === rackId) return -1
  const selector = cluster.config.getString('replica.selector.class')
  if (selector?.endsWith('RackAwareReplicaSelector') !== true) return -1
  const near = partition.isr.find((id) => cluster.isAlive(id) && cluster.brokers.get(id)?.rack === rackId)
  return near ?? -1
}

/** Clients have known zstd since Fetch 10 (KIP-110). */
function holdsZstd(bytes: Uint8Array): boolean {
  for (const { compression } of decodeRecords(bytes, { checkCrcs: false })) {
    if (compression === 'zstd') return true
  }
  return false
}

function failed(partitionIndex: number, code: ErrorName): PartitionAnswer {
  return {
    partitionIndex,
    errorCode: errors[code],
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    records: new Uint8Array(0),
  }
}

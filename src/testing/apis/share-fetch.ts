import { shareFetch } from '../../protocol/apis/share-fetch.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { brokerEndpoints } from '../cluster/broker-endpoints.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { releaseRecords } from '../groups/share-access.ts'
import { type Acknowledged, acknowledgeRecords } from '../groups/share-acknowledge.ts'
import { readShared, type ShareRead } from '../groups/share-read.ts'
import {
  closeEpoch,
  openEpoch,
  partitionKey,
  type SessionPartition,
  type ShareSession,
  ShareSessions,
} from '../groups/share-sessions.ts'

type ShareFetchRequest = StructOf<typeof shareFetch.request.fields>
type ShareFetchAnswer = StructInput<typeof shareFetch.response.fields>
type TopicAnswer = NonNullable<ShareFetchAnswer['responses']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

/** `ShareAcquireMode.RECORD_LIMIT` (KIP-1206). */
const recordLimit = 1

/** Who fetches, with what is known of it to be right. */
interface Fetcher {
  readonly groupId: string
  readonly memberId: string
  readonly request: ShareFetchRequest
  readonly context: RequestContext
}

export const shareFetchHandler = handler(shareFetch, (request, context) => {
  const { groupId, memberId, shareSessionEpoch, isRenewAck } = request
  if (!shareProtocolEnabled(context.cluster)) return failed('UNSUPPORTED_VERSION')
  if (groupId === null || groupId === '' || memberId === null || memberId === '') {
    return failed('INVALID_REQUEST')
  }
  if (!context.allows('READ', 'GROUP', groupId)) return failed('GROUP_AUTHORIZATION_FAILED')
  const problem = requestProblem(request, context)
  if (problem !== null) return failed(problem)
  const fetcher: Fetcher = { groupId, memberId, request, context }
  const session = sessionOf(fetcher)
  if (typeof session === 'string') return failed(session)
  const acknowledged = acknowledgeRecords(request.topics, { groupId, memberId, isRenewAck }, context)
  if (shareSessionEpoch === closeEpoch) {
    releaseRecords(groupId, memberId, session.partitions.values(), context)
    ShareSessions.of(context.broker).close(groupId, memberId)
  }
  if (shareSessionEpoch === closeEpoch || isRenewAck) return answerOf(new Map(), acknowledged, fetcher)
  return poll(session, acknowledged, fetcher)
})

function requestProblem(request: ShareFetchRequest, { cluster }: RequestContext): ErrorName | null {
  const { topics, shareSessionEpoch, isRenewAck } = request
  const acknowledges = topics.some(({ partitions }) =>
    partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0),
  )
  if (shareSessionEpoch === openEpoch && acknowledges) return 'INVALID_REQUEST'
  // Who renews is busy with what it has (KIP-1222).
  const fetches = request.maxWaitMs + request.minBytes + request.maxBytes + request.maxRecords > 0
  if (isRenewAck && fetches) return 'INVALID_REQUEST'
  // Kafka trips over an id that it has no name for.
  const isKnown = topics.every(({ topicId }) => cluster.topics.byId(topicId) !== undefined)
  return isKnown ? null : 'UNKNOWN_SERVER_ERROR'
}

/** The session of the request, with what the request adds to it and takes away. */
function sessionOf({ groupId, memberId, request, context }: Fetcher): ShareSession | ErrorName {
  const { shareSessionEpoch, topics, forgottenTopicsData } = request
  const sessions = ShareSessions.of(context.broker)
  let session: ShareSession | ErrorName
  if (shareSessionEpoch === openEpoch) {
    const limit = context.cluster.config.getNumber('group.share.max.share.sessions')
    if (sessions.size >= limit) return 'SHARE_SESSION_LIMIT_REACHED'
    session = sessions.open(groupId, memberId, context.connection, ({ partitions }) =>
      releaseRecords(groupId, memberId, partitions.values(), context),
    )
  } else {
    session = sessions.next(groupId, memberId, shareSessionEpoch)
  }
  if (typeof session === 'string' || shareSessionEpoch === closeEpoch) return session
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex: index } of partitions) {
      session.partitions.set(partitionKey({ topicId, index }), { topicId, index })
    }
  }
  for (const { topicId, partitions } of forgottenTopicsData) {
    for (const index of partitions) session.partitions.delete(partitionKey({ topicId, index }))
  }
  return session
}

/** Answers at once when there is something to tell, else when there is, or `maxWaitMs` are over. */
function poll(
  session: ShareSession,
  acknowledged: readonly Acknowledged[],
  fetcher: Fetcher,
): ShareFetchAnswer | Promise<ShareFetchAnswer | null> {
  const { request, context } = fetcher
  const first = readAll(session, fetcher)
  if (isWorthTelling(first) || request.maxWaitMs <= 0 || session.partitions.size === 0) {
    return answerOf(first, acknowledged, fetcher)
  }
  return new Promise((resolve) => {
    let isSettled = false
    let isWoken = false
    const settle = (reads: Reads | null) => {
      isSettled = true
      timer.cancel()
      for (const stop of stops) stop()
      resolve(reads === null ? null : answerOf(reads, acknowledged, fetcher))
    }
    const onChange = () => {
      // Several changes of one turn are looked at once.
      if (isWoken) return
      isWoken = true
      setImmediate(() => {
        isWoken = false
        if (isSettled) return
        const reads = readAll(session, fetcher)
        if (isWorthTelling(reads)) settle(reads)
      })
    }
    const timer = context.cluster.clock.after(request.maxWaitMs, () => settle(readAll(session, fetcher)))
    const stops = [...first.values()].flatMap(({ waitsFor }) =>
      waitsFor === null ? [] : [waitsFor.log.watch(onChange), waitsFor.state.watch(onChange)],
    )
    stops.push(context.connection.whenClosed(() => settle(null)))
  })
}

/** By partition. */
type Reads = Map<SessionPartition, ShareRead>

function readAll(session: ShareSession, { groupId, memberId, request, context }: Fetcher): Reads {
  const reads: Reads = new Map()
  let bytes = Math.min(request.maxBytes, context.cluster.config.getNumber('fetch.max.bytes'))
  let records = request.maxRecords
  for (const at of session.partitions.values()) {
    const read = readShared(
      at,
      {
        groupId,
        memberId,
        maxBytes: bytes,
        maxRecords: bytes > 0 ? records : 0,
        strict: request.shareAcquireMode === recordLimit,
        batchSize: request.batchSize,
      },
      context,
    )
    bytes -= read.records.length
    for (const { firstOffset, lastOffset } of read.acquired) records -= lastOffset - firstOffset + 1
    reads.set(at, read)
  }
  // Who came first this time comes last the next, so that none goes hungry.
  const first = session.partitions.entries().next().value
  if (first !== undefined && session.partitions.size > 1) {
    session.partitions.delete(first[0])
    session.partitions.set(...first)
  }
  return reads
}

function isWorthTelling(reads: Reads): boolean {
  for (const { errorCode, acquired } of reads.values()) {
    if (errorCode !== errors.NONE || acquired.length > 0) return true
  }
  return false
}

function answerOf(
  reads: Reads,
  acknowledged: readonly Acknowledged[],
  { groupId, request, context }: Fetcher,
): ShareFetchAnswer {
  const leaders = new Set<number>()
  const byTopic = new Map<string, PartitionAnswer[]>()
  const add = ({ topicId, index }: SessionPartition, answer: PartitionAnswer) => {
    const partitions = byTopic.get(topicId) ?? []
    byTopic.set(topicId, partitions)
    const known = partitions.find(({ partitionIndex }) => partitionIndex === index)
    if (known === undefined) partitions.push({ partitionIndex: index, ...answer })
    else Object.assign(known, answer)
    if (answer.currentLeader?.leaderId !== undefined) leaders.add(answer.currentLeader.leaderId)
  }
  for (const [at, { errorCode, leader, records, acquired }] of reads) {
    // In a session that goes on nothing is said of where nothing is.
    if (request.shareSessionEpoch !== openEpoch && errorCode === errors.NONE && acquired.length === 0)
      continue
    add(at, {
      errorCode,
      records,
      acquiredRecords: acquired.map(({ firstOffset, lastOffset, deliveryCount }) => ({
        firstOffset: BigInt(firstOffset),
        lastOffset: BigInt(lastOffset),
        deliveryCount,
      })),
      ...(leader === null ? {} : { currentLeader: leader }),
    })
  }
  for (const { topicId, index, errorCode, errorMessage, leader } of acknowledged) {
    add(
      { topicId, index },
      {
        acknowledgeErrorCode: errorCode,
        acknowledgeErrorMessage: errorMessage,
        ...(leader === null ? {} : { currentLeader: leader }),
      },
    )
  }
  return {
    errorCode: errors.NONE,
    acquisitionLockTimeoutMs: context.cluster.groupConfigs
      .get(groupId)
      .getNumber('share.record.lock.duration.ms'),
    responses: [...byTopic].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map((one) => ({ ...one, records: one.records ?? new Uint8Array(0) })),
    })),
    nodeEndpoints: brokerEndpoints(leaders, context),
  }
}

function failed(code: ErrorName): ShareFetchAnswer {
  return { errorCode: errors[code] }
}

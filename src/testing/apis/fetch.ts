import { fetch } from '../../protocol/apis/fetch.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { brokerEndpoints } from '../cluster/broker-endpoints.ts'
import type { Partition } from '../cluster/partition.ts'
import { errors } from '../error-codes.ts'
import {
  type FetchAnswer,
  type FetchedPartition,
  type FetchRequest,
  type FetchSession,
  fetchedPartitions,
  type PartitionAnswer,
} from '../fetch/fetch-session.ts'
import { readPartition } from '../fetch/read-partition.ts'

type TopicAnswer = NonNullable<FetchAnswer['responses']>[number]

export const fetchHandler = handler(fetch, (request, context) => {
  const session = context.broker.fetchSessions.sessionOf(request, context.version >= 13, context.now)
  if (typeof session === 'string') return { errorCode: errors[session] }
  const first = readAll(request, session, context)
  const { minBytes, maxWaitMs } = request
  if (first.isFinal || first.bytes >= minBytes || maxWaitMs <= 0)
    return answerOf(first, request, session, context)
  return waitForMore(first, request, session, context)
})

/** Answers when there is enough, something is wrong, or the time is over (Java's `DelayedFetch`). */
function waitForMore(
  first: Read,
  request: FetchRequest,
  session: FetchSession | null,
  context: RequestContext,
): Promise<FetchAnswer | null> {
  return new Promise((resolve) => {
    let settled = false
    let woken = false
    const settle = (answer: FetchAnswer | null) => {
      if (settled) return
      settled = true
      timer.cancel()
      for (const stop of stops) stop()
      resolve(answer)
    }
    const look = (isLast: boolean) => {
      if (settled) return
      const read = readAll(request, session, context)
      if (isLast || read.isFinal || read.bytes >= request.minBytes) {
        settle(answerOf(read, request, session, context))
      }
    }
    const onChange = () => {
      // Several appends of one turn are looked at once.
      if (woken) return
      woken = true
      setImmediate(() => {
        woken = false
        look(false)
      })
    }
    const timer = context.cluster.clock.after(request.maxWaitMs, () => look(true))
    const stops = [...first.watched].map(({ log }) => log.watch(onChange))
    stops.push(context.connection.whenClosed(() => settle(null)))
  })
}

interface Read {
  readonly partitions: { readonly partition: FetchedPartition; readonly answer: PartitionAnswer }[]
  /** Of records. */
  readonly bytes: number
  /** Something that the client is to hear of at once. */
  readonly isFinal: boolean
  readonly watched: ReadonlySet<Partition>
  /** Leaders that the answer names. */
  readonly leaders: ReadonlySet<number>
}

function readAll(request: FetchRequest, session: FetchSession | null, context: RequestContext): Read {
  const asked = session === null ? fetchedPartitions(request) : [...session.partitions.values()]
  let bytes = 0
  let isFinal = asked.length === 0
  let left = Math.min(request.maxBytes, context.cluster.config.getNumber('fetch.max.bytes'))
  const watched = new Set<Partition>()
  const leaders = new Set<number>()
  const partitions = asked.map((fetched) => {
    const { answer, partition } = readPartition(
      fetched,
      {
        readCommitted: request.isolationLevel === 1,
        maxBytes: left,
        requestMaxBytes: request.maxBytes,
        // Before version 3 there is no limit for the whole, nor a promise that one batch comes.
        minOneBatch: bytes === 0 && context.version >= 3,
        rackId: request.rackId,
      },
      context,
    )
    const size = answer.records?.length ?? 0
    bytes += size
    left -= size
    if (partition !== null) watched.add(partition)
    if (answer.errorCode !== errors.NONE || (answer.preferredReadReplica ?? -1) !== -1) isFinal = true
    if (answer.currentLeader?.leaderId !== undefined) leaders.add(answer.currentLeader.leaderId)
    return { partition: fetched, answer }
  })
  return { partitions, bytes, isFinal, watched, leaders }
}

function answerOf(
  { partitions, leaders }: Read,
  request: FetchRequest,
  session: FetchSession | null,
  context: RequestContext,
): FetchAnswer {
  const isIncremental = session !== null && request.sessionEpoch > 0
  const responses: TopicAnswer[] = []
  const byTopic = new Map<string, PartitionAnswer[]>()
  for (const { partition, answer } of partitions) {
    const changed = session?.takeNote(partition, answer) ?? true
    if (isIncremental && !changed) continue
    const { topic, topicId } = partition
    const key = context.version >= 13 ? topicId : topic
    let list = byTopic.get(key)
    if (list === undefined) {
      list = []
      byTopic.set(key, list)
      responses.push({ topic, topicId, partitions: list })
    }
    list.push(answer)
  }
  return {
    errorCode: errors.NONE,
    sessionId: session?.id ?? 0,
    responses,
    ...(leaders.size > 0 && context.version >= 16
      ? { nodeEndpoints: brokerEndpoints(leaders, context) }
      : {}),
  }
}

import { produce } from '../../protocol/apis/produce.ts'
import { attributeBit, batchField, batchHeaderBytes } from '../../protocol/records/batch-header.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { brokerEndpoints } from '../cluster/broker-endpoints.ts'
import type { Partition } from '../cluster/partition.ts'
import type { Topic } from '../cluster/topic.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { appendBatch } from '../log/append-batch.ts'
import { AppendError } from '../log/append-error.ts'
import { checkTransactional } from '../transactions/check-transactional.ts'

type ProduceAnswer = StructInput<typeof produce.response.fields>
type TopicAnswer = NonNullable<ProduceAnswer['responses']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitionResponses']>[number]
type ProduceRequest = StructOf<typeof produce.request.fields>
type TopicRequest = ProduceRequest['topicData'][number]

/** What a log refuses after a look at its own state. */
const toldWithLogStart: ReadonlySet<number> = new Set([
  errors.INVALID_PRODUCER_EPOCH,
  errors.INVALID_RECORD,
  errors.INVALID_TIMESTAMP,
  errors.NOT_ENOUGH_REPLICAS,
  errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
])

export const produceHandler = handler(produce, (request, context) => {
  const { acks, transactionalId } = request
  const leaders = new Set<number>()
  const refusal =
    hasTransactional(request) &&
    (transactionalId === null || !context.allows('WRITE', 'TRANSACTIONAL_ID', transactionalId))
      ? 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
      : acks < -1 || acks > 1
        ? 'INVALID_REQUIRED_ACKS'
        : null
  const responses = request.topicData.map((data): TopicAnswer => {
    const { name, topicId, partitionData } = data
    const topic = topicOf(data, context)
    const refused = refusal ?? (typeof topic === 'string' ? topic : null)
    return {
      name,
      topicId,
      partitionResponses: lastOfEach(partitionData).map(({ index, records }) => {
        if (refused !== null) return failed(index, refused)
        const partition = (topic as Topic).partitions[index]
        if (partition === undefined) return failed(index, 'UNKNOWN_TOPIC_OR_PARTITION')
        if (partition.leader !== context.broker.id) {
          leaders.add(partition.leader)
          if (context.version < 10) return failed(index, 'NOT_LEADER_OR_FOLLOWER')
          return {
            ...failed(index, 'NOT_LEADER_OR_FOLLOWER'),
            currentLeader: { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch },
          }
        }
        return append(partition, records, acks, transactionalId, context)
      }),
    }
  })
  if (acks === 0) {
    const anyFailed = responses.some((topic) => topic.partitionResponses!.some((one) => one.errorCode !== 0))
    // With nothing to answer, hanging up is the only way to say that something was wrong.
    if (anyFailed) context.connection.close()
    return null
  }
  return {
    responses,
    ...(leaders.size > 0 && context.version >= 10
      ? { nodeEndpoints: brokerEndpoints(leaders, context) }
      : {}),
  }
})

/** Whether a batch says that it is transactional: it is believed before anything else is looked at. */
function hasTransactional({ topicData }: ProduceRequest): boolean {
  return topicData.some(({ partitionData }) =>
    partitionData.some(
      ({ records }) =>
        records !== null &&
        records.length >= batchHeaderBytes &&
        records[batchField.magic] === 2 &&
        (records[batchField.attributes + 1]! & attributeBit.transactional) !== 0,
    ),
  )
}

/** Of a partition that comes twice the last counts. */
function lastOfEach(data: TopicRequest['partitionData']): TopicRequest['partitionData'] {
  if (data.length === 1) return data
  return [...new Map(data.map((one) => [one.index, one])).values()]
}

function append(
  partition: Partition,
  records: Uint8Array | null,
  acks: number,
  transactionalId: string | null,
  context: RequestContext,
): PartitionAnswer {
  const { index, log } = partition
  const { cluster, version } = context
  try {
    const appended = appendBatch(partition, records, {
      nowMs: context.now,
      produceVersion: version,
      acks,
      check: (batch) => checkTransactional(cluster, transactionalId, partition, batch, version),
    })
    return {
      index,
      errorCode: errors.NONE,
      baseOffset: BigInt(appended.baseOffset),
      logAppendTimeMs: BigInt(appended.logAppendTimeMs),
      logStartOffset: BigInt(log.logStartOffset),
    }
  } catch (error) {
    if (!(error instanceof AppendError)) throw error
    return {
      index,
      errorCode: error.code,
      baseOffset: -1n,
      logAppendTimeMs: -1n,
      logStartOffset: error.reachedLog && toldWithLogStart.has(error.code) ? BigInt(log.logStartOffset) : -1n,
      recordErrors: error.recordErrors.map(({ batchIndex, message }) => ({
        batchIndex,
        batchIndexErrorMessage: message,
      })),
      errorMessage: error.isTold ? error.message : null,
    }
  }
}

function topicOf({ name, topicId }: TopicRequest, context: RequestContext): Topic | ErrorName {
  const { topics } = context.cluster
  const byId = context.version >= 13
  const topic = byId ? topics.byId(topicId) : topics.get(name)
  if (byId && topic === undefined) return 'UNKNOWN_TOPIC_ID'
  if (!context.allows('WRITE', 'TOPIC', topic?.name ?? name)) return 'TOPIC_AUTHORIZATION_FAILED'
  if (topic === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  if (topic.isInternal && context.clientId !== '__admin_client') return 'INVALID_TOPIC_EXCEPTION'
  return topic
}

function failed(index: number, code: ErrorName): PartitionAnswer {
  return { index, errorCode: errors[code], baseOffset: -1n, logAppendTimeMs: -1n, logStartOffset: -1n }
}

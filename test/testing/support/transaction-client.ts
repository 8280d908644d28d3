import { setTimeout as wait } from 'node:timers/promises'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { addOffsetsToTxn } from '../../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/apis/add-partitions-to-txn.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { describeProducers } from '../../../src/protocol/apis/describe-producers.ts'
import { describeTransactions } from '../../../src/protocol/apis/describe-transactions.ts'
import { endTxn } from '../../../src/protocol/apis/end-txn.ts'
import { fetch } from '../../../src/protocol/apis/fetch.ts'
import { findCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/apis/init-producer-id.ts'
import { listOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import { listTransactions } from '../../../src/protocol/apis/list-transactions.ts'
import { produce } from '../../../src/protocol/apis/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/apis/txn-offset-commit.ts'
import { writeTxnMarkers } from '../../../src/protocol/apis/write-txn-markers.ts'
import { brokerErrorInfo } from '../../../src/protocol/broker-errors.ts'
import type { Api } from '../../../src/protocol/message.ts'
import { encodeRecordBatch } from '../../../src/protocol/records/encode-record-batch.ts'
import { decodeRecords } from '../../../src/protocol/records/record-batch.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'

/** Id and epoch, as the coordinator gives them. */
export interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface InitOptions extends Partial<Identity> {
  readonly timeoutMs?: number
  /** @default 5 */
  readonly version?: number
  /** Whether to ask again while there is no coordinator, or a transaction is being aborted. @default true */
  readonly retries?: boolean
}

export interface BatchOptions {
  readonly transactionalId?: string | null
  readonly isTransactional?: boolean
  readonly baseSequence?: number
  /** 11: the partition must have been added before; 12: it is added by this (KIP-890). @default 12 */
  readonly version?: number
}

export interface CommitOptions {
  readonly metadata?: string
  readonly memberId?: string
  readonly generationIdOrMemberEpoch?: number
}

export interface TopicPartitions {
  readonly name: string
  readonly partitions: readonly number[]
}

/** Errors of a broker that has only just begun to coordinate. */
const transient = new Set(['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'])

/**
 * The requests of a transactional producer, one by one, to a cluster of one broker; error codes by their names. Nothing
 * is looked after: sequences, epochs and the order of the requests are up to the test.
 */
export class TransactionClient implements AsyncDisposable {
  readonly raw: RawConnection

  constructor(raw: RawConnection) {
    this.raw = raw
  }

  static async connect(bootstrapServers: string): Promise<TransactionClient> {
    const first = bootstrapServers.split(',')[0]!
    const colon = first.lastIndexOf(':')
    return new TransactionClient(
      await connectRaw({ host: first.slice(0, colon), port: Number(first.slice(colon + 1)) }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.raw.close()
  }

  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
  ): Promise<StructOf<S>> {
    const { decoded, error } = await this.raw.send(api, version, body)
    if (decoded === null) throw error
    return decoded
  }

  async createTopic(name: string, numPartitions = 1): Promise<void> {
    const topic = { name, numPartitions, replicationFactor: 1 }
    const { topics } = await this.send(createTopics, 4, { topics: [topic], timeoutMs: 30_000 })
    if (topics[0]!.errorCode !== 0) throw new Error(`${name}: ${errorName(topics[0]!.errorCode)}`)
    for (let partition = 0; partition < numPartitions; partition++) {
      while ((await this.#listOffset(name, partition, false)).error !== 'NONE') await wait(20)
    }
  }

  /** Until the internal topic is there, and its partitions are led. */
  async coordinator(key: string, keyType: 0 | 1): Promise<void> {
    for (;;) {
      const { errorCode } = await this.send(findCoordinator, 2, { keyType, key })
      if (errorCode === 0) return
      await wait(20)
    }
  }

  async init(
    transactionalId: string | null,
    options: InitOptions = {},
  ): Promise<Identity & { error: string }> {
    const { timeoutMs = 60_000, version = 5, retries = true, producerId, producerEpoch } = options
    if (transactionalId !== null && transactionalId !== '') await this.coordinator(transactionalId, 1)
    for (;;) {
      const answer = await this.send(initProducerId, version, {
        transactionalId,
        transactionTimeoutMs: timeoutMs,
        ...(producerId === undefined ? {} : { producerId }),
        ...(producerEpoch === undefined ? {} : { producerEpoch }),
      })
      const error = errorName(answer.errorCode)
      const again = transient.has(error) || (retries && error === 'CONCURRENT_TRANSACTIONS')
      if (!again) return { error, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      await wait(20)
    }
  }

  /** Gives the errors by partition, as `topic-0`. */
  async addPartitions(
    transactionalId: string,
    identity: Identity,
    topics: readonly TopicPartitions[],
    version = 3,
  ): Promise<Record<string, string>> {
    for (;;) {
      const answer = await this.send(addPartitionsToTxn, version, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: identity.producerId,
        v3AndBelowProducerEpoch: identity.producerEpoch,
        v3AndBelowTopics: topics.map(({ name, partitions }) => ({ name, partitions: [...partitions] })),
      })
      const results = partitionErrors(
        answer.resultsByTopicV3AndBelow.map(({ name, resultsByPartition }) => ({
          name,
          partitions: resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
            partitionIndex,
            errorCode: partitionErrorCode,
          })),
        })),
      )
      if (!Object.values(results).includes('CONCURRENT_TRANSACTIONS')) return results
      await wait(20)
    }
  }

  async addOffsets(
    transactionalId: string,
    identity: Identity,
    groupId: string,
    version = 3,
  ): Promise<string> {
    await this.coordinator(groupId, 0)
    for (;;) {
      const { errorCode } = await this.send(addOffsetsToTxn, version, {
        transactionalId,
        ...idOf(identity),
        groupId,
      })
      if (errorName(errorCode) !== 'CONCURRENT_TRANSACTIONS') return errorName(errorCode)
      await wait(20)
    }
  }

  /** Gives the errors by partition, as `topic-0`. Version 5 adds the group to the transaction (KIP-890). */
  async commitOffsets(
    transactionalId: string,
    identity: Identity,
    groupId: string,
    offsets: readonly { topic: string; partition: number; offset: number }[],
    version = 5,
    member: CommitOptions = {},
  ): Promise<Record<string, string>> {
    const { metadata = 'meta', ...rest } = member
    await this.coordinator(groupId, 0)
    for (;;) {
      const answer = await this.send(txnOffsetCommit, version, {
        transactionalId,
        groupId,
        ...idOf(identity),
        ...rest,
        topics: offsets.map(({ topic, partition, offset }) => ({
          name: topic,
          partitions: [
            { partitionIndex: partition, committedOffset: BigInt(offset), committedMetadata: metadata },
          ],
        })),
      })
      const results = partitionErrors(answer.topics)
      if (!Object.values(results).some((error) => transient.has(error))) return results
      await wait(20)
    }
  }

  /** Writes one batch; again while the transaction before is being ended. */
  async produce(
    topic: string,
    partition: number,
    values: readonly string[],
    identity: Identity,
    options: BatchOptions = {},
  ): Promise<{ error: string; offset: number; message: string | null }> {
    const { transactionalId = null, isTransactional = transactionalId !== null } = options
    const { baseSequence = 0, version = 12 } = options
    const records = encodeRecordBatch(
      { ...idOf(identity), baseSequence, isTransactional },
      values.map((value, i) => ({
        offset: BigInt(i),
        timestamp: BigInt(Date.now()),
        key: null,
        value,
      })),
    )
    for (;;) {
      const { responses } = await this.send(produce, version, {
        transactionalId,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      })
      const one = responses[0]!.partitionResponses[0]!
      const error = errorName(one.errorCode)
      if (error !== 'CONCURRENT_TRANSACTIONS' && error !== 'NOT_ENOUGH_REPLICAS') {
        return { error, offset: Number(one.baseOffset), message: one.errorMessage }
      }
      await wait(20)
    }
  }

  /** Once; the markers may not be written yet when it is answered. */
  async endOnce(transactionalId: string, identity: Identity, committed: boolean, version = 5) {
    const answer = await this.send(endTxn, version, { transactionalId, ...idOf(identity), committed })
    return {
      error: errorName(answer.errorCode),
      producerId: answer.producerId,
      producerEpoch: answer.producerEpoch,
    }
  }

  /** Again while the coordinator is at work; resolves when the markers are written. */
  async end(transactionalId: string, identity: Identity, committed: boolean, version = 5) {
    for (;;) {
      const answer = await this.endOnce(transactionalId, identity, committed, version)
      if (answer.error !== 'CONCURRENT_TRANSACTIONS') {
        await this.settled(transactionalId)
        return answer
      }
      await wait(20)
    }
  }

  /** Until the transaction is either open, or ended with all markers written. */
  async settled(transactionalId: string): Promise<void> {
    while ((await this.describe(transactionalId)).state.startsWith('Prepare')) await wait(10)
  }

  async describe(transactionalId: string) {
    const { transactionStates } = await this.send(describeTransactions, 0, {
      transactionalIds: [transactionalId],
    })
    const one = transactionStates[0]!
    return {
      error: errorName(one.errorCode),
      state: one.transactionState,
      timeoutMs: one.transactionTimeoutMs,
      startTimeMs: Number(one.transactionStartTimeMs),
      producerId: one.producerId,
      producerEpoch: one.producerEpoch,
      partitions: one.topics.flatMap(({ topic, partitions }) =>
        partitions.map((index) => `${topic}-${index}`),
      ),
    }
  }

  async list(filters: StructInput<typeof listTransactions.request.fields>, version = 2) {
    const answer = await this.send(listTransactions, version, filters)
    return { ...answer, error: errorName(answer.errorCode) }
  }

  async describeProducers(topic: string, partition: number) {
    const { topics } = await this.send(describeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    })
    const one = topics[0]!.partitions[0]!
    return { error: errorName(one.errorCode), producers: one.activeProducers, message: one.errorMessage }
  }

  async writeMarker(
    identity: Identity,
    topic: string,
    partition: number,
    committed: boolean,
    options: { coordinatorEpoch?: number; version?: number; transactionVersion?: number } = {},
  ): Promise<string> {
    const { coordinatorEpoch = 0, version = 1, transactionVersion } = options
    const { markers } = await this.send(writeTxnMarkers, version, {
      markers: [
        {
          ...idOf(identity),
          transactionResult: committed,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          coordinatorEpoch,
          ...(transactionVersion === undefined ? {} : { transactionVersion }),
        },
      ],
    })
    return errorName(markers[0]!.topics[0]!.partitions[0]!.errorCode)
  }

  /** All values that a reader of that isolation gets, and the aborted transactions that it is told of. */
  async read(topic: string, partition: number, committed = true, version = 11) {
    const { responses } = await this.send(fetch, version, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 50_000_000,
      isolationLevel: committed ? 1 : 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [{ partition, fetchOffset: 0n, partitionMaxBytes: 50_000_000 }] }],
    })
    const one = responses[0]!.partitions[0]!
    const aborted = [...(one.abortedTransactions ?? [])].map(({ producerId, firstOffset }) => ({
      producerId,
      firstOffset: Number(firstOffset),
    }))
    const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
    const skipped = new Set<bigint>()
    const values: string[] = []
    const markers: string[] = []
    for (const batch of decodeRecords(one.records ?? new Uint8Array(0))) {
      while (waiting.length > 0 && waiting[0]!.firstOffset <= Number(batch.lastOffset)) {
        skipped.add(waiting.shift()!.producerId)
      }
      if (batch.isControl) {
        for (const record of batch) {
          const commits = new DataView(record.key!.buffer, record.key!.byteOffset).getInt16(2) === 1
          markers.push(`${Number(record.offset)}:${commits ? 'COMMIT' : 'ABORT'}:${batch.producerEpoch}`)
        }
        skipped.delete(batch.producerId)
      } else if (!(batch.isTransactional && skipped.has(batch.producerId))) {
        for (const record of batch) values.push(Buffer.from(record.value!).toString())
      }
    }
    return {
      values,
      markers,
      aborted,
      lastStableOffset: Number(one.lastStableOffset),
      highWatermark: Number(one.highWatermark),
    }
  }

  async #listOffset(topic: string, partition: number, committed: boolean) {
    const { topics } = await this.send(listOffsets, 4, {
      replicaId: -1,
      isolationLevel: committed ? 1 : 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1n }] }],
    })
    const { errorCode, offset } = topics[0]!.partitions[0]!
    return { error: errorName(errorCode), offset: Number(offset) }
  }
}

function idOf({ producerId, producerEpoch }: Identity): Identity {
  return { producerId, producerEpoch }
}

function partitionErrors(
  topics: readonly {
    name: string
    partitions: readonly { partitionIndex: number; errorCode: number }[]
  }[],
): Record<string, string> {
  return Object.fromEntries(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => [`${name}-${partitionIndex}`, errorName(errorCode)]),
    ),
  )
}

function errorName(code: number): string {
  return code === 0 ? 'NONE' : brokerErrorInfo(code).name
}

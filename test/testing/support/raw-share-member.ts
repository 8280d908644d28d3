import { randomUUID } from 'node:crypto'
import { incrementalAlterConfigs } from '../../../src/protocol/apis/incremental-alter-configs.ts'
import { produce } from '../../../src/protocol/apis/produce.ts'
import { shareAcknowledge } from '../../../src/protocol/apis/share-acknowledge.ts'
import { shareFetch } from '../../../src/protocol/apis/share-fetch.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/apis/share-group-heartbeat.ts'
import { encodeRecordBatch } from '../../../src/protocol/records/encode-record-batch.ts'
import type { StructInput } from '../../../src/protocol/schema.ts'
import type { ErrorName } from '../../../src/testing/error-codes.ts'
import type { EitherKafka } from './describe-either-kafka.ts'
import { nameOf, RawClient } from './raw-group.ts'

/** A little more than `share.assignment.interval.ms`. */
const untilNextAssignment = 1050

export const acks = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

/** First and last offset, and one type for all or one for each. */
export type Ack = readonly [first: number, last: number, ...types: number[]]

export interface ShareFetched {
  readonly error: ErrorName
  /** Of the one partition; null where nothing is said of it. */
  readonly partition: {
    readonly error: ErrorName
    readonly acknowledgeError: ErrorName
    readonly recordBytes: number
    /** First offset, last offset, delivery count. */
    readonly acquired: readonly (readonly [number, number, number])[]
  } | null
}

/** A topic of one partition, that a share group reads from its beginning. */
export class RawShareGroup implements AsyncDisposable {
  readonly client: RawClient
  readonly groupId: string
  readonly topic: string
  topicId = ''
  readonly #kafka: EitherKafka

  private constructor(client: RawClient, groupId: string, topic: string, kafka: EitherKafka) {
    this.client = client
    this.groupId = groupId
    this.topic = topic
    this.#kafka = kafka
  }

  /** Connects, and creates the topic. */
  static async connect(kafka: EitherKafka, configs: Record<string, string> = {}): Promise<RawShareGroup> {
    const groupId = `share-${randomUUID()}`
    const client = await RawClient.toCoordinator(kafka.bootstrapServers, groupId)
    const group = new RawShareGroup(client, groupId, `shared-${randomUUID()}`, kafka)
    group.topicId = await client.createTopic(group.topic)
    await kafka.passTime(200)
    const all = { 'share.auto.offset.reset': 'earliest', ...configs }
    const { responses } = await client.send(incrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: 32,
          resourceName: groupId,
          configs: Object.entries(all).map(([name, value]) => ({ name, value, configOperation: 0 })),
        },
      ],
    })
    if (responses[0]!.errorCode !== 0) throw new Error(responses[0]!.errorMessage ?? '')
    return group
  }

  async beat(fields: StructInput<typeof shareGroupHeartbeat.request.fields>) {
    const answer = await this.client.send(shareGroupHeartbeat, 1, { groupId: this.groupId, ...fields })
    const { errorCode, errorMessage, memberEpoch, assignment } = answer
    return {
      error: nameOf(errorCode),
      message: errorMessage,
      epoch: memberEpoch,
      assignment: assignment?.topicPartitions.flatMap(({ partitions }) => partitions) ?? null,
    }
  }

  /** Joins, and repeats heartbeats until the partition is assigned. */
  async join(memberId: string): Promise<void> {
    const joined = await this.beat({ memberId, memberEpoch: 0, subscribedTopicNames: [this.topic] })
    for (let { epoch, assignment } = joined; assignment?.length !== 1; ) {
      await this.#kafka.passTime(untilNextAssignment)
      const beat = await this.beat({ memberId, memberEpoch: epoch, subscribedTopicNames: [this.topic] })
      if (beat.error !== 'NONE') throw new Error(`a heartbeat failed: ${beat.error}`)
      epoch = beat.epoch
      assignment = beat.assignment
    }
  }

  /** Appends one batch of so many records. */
  async produce(count: number): Promise<void> {
    const records = encodeRecordBatch(
      {},
      Array.from({ length: count }, (_, i) => ({
        offset: BigInt(i),
        timestamp: 0n,
        key: null,
        value: Buffer.from('x'),
        headers: [],
      })),
    )
    const { responses } = await this.client.send(produce, 9, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: this.topic, partitionData: [{ index: 0, records }] }],
    })
    const { errorCode } = responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) throw new Error(`producing failed: ${nameOf(errorCode)}`)
  }

  async fetch(
    memberId: string,
    shareSessionEpoch: number,
    fields: StructInput<typeof shareFetch.request.fields> = {},
    acknowledged: readonly Ack[] = [],
  ): Promise<ShareFetched> {
    const answer = await this.client.send(shareFetch, 2, {
      groupId: this.groupId,
      memberId,
      shareSessionEpoch,
      maxWaitMs: 50,
      minBytes: 1,
      maxRecords: 500,
      batchSize: 500,
      topics: shareSessionEpoch === 0 || acknowledged.length > 0 ? this.#topics(acknowledged) : [],
      ...fields,
    })
    const partition = answer.responses[0]?.partitions[0]
    return {
      error: nameOf(answer.errorCode),
      partition:
        partition === undefined
          ? null
          : {
              error: nameOf(partition.errorCode),
              acknowledgeError: nameOf(partition.acknowledgeErrorCode),
              recordBytes: partition.records?.length ?? 0,
              acquired: partition.acquiredRecords.map(
                ({ firstOffset, lastOffset, deliveryCount }) =>
                  [Number(firstOffset), Number(lastOffset), deliveryCount] as const,
              ),
            },
    }
  }

  /** Fetches for the first time on a connection of its own, so that others need not wait. */
  async fetchElsewhere(
    memberId: string,
    fields: StructInput<typeof shareFetch.request.fields>,
  ): Promise<ShareFetched> {
    await using client = await RawClient.connect(this.#kafka.bootstrapServers)
    return await this.on(client).fetch(memberId, 0, fields)
  }

  /** The same group on another connection. */
  on(client: RawClient): RawShareGroup {
    const elsewhere = new RawShareGroup(client, this.groupId, this.topic, this.#kafka)
    elsewhere.topicId = this.topicId
    return elsewhere
  }

  /** What came of it for the partition; the error of the whole, where there is one. */
  async acknowledge(
    memberId: string,
    shareSessionEpoch: number,
    acknowledged: readonly Ack[],
    isRenewAck = false,
  ): Promise<{ error: ErrorName; message: string | null }> {
    const answer = await this.client.send(shareAcknowledge, 2, {
      groupId: this.groupId,
      memberId,
      shareSessionEpoch,
      isRenewAck,
      topics: this.#topics(acknowledged),
    })
    const { errorCode, errorMessage } = answer.responses[0]?.partitions[0] ?? answer
    return { error: nameOf(errorCode), message: errorMessage }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }

  #topics(acknowledged: readonly Ack[]) {
    const acknowledgementBatches = acknowledged.map(([first, last, ...acknowledgeTypes]) => ({
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
      acknowledgeTypes,
    }))
    return [{ topicId: this.topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches }] }]
  }
}

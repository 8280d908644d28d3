import { randomUUID } from 'node:crypto'
import { consumerGroupDescribe } from '../../../src/protocol/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import type { StructInput, StructOf } from '../../../src/protocol/schema.ts'
import type { ErrorName } from '../../../src/testing/error-codes.ts'
import type { EitherKafka } from './describe-either-kafka.ts'
import { nameOf, RawClient } from './raw-group.ts'

export type HeartbeatFields = StructInput<typeof consumerGroupHeartbeat.request.fields>
type DescribedGroup = StructOf<typeof consumerGroupDescribe.response.fields>['groups'][number]

/** What came of a heartbeat. */
export interface Beat {
  readonly error: ErrorName
  readonly message: string | null
  readonly memberId: string | null
  readonly epoch: number
  /** Partitions by topic id; null: unchanged. */
  readonly assignment: Readonly<Record<string, readonly number[]>> | null
}

/** A group of its own, to which heartbeats are sent as they are told. */
export class RawConsumerGroup implements AsyncDisposable {
  readonly client: RawClient
  readonly groupId: string

  readonly #kafka: EitherKafka

  private constructor(client: RawClient, groupId: string, kafka: EitherKafka) {
    this.client = client
    this.groupId = groupId
    this.#kafka = kafka
  }

  static async connect(kafka: EitherKafka, groupId = `group-${randomUUID()}`): Promise<RawConsumerGroup> {
    return new RawConsumerGroup(
      await RawClient.toCoordinator(kafka.bootstrapServers, groupId),
      groupId,
      kafka,
    )
  }

  /** Creates a topic and gives its id. */
  async createTopic(name: string, numPartitions = 1): Promise<string> {
    const id = await this.client.createTopic(name, numPartitions)
    // Group coordinators are told of topics after those who ask for metadata, and there is nothing to see it by.
    await this.#kafka.passTime(200)
    return id
  }

  async beat(fields: HeartbeatFields, version = 1): Promise<Beat> {
    const answer = await this.client.send(consumerGroupHeartbeat, version, {
      groupId: this.groupId,
      memberId: 'a',
      ...fields,
    })
    const { errorCode, errorMessage, memberId, memberEpoch, assignment } = answer
    return {
      error: nameOf(errorCode),
      message: errorMessage,
      memberId,
      epoch: memberEpoch,
      assignment: assignment === null ? null : byTopic(assignment.topicPartitions),
    }
  }

  /** Repeats a heartbeat until something else comes of it. */
  async beatWhile(fields: HeartbeatFields, waiting: (beat: Beat) => boolean): Promise<Beat> {
    for (;;) {
      const beat = await this.beat(fields)
      if (beat.error !== 'NONE' || !waiting(beat)) return beat
    }
  }

  /** Joins as that member, reading those topics. */
  async join(memberId: string, topics: readonly string[], fields: HeartbeatFields = {}): Promise<Beat> {
    return await this.beat({
      memberId,
      memberEpoch: 0,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: [...topics],
      topicPartitions: [],
      ...fields,
    })
  }

  async describe(): Promise<DescribedGroup> {
    const { groups } = await this.client.send(consumerGroupDescribe, 1, { groupIds: [this.groupId] })
    return groups[0]!
  }

  /** State, group epoch and assignment epoch. */
  async state(): Promise<[string, number, number]> {
    const { groupState, groupEpoch, assignmentEpoch } = await this.describe()
    return [groupState, groupEpoch, assignmentEpoch]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}

export function newTopicName(): string {
  return `topic-${randomUUID()}`
}

function byTopic(list: readonly { topicId: string; partitions: readonly number[] }[]) {
  return Object.fromEntries(
    list.map(({ topicId, partitions }) => [topicId, [...partitions].sort((a, b) => a - b)]),
  )
}

import { type FetchRequest, fetch } from '../../src/protocol/apis/fetch.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeRecordBatch } from '../../src/protocol/records/encode-record-batch.ts'
import type { StructInput } from '../../src/protocol/schema.ts'
import {
  type Reply,
  type ScriptedBroker,
  type ScriptedRequest,
  startScriptedBroker,
} from './scripted-broker.ts'

type FetchAnswer = StructInput<(typeof fetch)['response']['fields']>
type PartitionAnswer = NonNullable<NonNullable<FetchAnswer['responses']>[number]['partitions']>[number]

/** What was asked of one partition. */
export interface AskedPartition {
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly version: number
}

/** Null: nothing about this partition. */
export type AnswerPartition = (
  asked: AskedPartition,
) => Omit<PartitionAnswer, 'partitionIndex'> | null | Promise<Omit<PartitionAnswer, 'partitionIndex'> | null>

/** Brokers that know one topic. Whom they name for its leaders, and what they answer to fetches, is the test's. */
export class ScriptedCluster implements AsyncDisposable {
  readonly topic = 'scripted'
  readonly brokers: readonly ScriptedBroker[]
  /** Node id of each partition's leader, as Metadata tells it. */
  readonly leaders: number[]
  leaderEpoch = 5
  topicId = 'AAAAAAAAQACAAAAAAAAAAQ'
  /** Empty answers wait so long, or until `wake`, milliseconds. */
  idleMs = 20

  constructor(brokers: readonly ScriptedBroker[], leaders: readonly number[]) {
    this.brokers = brokers
    this.leaders = [...leaders]
    for (const broker of brokers) {
      broker.on(metadata, ({ version }) => ({
        brokers: brokers.map((one) => one.node()),
        controllerId: 1,
        topics: [
          {
            name: this.topic,
            ...(version >= 10 ? { topicId: this.topicId } : {}),
            partitions: this.leaders.map((leaderId, partitionIndex) => ({
              partitionIndex,
              leaderId,
              ...(version >= 7 ? { leaderEpoch: this.leaderEpoch } : {}),
              replicaNodes: brokers.map(({ nodeId }) => nodeId),
              isrNodes: [leaderId],
            })),
          },
        ],
      }))
    }
  }

  get bootstrapServers(): string {
    return this.brokers[0]!.address
  }

  /** How this broker answers fetches from now on. An answer without records comes only after a while, as with Kafka. */
  onFetch(broker: ScriptedBroker, answer: AnswerPartition): void {
    broker.on(fetch, async (request): Promise<Reply> => {
      const { topicId } = this
      const partitions: PartitionAnswer[] = []
      for (const asked of askedOf(request)) {
        const answered = await answer(asked)
        if (answered !== null) partitions.push({ ...answered, partitionIndex: asked.partition })
      }
      if (!partitions.some((one) => one.records || one.errorCode || (one.preferredReadReplica ?? -1) >= 0)) {
        await new Promise((resolve) => setTimeout(resolve, this.idleMs))
      }
      const topic = request.version >= 13 ? { topicId } : { topic: this.topic }
      return { responses: [{ ...topic, partitions }] }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()))
  }
}

export async function startScriptedCluster(
  brokers: number,
  leaders: readonly number[],
): Promise<ScriptedCluster> {
  const started = await Promise.all(
    Array.from({ length: brokers }, (_, index) => startScriptedBroker({ nodeId: index + 1 })),
  )
  return new ScriptedCluster(started, leaders)
}

/** The partitions that a Fetch asks for, in its order. */
export function askedOf({ body, version }: ScriptedRequest): AskedPartition[] {
  const { topics } = body as unknown as Required<FetchRequest>
  return topics!.flatMap((topic) =>
    (topic.partitions ?? []).map(({ partition, fetchOffset, currentLeaderEpoch }) => ({
      partition: partition!,
      fetchOffset: Number(fetchOffset),
      currentLeaderEpoch: currentLeaderEpoch!,
      version,
    })),
  )
}

/** Answers from a log of these values, in batches of `perBatch` records, one batch an answer. */
export function logOf(values: readonly string[], perBatch = 10): AnswerPartition {
  return ({ fetchOffset }) => {
    const batch = values.slice(fetchOffset, fetchOffset + perBatch)
    const records = batch.map((value, index) => ({
      offset: BigInt(fetchOffset + index),
      timestamp: 0n,
      key: null,
      value,
    }))
    return {
      highWatermark: BigInt(values.length),
      ...(batch.length === 0 ? { records: null } : { records: encodeRecordBatch({}, records) }),
    }
  }
}

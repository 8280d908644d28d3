import type { Cluster } from '../cluster/cluster.ts'
import { partitionKey } from '../cluster/partition-leaders.ts'
import { type FetchRequest, type FetchResponse, fetch as fetchApi } from '../protocol/apis/fetch.ts'
import type { AssignedPartition } from './assigned-partition.ts'

export type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

/** What was asked of one partition, to be held against the answer. */
export interface AskedPartition {
  readonly partition: AssignedPartition
  readonly version: number
  readonly offset: number
  /** Of the topic as it was known then; null where brokers do not tell. */
  readonly topicId: string | null
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  readonly isolationLevel: 'read_uncommitted' | 'read_committed'
  readonly rackId: string
}

/** Topic ids came with version 13, which knows topics by nothing else. */
const highestWithNames = 12

/** One Fetch of these partitions at their fetch offsets, without a session. */
export class FetchAttempt {
  readonly maxVersion: number
  readonly asked = new Map<string, AskedPartition>()
  readonly #topics = new Map<string, { id: string | null; partitions: AskedPartition[] }>()
  readonly #nameById = new Map<string, string>()
  readonly #cluster: Cluster
  readonly #limits: FetchLimits

  constructor(cluster: Cluster, partitions: readonly AssignedPartition[], limits: FetchLimits) {
    this.#cluster = cluster
    this.#limits = limits
    for (const partition of partitions) {
      const { topic: name, version, fetchOffset: offset } = partition
      const topic = this.#topics.get(name)
      const id = topic === undefined ? (cluster.metadata.get(name)?.id ?? null) : topic.id
      const asked = { partition, version, offset, topicId: id }
      this.asked.set(partition.key, asked)
      if (topic !== undefined) {
        topic.partitions.push(asked)
        continue
      }
      if (id !== null) this.#nameById.set(id, name)
      this.#topics.set(name, { id, partitions: [asked] })
    }
    const allHaveIds = this.#nameById.size === this.#topics.size
    this.maxVersion = allHaveIds ? fetchApi.stableVersions.max : highestWithNames
  }

  body(version: number): FetchRequest {
    const { maxWaitMs, minBytes, maxBytes, partitionMaxBytes, isolationLevel, rackId } = this.#limits
    const byId = version > highestWithNames
    return {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
      rackId,
      topics: [...this.#topics].map(([topic, { id, partitions }]) => ({
        ...(byId ? { topicId: id! } : { topic }),
        partitions: partitions.map(({ partition: { partition }, offset }) => ({
          partition,
          currentLeaderEpoch: this.#cluster.metadata.partition(topic, partition)?.leaderEpoch ?? -1,
          fetchOffset: BigInt(offset),
          partitionMaxBytes,
        })),
      })),
    }
  }

  /** The answers with what was asked; each partition once, and none that was not asked for. */
  *answers(response: FetchResponse): Generator<[AskedPartition, PartitionAnswer]> {
    const open = new Map(this.asked)
    for (const topic of response.responses) {
      const name = topic.topic !== '' ? topic.topic : this.#nameById.get(topic.topicId)
      if (name === undefined) continue
      for (const answer of topic.partitions) {
        const key = partitionKey({ topic: name, partition: answer.partitionIndex })
        const asked = open.get(key)
        if (asked === undefined) continue
        open.delete(key)
        yield [asked, answer]
      }
    }
  }
}

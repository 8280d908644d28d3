import type { Metadata } from '../cluster/metadata.ts'
import { type FetchRequest, type FetchResponse, fetch as fetchApi } from '../protocol/apis/fetch.ts'
import type { AssignedPartition } from './assigned-partition.ts'

export type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

/** What a broker was told of one partition, to be held against its answer. */
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
  /** Of the whole answer. */
  readonly maxBytes: number
  /** Of one partition; the same in each request, as a session would have to be told of each change for each of them. */
  readonly partitionMaxBytes: number
  readonly isolationLevel: 'read_uncommitted' | 'read_committed'
  readonly rackId: string
}

/** Topic ids came with version 13, which knows topics by nothing else (KIP-516). */
export const highestWithNames = 12

/** KIP-227. */
export const firstWithSessions = 7

/** Before version 3 there is no limit for an answer as a whole. */
const firstWithMaxBytes = 3

/** The highest version in which these can be asked for. */
export function highestVersionFor(
  partitions: readonly AssignedPartition[],
  metadata: Pick<Metadata, 'get'>,
): number {
  let last: string | null = null
  for (const { topic } of partitions) {
    // They come topic by topic for the most part.
    if (topic === last) continue
    last = topic
    if ((metadata.get(topic)?.id ?? null) === null) return highestWithNames
  }
  return fetchApi.stableVersions.max
}

/** All of a request but what it says of partitions and sessions. */
export function requestHead(limits: FetchLimits): FetchRequest {
  const { maxWaitMs, minBytes, maxBytes, isolationLevel, rackId } = limits
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
    rackId,
  }
}

export function bytesOfPartition(version: number, { partitionMaxBytes, maxBytes }: FetchLimits): number {
  return version < firstWithMaxBytes ? Math.min(partitionMaxBytes, maxBytes) : partitionMaxBytes
}

/** Collects what a request says of partitions: topic by topic, in the order in which they came. */
export class TopicsOfRequest<P> {
  readonly #byTopic = new Map<string, { topic?: string; topicId?: string; partitions: P[] }>()

  /** @param topicId null: by name. */
  add(topic: string, topicId: string | null, partition: P): void {
    const key = topicId ?? topic
    const known = this.#byTopic.get(key)
    if (known !== undefined) known.partitions.push(partition)
    else this.#byTopic.set(key, { ...(topicId === null ? { topic } : { topicId }), partitions: [partition] })
  }

  list(): { topic?: string; topicId?: string; partitions: P[] }[] {
    return [...this.#byTopic.values()]
  }
}

import type { fetch } from '../../protocol/apis/fetch.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'

export type FetchRequest = StructOf<typeof fetch.request.fields>
export type FetchAnswer = StructInput<typeof fetch.response.fields>
export type PartitionRequest = FetchRequest['topics'][number]['partitions'][number]
export type PartitionAnswer = NonNullable<NonNullable<FetchAnswer['responses']>[number]['partitions']>[number]

/** A partition that a fetch asks for. By name before version 13, by topic id from then on. */
export interface FetchedPartition {
  readonly topic: string
  readonly topicId: string
  asked: PartitionRequest
  /** What the client knows of it already: an incremental answer leaves out what has not changed. */
  knownHighWatermark: bigint
  knownLogStartOffset: bigint
}

export function fetchedPartitions(request: FetchRequest): FetchedPartition[] {
  // Of what comes twice the last counts.
  const byKey = new Map<string, FetchedPartition>()
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      const one = { topic, topicId, asked, knownHighWatermark: -1n, knownLogStartOffset: -1n }
      byKey.set(keyOf(one), one)
    }
  }
  return [...byKey.values()]
}

/**
 * What a client keeps on fetching, so that it need not say it each time (KIP-227, Java's `FetchSession`). Partitions are
 * answered in the order of the map; one that had records goes to its end, so that none starves.
 */
export class FetchSession {
  readonly id: number
  /** Which epoch the next request has to have. */
  epoch = 1
  lastUsedMs: number
  readonly usesTopicIds: boolean
  readonly partitions = new Map<string, FetchedPartition>()

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id
    this.usesTopicIds = usesTopicIds
    this.lastUsedMs = nowMs
  }

  /** What the request adds, changes and forgets. */
  update(request: FetchRequest): void {
    for (const partition of fetchedPartitions(request)) {
      const key = keyOf(partition)
      const known = this.partitions.get(key)
      if (known === undefined) this.partitions.set(key, partition)
      else known.asked = partition.asked
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) {
        this.partitions.delete(keyOf({ topic, topicId, asked: { partition } }))
      }
    }
  }

  advance(nowMs: number): void {
    this.epoch = this.epoch === 0x7fffffff ? 1 : this.epoch + 1
    this.lastUsedMs = nowMs
  }

  /** Whether the client has to be told; takes note of what it then knows. */
  takeNote(partition: FetchedPartition, answer: PartitionAnswer): boolean {
    let changed = false
    const highWatermark = answer.highWatermark ?? -1n
    const logStartOffset = answer.logStartOffset ?? -1n
    if ((answer.records?.length ?? 0) > 0) {
      changed = true
      const key = keyOf(partition)
      this.partitions.delete(key)
      this.partitions.set(key, partition)
    }
    if (partition.knownHighWatermark !== highWatermark) {
      changed = true
      partition.knownHighWatermark = highWatermark
    }
    if (partition.knownLogStartOffset !== logStartOffset) {
      changed = true
      partition.knownLogStartOffset = logStartOffset
    }
    if ((answer.preferredReadReplica ?? -1) !== -1) changed = true
    if ((answer.errorCode ?? 0) !== 0) {
      // Next time the answer is to be told even if it is the same as before the error.
      partition.knownHighWatermark = -1n
      changed = true
    }
    return changed
  }
}

function keyOf({
  topic,
  topicId,
  asked,
}: {
  readonly topic: string
  readonly topicId: string
  readonly asked: { readonly partition: number }
}): string {
  return `${topic}/${topicId}/${asked.partition}`
}

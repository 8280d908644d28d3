import type { Metadata, TopicMetadata } from '../cluster/metadata.ts'
import { partitionKey } from '../cluster/partition-leaders.ts'
import type { FetchRequest, FetchResponse } from '../protocol/apis/fetch.ts'
import { errorCodes } from '../protocol/broker-errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import {
  type AskedPartition,
  bytesOfPartition,
  type FetchLimits,
  firstWithSessions,
  highestWithNames,
  type PartitionAnswer,
  requestHead,
  TopicsOfRequest,
} from './fetch-request.ts'

/** What the broker believes that we want of one partition. */
interface HeldPartition extends AskedPartition {
  partition: AssignedPartition
  version: number
  offset: number
  topicId: string | null
  leaderEpoch: number
  maxBytes: number
  /** The last request in which it was wanted. */
  round: number
}

/** No session of that id. */
const noId = 0
/** Begins a session, and ends the one whose id is named beside it. */
const firstEpoch = 0
/** Ends the session, and begins none. */
const finalEpoch = -1
const lastEpoch = 0x7fffffff

/** 0 would begin another session. */
export function epochAfter(epoch: number): number {
  return epoch === lastEpoch ? 1 : epoch + 1
}

const sessionErrors: ReadonlySet<number> = new Set([
  errorCodes.fetchSessionIdNotFound,
  errorCodes.invalidFetchSessionEpoch,
  errorCodes.fetchSessionTopicIdError,
])

type RequestPartition = NonNullable<NonNullable<FetchRequest['topics']>[number]['partitions']>[number]

/**
 * What one broker keeps on fetching for us, so that a request names only what has changed, and an answer only what is
 * news (KIP-227, Java's `FetchSessionHandler`). A request that no longer wants a partition says so: without that the
 * broker would go on sending it.
 *
 * Each request is built on what the broker has heard before it, so there is one at a time. When one fails it may have
 * been heard or not; then all is said anew.
 */
export class FetchSession {
  #id = noId
  /** Of the next request. */
  #epoch = firstEpoch
  #usesIds = false
  #isFull = true
  #round = 0
  readonly #held = new Map<string, HeldPartition>()
  /** Names of the topics that are held by id, with the number of their partitions. */
  readonly #topics = new Map<string, { readonly name: string; partitions: number }>()

  /** Whether the broker has one of ours. */
  get isOpen(): boolean {
    return this.#id !== noId
  }

  /** The next request: that these are wanted, each at its fetch offset, and nothing else. */
  request(
    partitions: readonly AssignedPartition[],
    version: number,
    limits: FetchLimits,
    metadata: Pick<Metadata, 'get'>,
  ): FetchRequest {
    const usesIds = version > highestWithNames
    const hasSessions = version >= firstWithSessions
    // A session is by names or by ids, from its beginning to its end.
    if (usesIds !== this.#usesIds || !hasSessions) this.#epoch = firstEpoch
    this.#usesIds = usesIds
    this.#isFull = this.#epoch === firstEpoch
    if (this.#isFull) this.#clear()
    const round = ++this.#round
    const maxBytes = bytesOfPartition(version, limits)
    const wanted = new TopicsOfRequest<RequestPartition>()
    const forgotten = new TopicsOfRequest<number>()
    let name: string | null = null
    let topic: TopicMetadata | null = null
    for (const partition of partitions) {
      if (partition.topic !== name) {
        name = partition.topic
        topic = metadata.get(name)
      }
      const topicId = topic?.id ?? null
      const leaderEpoch = topic?.partitions[partition.partition]?.leaderEpoch ?? -1
      const hasChanged = this.#hold(partition, { topicId, leaderEpoch, maxBytes, round }, forgotten)
      if (!hasChanged) continue
      wanted.add(partition.topic, usesIds ? topicId : null, {
        partition: partition.partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: BigInt(partition.fetchOffset),
        partitionMaxBytes: maxBytes,
      })
    }
    // Each of them is wanted and held; when there are no more, nothing is held in vain.
    if (this.#held.size > partitions.length) {
      for (const [key, held] of this.#held) {
        if (held.round === round) continue
        this.#forget(key, held)
        forgotten.add(held.partition.topic, usesIds ? held.topicId : null, held.partition.partition)
      }
    }
    return {
      ...requestHead(limits),
      ...(hasSessions ? { sessionId: this.#id, sessionEpoch: this.#epoch } : {}),
      topics: wanted.list(),
      forgottenTopicsData: forgotten.list(),
    }
  }

  /**
   * Takes note of an answer to the last request, and gives its parts with what was asked: each partition once, and none
   * that is not held.
   */
  answered(response: FetchResponse): [AskedPartition, PartitionAnswer][] {
    const answers: [AskedPartition, PartitionAnswer][] = []
    const seen = new Set<HeldPartition>()
    let isAsked = true
    for (const topic of response.responses) {
      const name = topic.topic !== '' ? topic.topic : this.#topics.get(topic.topicId)?.name
      for (const answer of topic.partitions) {
        const held =
          name === undefined
            ? undefined
            : this.#held.get(partitionKey({ topic: name, partition: answer.partitionIndex }))
        if (held === undefined || seen.has(held)) {
          isAsked = false
          continue
        }
        seen.add(held)
        answers.push([held, answer])
      }
    }
    const isWhole = !this.#isFull || seen.size === this.#held.size
    if (!this.#isFull && isAsked) this.#learnTopics(seen)
    if (response.sessionId === noId) {
      // The broker has no room for a session, or has ended it.
      this.#id = noId
      this.#epoch = firstEpoch
    } else if (!isAsked || !isWhole || (!this.#isFull && response.sessionId !== this.#id)) {
      // It keeps something else than we think.
      this.#id = response.sessionId
      this.#epoch = firstEpoch
    } else {
      this.#id = response.sessionId
      this.#epoch = epochAfter(this.#epoch)
    }
    return answers
  }

  /**
   * Takes note of an error of the last request as a whole. True: only the session was at fault, and all can be said anew
   * at once. An error that says so of the request that begins a session is like any other.
   */
  refused(errorCode: number): boolean {
    const isOver = !this.#isFull && sessionErrors.has(errorCode)
    this.lost()
    if (errorCode === errorCodes.fetchSessionIdNotFound) this.#id = noId
    return isOver
  }

  /** The broker may have heard the last request, or not: the next one ends this session and begins another. */
  lost(): void {
    this.#epoch = firstEpoch
  }

  /** The request that ends the session. */
  end(): FetchRequest {
    const sessionId = this.#id
    this.#id = noId
    this.#epoch = firstEpoch
    return { maxWaitMs: 0, minBytes: 0, sessionId, sessionEpoch: finalEpoch, topics: [], rackId: '' }
  }

  /** Takes note that this is wanted. True: the broker has to be told. */
  #hold(
    partition: AssignedPartition,
    about: Pick<HeldPartition, 'topicId' | 'leaderEpoch' | 'maxBytes' | 'round'>,
    forgotten: TopicsOfRequest<number>,
  ): boolean {
    const { key, version, fetchOffset: offset } = partition
    const held = this.#held.get(key)
    if (held !== undefined && (!this.#usesIds || held.topicId === about.topicId)) {
      const hasChanged =
        held.offset !== offset || held.leaderEpoch !== about.leaderEpoch || held.maxBytes !== about.maxBytes
      if (held.partition !== partition) {
        // It was given up and has come back between two requests. What the broker has told already it does not tell again.
        partition.highWatermark = held.partition.highWatermark
        partition.endOffset = held.partition.endOffset
        partition.logStartOffset = held.partition.logStartOffset
        held.partition = partition
      }
      held.version = version
      held.offset = offset
      held.topicId = about.topicId
      held.leaderEpoch = about.leaderEpoch
      held.maxBytes = about.maxBytes
      held.round = about.round
      return hasChanged
    }
    if (held !== undefined) {
      // The topic was made anew.
      this.#forget(key, held)
      forgotten.add(partition.topic, held.topicId, partition.partition)
    }
    this.#held.set(key, { partition, version, offset, ...about })
    if (this.#usesIds && about.topicId !== null) {
      const topic = this.#topics.get(about.topicId)
      if (topic === undefined) this.#topics.set(about.topicId, { name: partition.topic, partitions: 1 })
      else topic.partitions++
    }
    return true
  }

  /** A partition that is left out has no news, not even the error that its topic is gone: so its position is of that topic. */
  #learnTopics(seen: ReadonlySet<HeldPartition>): void {
    for (const held of this.#held.values()) {
      const { partition, version, topicId } = held
      if (partition.topicId === null && partition.version === version && !seen.has(held)) {
        partition.topicId = topicId
      }
    }
  }

  #forget(key: string, { topicId }: HeldPartition): void {
    this.#held.delete(key)
    const topic = this.#topics.get(topicId ?? '')
    if (topic === undefined) return
    topic.partitions--
    if (topic.partitions === 0) this.#topics.delete(topicId ?? '')
  }

  #clear(): void {
    this.#held.clear()
    this.#topics.clear()
  }
}

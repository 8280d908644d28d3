import type { Cluster } from '../cluster/cluster.ts'
import type { PartitionMetadata } from '../cluster/metadata.ts'
import { RecordTooLargeError } from '../errors.ts'
import type { FetchResponse } from '../protocol/apis/fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { FetchOwner } from './fetch-owner.ts'
import type { AskedPartition, FetchAttempt, PartitionAnswer } from './fetch-request.ts'
import type { FetchingNode } from './fetching-node.ts'
import { PartitionFetch, type ReadSettings } from './partition-fetch.ts'

/** Before version 3 a broker cuts a batch that is larger than what was asked for, and there is no way to get it. */
const firstWithWholeBatches = 3

/** Decides what each partition's part of a Fetch answer leads to. */
export class FetchOutcomes {
  readonly #cluster: Cluster
  readonly #options: ParsedConsumerOptions
  readonly #owner: FetchOwner
  readonly #settings: ReadSettings
  readonly #pump: () => void
  /** Partitions whose leader is being asked for. */
  readonly #asking = new Set<AssignedPartition>()
  /** The last question for metadata failed, and was told of. */
  #isTroubled = false
  /** An error about metadata waits for the reader. */
  #hasFailed = false
  #isStopped = false

  constructor(cluster: Cluster, options: ParsedConsumerOptions, owner: FetchOwner, pump: () => void) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
    this.#pump = pump
    this.#settings = {
      checkCrcs: options.checkCrcs,
      keyDeserializer: options.keyDeserializer ?? null,
      valueDeserializer: options.valueDeserializer ?? null,
    }
  }

  take(node: FetchingNode, attempt: FetchAttempt, response: FetchResponse, version: number): void {
    const answers = [...attempt.answers(response)]
    const now = performance.now()
    let bytes = 0
    let parts = 0
    for (const { partition } of attempt.asked.values()) partition.fetchedAt = now
    for (const [, { records, errorCode }] of answers) {
      if (errorCode !== errorCodes.none || records === null || records.length === 0) continue
      bytes += records.length
      parts++
    }
    const release = parts === 0 ? () => {} : node.hold(bytes, parts)
    for (const [asked, answer] of answers) {
      const hasRecords = answer.errorCode === errorCodes.none && (answer.records?.length ?? 0) > 0
      // A jump of the position since the question: see `AssignedPartition.version`.
      if (asked.version !== asked.partition.version || !asked.partition.isAssigned) {
        if (hasRecords) release()
      } else if (answer.errorCode !== errorCodes.none) {
        this.#refused(asked, answer, response)
      } else {
        this.#answered(node, asked, answer, version, release)
      }
    }
  }

  #answered(
    node: FetchingNode,
    { partition }: AskedPartition,
    answer: PartitionAnswer,
    version: number,
    release: () => void,
  ): void {
    partition.highWatermark = Number(answer.highWatermark)
    const readsCommitted = this.#options.isolationLevel === 'read_committed'
    const isStableKnown = readsCommitted && answer.lastStableOffset >= 0n
    partition.endOffset = isStableKnown ? Number(answer.lastStableOffset) : partition.highWatermark
    if (answer.preferredReadReplica >= 0 && answer.preferredReadReplica !== node.id) {
      partition.preferredReplica = answer.preferredReadReplica
      partition.preferredUntil = performance.now() + this.#options.metadataMaxAgeMs
    }
    const { records } = answer
    if (records === null || records.length === 0) {
      partition.backoff.reset()
      return
    }
    const aborted = readsCommitted ? (answer.abortedTransactions ?? []) : null
    const fetch = new PartitionFetch(partition, records, aborted, this.#settings, () => {
      release()
      this.#pump()
    })
    if (fetch.isEmpty || (fetch.endOffset <= partition.fetchOffset && fetch.isExhausted)) {
      fetch.release()
      if (version < firstWithWholeBatches) return this.#fail(partition, this.#cutShort(partition))
      // Nothing whole came, which no broker of today does. Asking at once again would make a busy loop of it.
      partition.holdOff()
      return
    }
    partition.backoff.reset()
    partition.fetchOffset = fetch.endOffset
    partition.fetches.push(fetch)
    this.#owner.moveToEnd(partition)
    this.#owner.onFetched(fetch)
  }

  #refused(asked: AskedPartition, answer: PartitionAnswer, response: FetchResponse): void {
    const { partition } = asked
    const { topic, partition: index } = partition
    const { errorCode } = answer
    const info = brokerErrorInfo(errorCode)
    const isFollower = partition.preferredReplica >= 0
    partition.preferredReplica = -1
    if (isFollower) {
      // A follower lags behind, so the range that it knows says nothing; nor does its refusal. The leader decides.
      return this.#pump()
    }
    if (info.retriable) {
      const { metadata } = this.#cluster
      // Of a topic that has been made anew since, the leaders of before say nothing, and their epochs would be newer for
      // ever.
      const isOfToday = (metadata.get(topic)?.id ?? null) === asked.topicId
      if (isOfToday && metadata.hint(topic, index, answer.currentLeader, response.nodeEndpoints)) {
        return this.#pump()
      }
      return this.refresh(partition)
    }
    // What was fetched before it is delivered first; then the same question gets the same answer.
    if (partition.fetches.length > 0) return partition.holdOff()
    const about = { topic, partition: index, api: 'Fetch' }
    if (errorCode !== errorCodes.offsetOutOfRange) {
      return this.#fail(
        partition,
        new BrokerError(errorCode, about, `${info.meaning} (position ${asked.offset})`),
      )
    }
    const { autoOffsetReset } = this.#options
    if (autoOffsetReset !== 'none') {
      partition.reset(autoOffsetReset)
      return this.#pump()
    }
    this.#fail(
      partition,
      new BrokerError(
        errorCode,
        about,
        `the position ${asked.offset} is out of range, and autoOffsetReset is none; ` +
          `beginningOffsets() and endOffsets() tell the range`,
      ),
    )
  }

  /** Asks who leads, and leaves the partition alone for a while, unless the answer has news of it. */
  refresh(partition: AssignedPartition): void {
    const before = this.#leaderOf(partition)
    partition.holdOff()
    // A slow answer is no reason to ask again: its own failure is.
    if (this.#asking.has(partition)) return
    this.#asking.add(partition)
    this.refreshTopics([partition.topic], () => {
      this.#asking.delete(partition)
      const now = this.#leaderOf(partition)
      if (now !== null && (now.leader !== before?.leader || now.leaderEpoch !== before.leaderEpoch)) {
        partition.retryAt = 0
      }
    })
  }

  #leaderOf({ topic, partition }: AssignedPartition): PartitionMetadata | null {
    const known = this.#cluster.metadata.partition(topic, partition)
    return known !== null && known.leader >= 0 ? known : null
  }

  /** Never rejects; what no repetition mends goes to the reader. */
  refreshTopics(topics: Iterable<string>, onSettled = () => {}): void {
    this.#cluster.metadata.refresh(topics).then(
      () => {
        this.#isTroubled = false
        onSettled()
        this.#pump()
      },
      (error: unknown) => {
        if (this.#isStopped) return
        onSettled()
        if (error instanceof KafkaError && error.retriable) {
          if (!this.#isTroubled) this.#owner.onTrouble(error)
          this.#isTroubled = true
        } else if (!this.#hasFailed) {
          // A wrong password and the like: said once, and again when the application has asked for more in spite of it.
          this.#hasFailed = true
          this.#owner.onFatal(asKafkaError(error, 'asking for metadata'), () => {
            this.#hasFailed = false
          })
        }
      },
    )
  }

  stop(): void {
    this.#isStopped = true
  }

  #fail(partition: AssignedPartition, error: BrokerError | RecordTooLargeError): void {
    this.#owner.onPartitionError(partition, error)
  }

  #cutShort({ topic, partition, fetchOffset }: AssignedPartition): RecordTooLargeError {
    return new RecordTooLargeError(
      `${topic}-${partition}: the record at offset ${fetchOffset} is larger than maxPartitionFetchBytes, ` +
        `which is ${this.#options.maxPartitionFetchBytes}`,
      { topic, partition },
    )
  }
}

import type { Cluster } from '../cluster/cluster.ts'
import type { EpochEnd } from '../cluster/epoch-ends.ts'
import type { PartitionMetadata } from '../cluster/metadata.ts'
import { RecordTooLargeError } from '../errors.ts'
import type { FetchResponse } from '../protocol/apis/fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { FetchOwner } from './fetch-owner.ts'
import type { AskedPartition, PartitionAnswer } from './fetch-request.ts'
import type { FetchingNode } from './fetching-node.ts'
import { compareWithLog, madeAnew } from './log-truncation.ts'
import { PartitionFetch, type ReadSettings } from './partition-fetch.ts'

/** Before version 3 a broker cuts a batch that is larger than what was asked for, and there is no way to get it. */
const firstWithWholeBatches = 3

/**
 * How long a leader is asked without a rack once it has named a replica twice that is of no use, in milliseconds. It goes
 * on naming it, and gives no records along with that: nothing would be read.
 */
const leaderAloneMs = 5000

/**
 * How often it is asked who leads when a position is of a later leader: brokers hear of a change one after the other. With
 * the backoff between them these take 5 seconds by default. Who gives up too early asks a leader of before, which has never
 * heard of that epoch, and the position would be reset for it.
 */
const mostLeaderLookups = 8

type Answer = [AskedPartition, PartitionAnswer]
type Endpoints = FetchResponse['nodeEndpoints']

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

  take(node: FetchingNode, answers: readonly Answer[], endpoints: Endpoints, version: number): void {
    let bytes = 0
    let parts = 0
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
        // How far the log goes is true all the same, and is not told twice.
        if (answer.errorCode === errorCodes.none) this.#takeEnds(asked.partition, answer)
      } else if (answer.errorCode !== errorCodes.none) {
        this.#owner.moveToEnd(asked.partition)
        this.#refused(node, asked, answer, endpoints)
      } else {
        this.#answered(node, asked, answer, version, release)
      }
    }
  }

  #answered(
    node: FetchingNode,
    { partition, offset, topicId }: AskedPartition,
    answer: PartitionAnswer,
    version: number,
    release: () => void,
  ): void {
    partition.topicId = topicId
    this.#takeEnds(partition, answer)
    const { records, preferredReadReplica, divergingEpoch } = answer
    if (preferredReadReplica >= 0 && preferredReadReplica !== node.id) {
      partition.preferredReplica = preferredReadReplica
      partition.preferredUntil = performance.now() + this.#options.metadataMaxAgeMs
      // Nothing was read here. That the follower has refused us lately is not forgotten by it.
      if (records === null || records.length === 0) return
    }
    if (divergingEpoch.epoch >= 0 && divergingEpoch.endOffset >= 0n) {
      const end = { leaderEpoch: divergingEpoch.epoch, endOffset: Number(divergingEpoch.endOffset) }
      if (records !== null && records.length > 0) release()
      // Said of what lies behind the position it changes nothing, and would be said again at once.
      if (end.endOffset >= offset) return partition.holdOff()
      return this.compared(partition, offset, end, partition.leaderEpoch)
    }
    if (records === null || records.length === 0) {
      partition.backoff.reset()
      return
    }
    const readsCommitted = this.#options.isolationLevel === 'read_committed'
    const aborted = readsCommitted ? (answer.abortedTransactions ?? []) : null
    const fetch = new PartitionFetch(partition, records, aborted, this.#settings, () => {
      release()
      this.#pump()
    })
    if (fetch.isEmpty) {
      fetch.release()
      if (version < firstWithWholeBatches) return this.fail(partition, this.#cutShort(partition))
      // Nothing whole came, or nothing from the position on, which no broker of today does. Asking at once again would make a busy loop of it.
      partition.holdOff()
      return
    }
    partition.backoff.reset()
    partition.followerRefusals = 0
    partition.fetchOffset = fetch.endOffset
    partition.fetchEpoch = fetch.endEpoch
    partition.fetches.push(fetch)
    this.#owner.moveToEnd(partition)
    this.#owner.onFetched(fetch)
  }

  #takeEnds(partition: AssignedPartition, answer: PartitionAnswer): void {
    partition.highWatermark = Number(answer.highWatermark)
    partition.logStartOffset = Number(answer.logStartOffset)
    const isStableKnown = this.#options.isolationLevel === 'read_committed' && answer.lastStableOffset >= 0n
    partition.endOffset = isStableKnown ? Number(answer.lastStableOffset) : partition.highWatermark
  }

  #refused(node: FetchingNode, asked: AskedPartition, answer: PartitionAnswer, endpoints: Endpoints): void {
    const { partition } = asked
    const { topic, partition: index } = partition
    const { errorCode } = answer
    const info = brokerErrorInfo(errorCode)
    if (partition.preferredReplica === node.id) {
      // A follower lags behind, so the range that it knows says nothing; nor does its refusal. The leader decides.
      partition.preferredReplica = -1
      if (partition.followerRefusals++ > 0) this.keepToLeader(partition)
      return this.#pump()
    }
    if (errorCode === errorCodes.corruptMessage) {
      // The broker has found out what `checkCrcs` would: it does not pass, and is no reason to ask who leads.
      return this.#tellLater(partition, () => this.#corrupt(asked))
    }
    if (info.retriable) {
      const { metadata } = this.#cluster
      // Of a topic that has been made anew since, the leaders of before say nothing, and their epochs would be newer for
      // ever.
      const isOfToday = (metadata.get(topic)?.id ?? null) === asked.topicId
      if (isOfToday && metadata.hint(topic, index, answer.currentLeader, endpoints)) {
        return this.#pump()
      }
      return this.refresh(partition)
    }
    if (errorCode === errorCodes.unknownServerError) {
      // Java's consumer goes on asking: brokers say it of what has passed by the next time.
      this.#owner.onTrouble(new BrokerError(errorCode, { topic, partition: index, api: 'Fetch' }))
      return this.refresh(partition)
    }
    const about = { topic, partition: index, api: 'Fetch' }
    if (errorCode !== errorCodes.offsetOutOfRange) {
      const detail = `${info.meaning} (position ${asked.offset})`
      return this.#tellLater(partition, () => new BrokerError(errorCode, about, detail))
    }
    const { autoOffsetReset } = this.#options
    const what = `the position ${asked.offset} is out of range`
    if (autoOffsetReset === 'none') {
      const detail = `${what}, and autoOffsetReset is none; beginningOffsets() and endOffsets() tell the range`
      return this.#tellLater(partition, () => new BrokerError(errorCode, about, detail))
    }
    if (partition.fetches.length > 0) return partition.holdOff()
    // Records may be passed over by it, or come again.
    const detail = `${what}; going on by autoOffsetReset, which is ${autoOffsetReset}`
    this.#owner.onTrouble(new BrokerError(errorCode, about, detail))
    partition.reset('default')
    this.#pump()
  }

  /** The position is of a topic that is gone; another one has its name now. */
  madeAnew(partition: AssignedPartition): void {
    const { autoOffsetReset } = this.#options
    if (autoOffsetReset === 'none')
      return this.#tellLater(partition, () => madeAnew(partition, autoOffsetReset))
    if (partition.fetches.length > 0) return partition.holdOff()
    this.#owner.onTrouble(madeAnew(partition, autoOffsetReset))
    partition.reset('earliest')
    // An offset of the topic that is gone: committed, it would have the next owner begin behind records that nobody read.
    partition.stored = null
    this.#pump()
  }

  /** What was fetched before it is delivered first; then the same question gets the same answer. */
  #tellLater(partition: AssignedPartition, errorOf: () => KafkaError): void {
    if (partition.fetches.length > 0) partition.holdOff()
    else this.fail(partition, errorOf())
  }

  /** The replica that the leader names is of no use for now. */
  keepToLeader(partition: AssignedPartition): void {
    partition.preferredReplica = -1
    partition.leaderAloneUntil = performance.now() + Math.min(leaderAloneMs, this.#options.metadataMaxAgeMs)
  }

  /** Where an epoch that was read ends in the log of the leader. */
  compared(partition: AssignedPartition, offset: number, end: EpochEnd, leaderEpoch: number): void {
    partition.leaderLookups = 0
    const { autoOffsetReset } = this.#options
    compareWithLog(partition, offset, end, leaderEpoch, { autoOffsetReset, owner: this.#owner })
  }

  /**
   * Whether to ask again who leads, as the position is of a later leader than the one that we know of. When nobody knows
   * of such a leader, the topic was made anew, and its position means nothing.
   */
  awaitsLeader(partition: AssignedPartition): boolean {
    if (partition.leaderLookups++ >= mostLeaderLookups) return false
    this.refresh(partition)
    return true
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

  /** The reader has to know. */
  fail(partition: AssignedPartition, error: KafkaError): void {
    this.#owner.onPartitionError(partition, error)
  }

  #corrupt({ partition: { topic, partition }, offset }: AskedPartition): BrokerError {
    const detail = `the record at offset ${offset} is corrupt; seek to ${offset + 1} tries the one behind it`
    return new BrokerError(errorCodes.corruptMessage, { topic, partition, api: 'Fetch' }, detail)
  }

  #cutShort({ topic, partition, fetchOffset }: AssignedPartition): RecordTooLargeError {
    return new RecordTooLargeError(
      `${topic}-${partition}: the record at offset ${fetchOffset} is larger than maxPartitionFetchBytes, ` +
        `which is ${this.#options.maxPartitionFetchBytes}`,
      { topic, partition },
    )
  }
}

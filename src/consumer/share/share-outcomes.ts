import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import type { ShareAcknowledgeResponse } from '../../protocol/apis/share-acknowledge.ts'
import type { ShareFetchResponse } from '../../protocol/apis/share-fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { asKafkaError } from '../client-fault.ts'
import type { PartitionAcknowledgements } from './acknowledgements.ts'
import type { ShareNode } from './share-node.ts'
import { sharedKey } from './share-session.ts'

/** Who is told of what an answer means. */
export interface ShareOutcomeOwner {
  /** Topics that are subscribed to. */
  topics(): readonly string[]
  /** Something has changed: whoever still wants records asks again. */
  onIdle(): void
  /** The reader has to know. */
  onFatal(error: KafkaError): void
  /** Trouble that will pass. */
  onTrouble(error: KafkaError): void
}

type Endpoints = ShareFetchResponse['nodeEndpoints']

/** One partition of an answer, as far as both APIs have it. */
interface PartitionAnswer {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly currentLeader: { readonly leaderId: number; readonly leaderEpoch: number }
}

/** The broker is not, or no longer, the one to ask: the acknowledgements were for it alone, so they are void. */
const misplaced: ReadonlySet<number> = new Set([
  errorCodes.unknownTopicOrPartition,
  errorCodes.leaderNotAvailable,
  errorCodes.notLeaderOrFollower,
  errorCodes.fencedLeaderEpoch,
  errorCodes.unknownTopicId,
  errorCodes.inconsistentTopicId,
])

/** What the errors of single partitions mean: for acknowledgements, for the reader, for what we know of leaders. */
export class ShareOutcomes {
  readonly #cluster: Cluster
  readonly #owner: ShareOutcomeOwner
  readonly #backoff: Backoff
  #isRefreshing = false
  #isStopped = false

  constructor(cluster: Cluster, owner: ShareOutcomeOwner) {
    this.#cluster = cluster
    this.#owner = owner
    this.#backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  }

  stop(): void {
    this.#isStopped = true
  }

  /** False: something is wrong that a pause may mend. */
  takeFetch(
    node: ShareNode,
    sent: readonly PartitionAcknowledgements[],
    response: ShareFetchResponse,
  ): boolean {
    const acknowledged: PartitionAnswer[] = []
    let isQuiet = true
    for (const { topicId, partitions } of response.responses) {
      for (const one of partitions) {
        const { partitionIndex: partition, currentLeader } = one
        const place = { topicId, partition, currentLeader }
        acknowledged.push({
          ...place,
          errorCode: one.acknowledgeErrorCode,
          errorMessage: one.acknowledgeErrorMessage,
        })
        const { errorCode, errorMessage } = one
        if (errorCode === errorCodes.none) continue
        if (!this.#refused({ ...place, errorCode, errorMessage }, response.nodeEndpoints)) isQuiet = false
      }
    }
    return this.#settle(node, sent, acknowledged, response.nodeEndpoints, 'ShareFetch') && isQuiet
  }

  /** The same. */
  takeAcknowledge(
    node: ShareNode,
    sent: readonly PartitionAcknowledgements[],
    { responses, nodeEndpoints }: ShareAcknowledgeResponse,
  ): boolean {
    const answers = responses.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode, errorMessage, currentLeader }) => ({
        topicId,
        partition,
        errorCode,
        errorMessage,
        currentLeader,
      })),
    )
    return this.#settle(node, sent, answers, nodeEndpoints, 'ShareAcknowledge')
  }

  /** Asks for the topics anew, once at a time. */
  refresh(): void {
    if (this.#isStopped || this.#isRefreshing) return
    const topics = this.#owner.topics()
    if (topics.length === 0) return
    this.#isRefreshing = true
    void this.#refresh(topics).then(() => {
      this.#isRefreshing = false
      if (this.#isStopped) return
      // Those of a new subscription were not asked for: nobody else does, and asking may create them.
      if (this.#owner.topics() !== topics) this.refresh()
      this.#owner.onIdle()
    })
  }

  /** Never rejects. */
  async #refresh(topics: readonly string[]): Promise<void> {
    const { metadata } = this.#cluster
    try {
      await metadata.refresh(topics)
      if (this.#isStopped) return
      for (const topic of topics) {
        const errorCode = metadata.errorCode(topic)
        if (errorCode === errorCodes.none || brokerErrorInfo(errorCode).retriable) continue
        this.#owner.onFatal(new BrokerError(errorCode, { topic, api: 'Metadata' }))
      }
      this.#backoff.reset()
    } catch (thrown) {
      if (this.#isStopped) return
      const error = asKafkaError(thrown, 'a question about topics')
      if (error.retriable) this.#owner.onTrouble(error)
      else this.#owner.onFatal(error)
      const waitMs = this.#backoff.next()
      // Ends early, by an error that says nothing new, when the client is closed.
      await this.#cluster.pause(waitMs, new Deadline(waitMs)).catch(() => {})
    }
  }

  /** A partition was not fetched. True: it is known by now whom to ask instead. */
  #refused(answer: PartitionAnswer, endpoints: Endpoints): boolean {
    const { topicId, partition, errorCode, errorMessage } = answer
    if (misplaced.has(errorCode)) return this.#moved(answer, endpoints)
    const topic = this.#cluster.metadata.nameOf(topicId)
    const about = topic === null ? {} : { topic, partition }
    const error = new BrokerError(errorCode, { api: 'ShareFetch', ...about }, errorMessage)
    if (errorCode === errorCodes.topicAuthorizationFailed) this.#owner.onFatal(error)
    else this.#owner.onTrouble(error)
    return false
  }

  #moved({ topicId, partition, currentLeader }: PartitionAnswer, endpoints: Endpoints): boolean {
    const { metadata } = this.#cluster
    const topic = metadata.nameOf(topicId)
    if (topic !== null && metadata.hint(topic, partition, currentLeader, endpoints)) return true
    this.refresh()
    return false
  }

  #settle(
    node: ShareNode,
    sent: readonly PartitionAcknowledgements[],
    answers: readonly PartitionAnswer[],
    endpoints: Endpoints,
    api: string,
  ): boolean {
    const byKey = new Map(answers.map((answer) => [sharedKey(answer), answer]))
    let isQuiet = true
    const hinted = new Set<PartitionAnswer>()
    for (const one of sent) {
      const { topic, partition } = one.from
      const answer = byKey.get(sharedKey(one.from))
      // As in Java: what is not spoken of is not there.
      const errorCode = answer?.errorCode ?? errorCodes.unknownTopicOrPartition
      if (errorCode === errorCodes.none) {
        one.settle(null)
        continue
      }
      const error = new BrokerError(errorCode, { api, topic, partition }, answer?.errorMessage)
      if (error.retriable && !misplaced.has(errorCode) && !one.deadline.expired) {
        // The leader cannot reach where it stores the state of the group, for instance.
        node.pending.push(one)
        isQuiet = false
        continue
      }
      one.settle(error)
      if (answer === undefined || hinted.has(answer) || !misplaced.has(errorCode)) continue
      hinted.add(answer)
      this.#moved(answer, endpoints)
    }
    return isQuiet
  }
}

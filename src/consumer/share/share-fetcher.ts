import type { Cluster } from '../../cluster/cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { UnsupportedVersionError } from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import { shareAcknowledge } from '../../protocol/apis/share-acknowledge.ts'
import { type ShareFetchResponse, shareFetch } from '../../protocol/apis/share-fetch.ts'
import { BrokerError, errorCodes } from '../../protocol/broker-errors.ts'
import { asKafkaError } from '../client-fault.ts'
import type { PartitionAcknowledgements } from './acknowledgements.ts'
import { AcquiredRecords, acquiredRanges } from './acquired-records.ts'
import type { ParsedShareConsumerOptions } from './share-consumer-options.ts'
import type { ShareConsumerMetrics } from './share-metrics.ts'
import { ShareNode } from './share-node.ts'
import { type ShareOutcomeOwner, ShareOutcomes } from './share-outcomes.ts'
import {
  acknowledgeBody,
  fetchBody,
  isReleased,
  needsKafka42,
  noShareGroups,
  renewVersion,
  type ShareMemberId,
  sessionLost,
  shareError,
  tooLate,
} from './share-requests.ts'
import { closeEpoch, type SharedPartition, sharedKey } from './share-session.ts'

/** Whom the fetcher works for. */
export interface ShareFetchOwner extends ShareOutcomeOwner {
  onAcquired(records: AcquiredRecords): void
  /** The session with this broker is over, which has released what was acquired in it. */
  onReleased(nodeId: number): void
}

/** A partition that the group has given us, with its name. */
interface NamedPartition extends SharedPartition {
  readonly topic: string
}

/**
 * Asks the leaders of our partitions for records when these are wanted, and takes acknowledgements to whom the records
 * came from: with the next fetch where there is one, else by themselves. One request to a broker at a time.
 *
 * Nothing is fetched in advance. A record is locked for us from the moment that it is acquired, so what lies here unread
 * is kept from others who could handle it (Java fetches when its buffer is empty, too).
 */
export class ShareFetcher {
  readonly #cluster: Cluster
  readonly #options: ParsedShareConsumerOptions
  readonly #metrics: ShareConsumerMetrics
  readonly #member: ShareMemberId
  readonly #owner: ShareFetchOwner
  readonly #outcomes: ShareOutcomes
  readonly #nodes = new Map<number, ShareNode>()
  #assigned: readonly SharedPartition[] = []
  #isPumpScheduled = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  /** When it goes off, monotonic milliseconds. */
  #timerAt = Number.POSITIVE_INFINITY
  /** With `record_limit`: who was asked last. */
  #lastAsked = -1
  /** Milliseconds, as brokers told last (KIP-1222). */
  acquisitionLockTimeoutMs: number | null = null

  constructor(
    cluster: Cluster,
    options: ParsedShareConsumerOptions,
    metrics: ShareConsumerMetrics,
    member: ShareMemberId,
    owner: ShareFetchOwner,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#metrics = metrics
    this.#member = member
    this.#owner = owner
    this.#outcomes = new ShareOutcomes(cluster, owner)
  }

  /** Looks the topics up that are subscribed to: their names are needed, and asking may create them. */
  lookUp(): void {
    this.#outcomes.refresh()
  }

  assign(partitions: readonly SharedPartition[]): void {
    this.#assigned = partitions
    this.#owner.onIdle()
  }

  /** One fetch to each broker that has partitions of ours and nothing in flight; `onIdle` is called after each. */
  fetch(): void {
    if (this.#isStopped) return
    const now = performance.now()
    const byNode = this.#placed()
    const ready: ShareNode[] = []
    for (const node of byNode.keys()) {
      if (node.retryAt > now) this.#wakeAt(node.retryAt)
      else if (node.inFlight === null) ready.push(node)
    }
    for (const node of this.#options.shareAcquireMode === 'record_limit' ? this.#oneOf(ready) : ready) {
      // What goes with a fetch must be about what is fetched, and is not to renew (KIP-1222).
      const partitions = byNode.get(node)!
      const keys = new Set(partitions.map(sharedKey))
      if (node.pending.some(({ from, isRenewal }) => isRenewal || !keys.has(sharedKey(from)))) {
        this.#sendAcknowledgements(node)
      } else {
        node.isFetching = true
        this.#lastAsked = node.id
        this.#run(node, () => this.#fetch(node, partitions))
      }
    }
  }

  /** To be sent at the end of the microtasks: with a fetch where one is asked for meanwhile. */
  acknowledge(acknowledgements: readonly PartitionAcknowledgements[]): void {
    for (const one of acknowledgements) {
      if (this.#isStopped) one.settle(sessionLost(this.#member.groupId))
      else this.#node(one.from.nodeId).pending.push(one)
    }
    this.#schedule()
  }

  /** Sends what is left and closes all sessions, which releases what was acquired and not acknowledged. */
  async closeSessions(deadline: Deadline): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => this.#closeSession(node, deadline)))
  }

  /** No more requests. What is in flight fails when the cluster is closed; its end is awaited by `ended`. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#outcomes.stop()
    for (const node of this.#nodes.values()) this.#void(node)
  }

  async ended(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(({ inFlight }) => inFlight))
  }

  #schedule(): void {
    if (this.#isPumpScheduled || this.#isStopped) return
    this.#isPumpScheduled = true
    queueMicrotask(() => {
      this.#isPumpScheduled = false
      if (!this.#isStopped) this.#pump()
    })
  }

  #pump(): void {
    const now = performance.now()
    for (const node of this.#nodes.values()) {
      if (node.inFlight !== null || node.pending.length === 0) continue
      if (node.retryAt > now) this.#wakeAt(node.retryAt)
      else this.#sendAcknowledgements(node)
    }
  }

  #wakeAt(at: number): void {
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    const wake = () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#pump()
      this.#owner.onIdle()
    }
    this.#timer = setTimeout(wake, Math.max(1, Math.ceil(at - performance.now())))
  }

  /** Our partitions by leader. What cannot be placed yet is looked up. */
  #placed(): Map<ShareNode, NamedPartition[]> {
    const { metadata } = this.#cluster
    const byNode = new Map<ShareNode, NamedPartition[]>()
    let isMissing = false
    for (const { topicId, partition } of this.#assigned) {
      const topic = metadata.nameOf(topicId)
      const leader = topic === null ? -1 : (metadata.partition(topic, partition)?.leader ?? -1)
      if (topic === null || leader < 0) {
        isMissing = true
        continue
      }
      const node = this.#node(leader)
      const known = byNode.get(node)
      if (known === undefined) byNode.set(node, [{ topicId, partition, topic }])
      else known.push({ topicId, partition, topic })
    }
    if (isMissing) this.#outcomes.refresh()
    return byNode
  }

  /** The next in turn, unless one is on its way: two could bring more than the limit. */
  #oneOf(ready: ShareNode[]): ShareNode[] {
    for (const node of this.#nodes.values()) if (node.isFetching) return []
    ready.sort((a, b) => a.id - b.id)
    const next = ready.find(({ id }) => id > this.#lastAsked) ?? ready[0]
    return next === undefined ? [] : [next]
  }

  #node(id: number): ShareNode {
    let node = this.#nodes.get(id)
    if (node === undefined) {
      node = new ShareNode(id, this.#options.retryBackoffMs, this.#options.retryBackoffMaxMs)
      this.#nodes.set(id, node)
    }
    return node
  }

  #run(node: ShareNode, work: () => Promise<void>): void {
    node.inFlight = work().finally(() => {
      node.inFlight = null
      node.isFetching = false
      if (this.#isStopped) return
      this.#owner.onIdle()
      this.#schedule()
    })
  }

  async #fetch(node: ShareNode, partitions: readonly NamedPartition[]): Promise<void> {
    let sent: PartitionAcknowledgements[] = []
    try {
      const connection = await this.#connect(node)
      if (this.#isStopped) return
      const { requestTimeoutMs, fetchMaxWaitMs, shareAcquireMode } = this.#options
      const version = connection.version(shareFetch)
      if (shareAcquireMode === 'record_limit' && version < renewVersion) {
        throw needsKafka42("shareAcquireMode 'record_limit'", this.#member.groupId, connection.broker)
      }
      sent = this.#takePending(node)
      const change = node.session.changeTo(partitions)
      const askedAt = performance.now()
      const response = await connection.send(
        shareFetch,
        () => fetchBody(this.#member, node.session, change, sent, this.#options, version),
        { timeoutMs: requestTimeoutMs + fetchMaxWaitMs },
      )
      this.#checkAnswer(response, shareFetch.name, connection)
      node.session.answered(change)
      this.#told(response)
      const isQuiet = this.#outcomes.takeFetch(node, sent, response)
      this.#metrics.fetched(response, askedAt)
      this.#acquired(node, partitions, response, askedAt)
      this.#succeeded(node, isQuiet)
    } catch (error) {
      this.#failed(node, sent, error)
    }
  }

  #acquired(
    node: ShareNode,
    partitions: readonly NamedPartition[],
    response: ShareFetchResponse,
    askedAt: number,
  ): void {
    // Locks began after the question.
    const lockEndsAt = askedAt + (this.acquisitionLockTimeoutMs ?? Number.POSITIVE_INFINITY)
    const asked = new Map(partitions.map((one) => [sharedKey(one), one]))
    for (const { topicId, partitions: answers } of response.responses) {
      for (const answer of answers) {
        if (answer.errorCode !== errorCodes.none || answer.acquiredRecords.length === 0) continue
        const partition = answer.partitionIndex
        const key = sharedKey({ topicId, partition })
        const named = asked.get(key)
        if (named === undefined || this.#isStopped) continue
        // Told twice, it would be handed out twice.
        asked.delete(key)
        const from = { topic: named.topic, topicId, partition, nodeId: node.id }
        const { keyDeserializer = null, valueDeserializer = null, checkCrcs } = this.#options
        const settings = { keyDeserializer, valueDeserializer, checkCrcs }
        const ranges = acquiredRanges(answer.acquiredRecords)
        this.#owner.onAcquired(
          new AcquiredRecords(from, answer.records ?? new Uint8Array(0), ranges, settings, lockEndsAt),
        )
      }
    }
  }

  #sendAcknowledgements(node: ShareNode): void {
    this.#run(node, async () => {
      let sent: PartitionAcknowledgements[] = []
      try {
        const connection = await this.#connect(node)
        if (this.#isStopped) return
        sent = this.#takePending(node)
        if (connection.version(shareAcknowledge) < renewVersion)
          sent = this.#withoutRenewals(sent, connection)
        if (sent.length > 0) await this.#sendNow(node, connection, node.session.epoch, sent)
      } catch (error) {
        this.#failed(node, sent, error)
      }
    })
  }

  async #sendNow(
    node: ShareNode,
    connection: Connection,
    epoch: number,
    sent: readonly PartitionAcknowledgements[],
    timeoutMs: number = this.#options.requestTimeoutMs,
  ): Promise<void> {
    const response = await connection.send(
      shareAcknowledge,
      (version) => acknowledgeBody(this.#member, epoch, sent, version),
      { timeoutMs },
    )
    this.#checkAnswer(response, shareAcknowledge.name, connection)
    if (epoch === closeEpoch) node.session.reset()
    else node.session.answered()
    this.#told(response)
    this.#succeeded(node, this.#outcomes.takeAcknowledge(node, sent, response))
  }

  async #closeSession(node: ShareNode, deadline: Deadline): Promise<void> {
    const { groupId } = this.#member
    try {
      while (node.inFlight !== null) await deadline.race(node.inFlight, 'a request of the share session')
    } catch (error) {
      // The session goes on with its answer, and gives back what that brings.
      if (!deadline.signal?.aborted) this.#owner.onTrouble(asKafkaError(error, 'closing the share session'))
      return
    }
    let sent: PartitionAcknowledgements[] = []
    try {
      if (node.session.isOpen) {
        // A lock that ends with the session cannot be renewed.
        sent = node.takePending().filter((one) => {
          if (one.isRenewal) one.settle(sessionLost(groupId))
          return !one.isRenewal
        })
        const connection = await deadline.race(this.#connect(node), 'closing the share session')
        const timeoutMs = Math.max(1, Math.ceil(deadline.remainingMs))
        const closing = this.#sendNow(node, connection, closeEpoch, sent, timeoutMs)
        await deadline.race(closing, 'closing the share session')
      }
      this.#void(node)
    } catch (error) {
      // Given up by the caller, which is no trouble of ours; the broker may or may not have heard of it.
      const isAborted = deadline.signal?.aborted === true
      this.#failed(node, sent, isAborted ? sessionLost(groupId) : error)
    }
  }

  async #connect(node: ShareNode): Promise<Connection> {
    const connection = await this.#cluster.connectionTo(this.#cluster.requireBroker(node.id), 'fetch')
    try {
      connection.version(shareFetch)
      connection.version(shareAcknowledge)
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error
      throw noShareGroups(this.#member.groupId, connection.broker, error)
    }
    return connection
  }

  /** What is to be sent now; what cannot be any more is told so. */
  #takePending(node: ShareNode): PartitionAcknowledgements[] {
    return node.takePending().filter((one) => {
      const { groupId } = this.#member
      if (!node.session.isOpen) one.settle(sessionLost(groupId))
      else if (one.deadline.expired) one.settle(tooLate(one))
      return !one.isSettled
    })
  }

  /** What waits for a session that is over came to nothing with it. */
  #void(node: ShareNode): void {
    for (const one of node.takePending()) one.settle(sessionLost(this.#member.groupId))
  }

  #withoutRenewals(
    sent: readonly PartitionAcknowledgements[],
    { broker }: Connection,
  ): PartitionAcknowledgements[] {
    for (const one of sent) {
      if (one.isRenewal) one.settle(needsKafka42("the acknowledgement 'renew'", this.#member.groupId, broker))
    }
    return sent.filter(({ isSettled }) => !isSettled)
  }

  #checkAnswer(
    { errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage: string | null },
    api: string,
    { broker }: Connection,
  ): void {
    if (errorCode === errorCodes.none) return
    throw shareError(errorCode, { api, broker, groupId: this.#member.groupId }, errorMessage)
  }

  #told({ acquisitionLockTimeoutMs }: { readonly acquisitionLockTimeoutMs: number }): void {
    if (acquisitionLockTimeoutMs > 0) this.acquisitionLockTimeoutMs = acquisitionLockTimeoutMs
  }

  /** @param isQuiet nothing was wrong with any partition; else the next request waits a little. */
  #succeeded(node: ShareNode, isQuiet: boolean): void {
    node.isDown = false
    if (isQuiet) node.backoff.reset()
    else node.retryAt = performance.now() + node.backoff.next()
  }

  #failed(node: ShareNode, sent: readonly PartitionAcknowledgements[], thrown: unknown): void {
    const error = asKafkaError(thrown, 'a request to a share group')
    node.session.reset()
    for (const one of sent) one.settle(error)
    // Not when the broker is reached again: one that is gone for good never is.
    this.#void(node)
    if (this.#isStopped) return
    if (isReleased(error)) this.#owner.onReleased(node.id)
    const isSessionOver = /SHARE_SESSION_(NOT_FOUND|EPOCH)$/.test(error.code)
    // A lost session is opened anew at once, and nobody has to know of it; but not again and again.
    if (!isSessionOver || node.isDown) node.retryAt = performance.now() + node.backoff.next()
    // Brokers stumble over a topic that has just gone, and have no better word for it.
    const isUnknown = error instanceof BrokerError && error.errorCode === errorCodes.unknownServerError
    if (!error.retriable && !isUnknown) return this.#owner.onFatal(error)
    if (!isSessionOver && !node.isDown) this.#owner.onTrouble(error)
    node.isDown = true
    if (!isSessionOver) this.#outcomes.refresh()
  }
}

import type { Cluster } from '../cluster/cluster.ts'
import { noSuchPartition } from '../cluster/partition-leaders.ts'
import { type FetchResponse, fetch as fetchApi } from '../protocol/apis/fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import { FetchOutcomes } from './fetch-outcomes.ts'
import type { FetchOwner } from './fetch-owner.ts'
import { FetchAttempt } from './fetch-request.ts'
import { FetchingNode } from './fetching-node.ts'

/**
 * How long a fetch waits for a partition whose buffers are full, in milliseconds. Sent without it, the fetch would wait
 * at the broker for the others to get records, up to `fetchMaxWaitMs`, while the full one is read empty and stands
 * still. A reader that takes longer than this for a megabyte is not held up by the shorter wait below.
 */
const deferMs = 20

/** Longest wait at the broker for a fetch that leaves out a full partition, in milliseconds. */
const waitWithoutFullMs = 50

/** What a response has around its records, more than enough of it: to stay below `receiveMessageMaxBytes`. */
const envelopeBytes = 65_536

/**
 * Keeps one fetch in flight to each broker that leads partitions of ours, as long as there is room for its answer.
 * `pump` looks at everything and starts what can be started; it is called whenever something has changed.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: ParsedConsumerOptions
  readonly #owner: FetchOwner
  readonly #outcomes: FetchOutcomes
  readonly #metrics: ConsumerMetrics
  readonly #nodes = new Map<number, FetchingNode>()
  readonly #running = new Set<Promise<void>>()
  /** Topics that were told of for not being there. */
  readonly #unknown = new Set<string>()
  #isStarted = false
  #isStopped = false
  #isPumpScheduled = false
  #timer: NodeJS.Timeout | undefined

  constructor(cluster: Cluster, options: ParsedConsumerOptions, owner: FetchOwner, metrics: ConsumerMetrics) {
    this.#metrics = metrics
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
    this.#outcomes = new FetchOutcomes(cluster, options, owner, () => this.pump())
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.pump()
  }

  /** No more fetches. What is in flight fails when the cluster is closed; its end is awaited by `ended`. */
  stop(): void {
    this.#isStopped = true
    this.#outcomes.stop()
    clearTimeout(this.#timer)
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Looks at what can be done, at the end of the current microtask: the changes of one tick make one round. */
  pump(): void {
    if (this.#isPumpScheduled || !this.#isStarted || this.#isStopped) return
    this.#isPumpScheduled = true
    queueMicrotask(() => {
      this.#isPumpScheduled = false
      if (!this.#isStopped) this.#pump()
    })
  }

  #pump(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    let wakeAt = Number.POSITIVE_INFINITY
    const wanted = new Map<FetchingNode, { free: AssignedPartition[]; hasFull: boolean }>()
    const unplaced: AssignedPartition[] = []
    for (const partition of this.#owner.partitions()) {
      if (!partition.isActive || partition.isFinding) continue
      if (partition.retryAt > now) {
        wakeAt = Math.min(wakeAt, partition.retryAt)
        continue
      }
      if (partition.position < 0) {
        unplaced.push(partition)
        continue
      }
      if (partition.isFetching) continue
      const node = this.#nodeOf(partition, now)
      if (node === null) {
        if (partition.isActive) wakeAt = Math.min(wakeAt, partition.retryAt)
        continue
      }
      let entry = wanted.get(node)
      if (entry === undefined) {
        entry = { free: [], hasFull: false }
        wanted.set(node, entry)
      }
      if (partition.isFull) entry.hasFull = true
      else entry.free.push(partition)
    }
    if (unplaced.length > 0) this.#owner.findPositions(unplaced)
    const share = Math.floor(this.#bound / Math.max(1, this.#busyNodes(wanted)))
    for (const [node, { free, hasFull }] of wanted) {
      if (node.isInFlight || node.hasFailed || free.length === 0) continue
      let notBefore = node.retryAt
      if (hasFull) {
        if (node.deferredSince === 0) node.deferredSince = now
        notBefore = Math.max(notBefore, node.deferredSince + deferMs)
      }
      if (notBefore > now) {
        wakeAt = Math.min(wakeAt, notBefore)
        continue
      }
      const maxBytes = this.#roomFor(node, share)
      if (maxBytes <= 0) continue
      node.deferredSince = 0
      const running = this.#fetch(node, free, maxBytes, hasFull)
      this.#running.add(running)
      running.finally(() => this.#running.delete(running))
    }
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.pump(), Math.max(1, Math.ceil(wakeAt - now)))
    }
  }

  get #bound(): number {
    return this.#options.fetchBufferBytes ?? 2 * this.#options.fetchMaxBytes
  }

  #busyNodes(wanted: ReadonlyMap<FetchingNode, unknown>): number {
    let count = 0
    for (const node of this.#nodes.values()) {
      if (wanted.has(node) || node.isInFlight || node.heldBytes > 0) count++
    }
    return count
  }

  /** Bytes that may be asked of this broker now; 0: what was fetched has to be read first. */
  #roomFor(node: FetchingNode, share: number): number {
    const { fetchMaxBytes, receiveMessageMaxBytes, maxPartitionFetchBytes } = this.#options
    const most = Math.max(1, Math.min(fetchMaxBytes, share, receiveMessageMaxBytes - envelopeBytes))
    // Less than that would make for many small fetches while a large one is being read.
    const least = Math.min(maxPartitionFetchBytes, Math.ceil(most / 2))
    if (node.heldBytes > 0 && share - node.heldBytes < least) {
      // Paused partitions may hold on for hours to what others need. They can fetch it again.
      for (const partition of this.#owner.partitions()) {
        if (partition.isPaused && partition.fetches.length > 0) partition.dropFetches()
      }
    }
    const room = share - node.heldBytes
    if (node.heldBytes > 0 && room < least) return 0
    return Math.min(most, room)
  }

  /** Who is to be asked for this partition; null while that is not known, and then it is being found out. */
  #nodeOf(partition: AssignedPartition, now: number): FetchingNode | null {
    const { metadata } = this.#cluster
    let id = partition.preferredReplica
    if (id >= 0 && (now > partition.preferredUntil || !metadata.nodes.has(id))) {
      partition.preferredReplica = -1
      id = -1
    }
    if (id < 0) id = metadata.partition(partition.topic, partition.partition)?.leader ?? -1
    if (id < 0) {
      this.#findLeader(partition)
      return null
    }
    let node = this.#nodes.get(id)
    if (node === undefined) {
      const { retryBackoffMs, retryBackoffMaxMs } = this.#options
      node = new FetchingNode(id, retryBackoffMs, retryBackoffMaxMs)
      this.#nodes.set(id, node)
    }
    return node
  }

  #findLeader(partition: AssignedPartition): void {
    const { metadata } = this.#cluster
    const { topic, partition: index } = partition
    const known = metadata.get(topic)
    const errorCode = metadata.errorCode(topic)
    if (errorCode !== errorCodes.none && !brokerErrorInfo(errorCode).retriable) {
      return this.#owner.onPartitionError(partition, new BrokerError(errorCode, { topic, api: 'Metadata' }))
    }
    if (known === null && errorCode !== errorCodes.none && !this.#unknown.has(topic)) {
      this.#unknown.add(topic)
      this.#owner.onTrouble(new BrokerError(errorCode, { topic, api: 'Metadata' }))
    } else if (known !== null) {
      this.#unknown.delete(topic)
    }
    // The group's leader may have newer metadata than we: a partition that we have not heard of is not yet wrong.
    if (known !== null && index >= known.partitions.length && !this.#owner.isShared()) {
      return this.#owner.onPartitionError(partition, noSuchPartition(topic, index, known.partitions.length))
    }
    this.#outcomes.refresh(partition)
  }

  async #fetch(
    node: FetchingNode,
    candidates: readonly AssignedPartition[],
    maxBytes: number,
    leavesOutFull: boolean,
  ): Promise<void> {
    const { fetchMaxWaitMs, requestTimeoutMs, maxPartitionFetchBytes } = this.#options
    node.isInFlight = true
    for (const partition of candidates) partition.isFetching = true
    let attempt: FetchAttempt | null = null
    const begunAt = performance.now()
    try {
      const broker = this.#cluster.requireBroker(node.id)
      const connection = await this.#cluster.connectionTo(broker, 'fetch')
      // Connecting takes its time: what was paused, revoked or moved meanwhile is not asked for.
      const partitions = candidates.filter((one) => one.isActive && one.position >= 0)
      if (partitions.length > 0 && !this.#isStopped) {
        const maxWaitMs = leavesOutFull ? Math.min(fetchMaxWaitMs, waitWithoutFullMs) : fetchMaxWaitMs
        const sent = new FetchAttempt(this.#cluster, partitions, {
          maxWaitMs,
          minBytes: this.#options.fetchMinBytes,
          maxBytes,
          partitionMaxBytes: Math.min(maxPartitionFetchBytes, maxBytes),
          isolationLevel: this.#options.isolationLevel,
          rackId: this.#options.clientRack,
        })
        attempt = sent
        const response: FetchResponse = await connection.send(fetchApi, (version) => sent.body(version), {
          timeoutMs: requestTimeoutMs + maxWaitMs,
          maxVersion: sent.maxVersion,
        })
        if (response.errorCode !== errorCodes.none) {
          throw new BrokerError(response.errorCode, { api: 'Fetch', broker: broker.address })
        }
        const version = connection.version(fetchApi, sent.maxVersion)
        if (!this.#isStopped) {
          this.#metrics.fetched(performance.now() - begunAt, response.throttleTimeMs, sizesOf(sent, response))
          this.#outcomes.take(node, sent, response, version)
        }
      }
      node.isDown = false
      node.backoff.reset()
    } catch (error) {
      this.#failed(node, attempt, candidates, error)
    } finally {
      node.isInFlight = false
      for (const partition of candidates) partition.isFetching = false
      this.pump()
    }
  }

  #failed(
    node: FetchingNode,
    attempt: FetchAttempt | null,
    candidates: readonly AssignedPartition[],
    thrown: unknown,
  ): void {
    if (this.#isStopped) return
    const error = asKafkaError(thrown, 'a fetch')
    node.retryAt = performance.now() + node.backoff.next()
    if (!error.retriable) {
      node.hasFailed = true
      this.#owner.onFatal(error, () => {
        node.hasFailed = false
        this.pump()
      })
      return
    }
    if (!node.isDown) this.#owner.onTrouble(error)
    node.isDown = true
    // A follower that is gone is no reason to wait: the leader has it all.
    for (const partition of candidates)
      if (partition.preferredReplica === node.id) partition.preferredReplica = -1
    const topics = new Set((attempt === null ? candidates : partitionsOf(attempt)).map(({ topic }) => topic))
    this.#outcomes.refreshTopics(topics)
  }
}

function sizesOf(attempt: FetchAttempt, response: FetchResponse): { topic: string; bytes: number }[] {
  return [...attempt.answers(response)].map(([{ partition }, { records }]) => ({
    topic: partition.topic,
    bytes: records?.length ?? 0,
  }))
}

function partitionsOf(attempt: FetchAttempt): AssignedPartition[] {
  return [...attempt.asked.values()].map(({ partition }) => partition)
}

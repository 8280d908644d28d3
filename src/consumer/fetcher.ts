import type { Cluster } from '../cluster/cluster.ts'
import type { PartitionMetadata, TopicMetadata } from '../cluster/metadata.ts'
import { noSuchPartition } from '../cluster/partition-leaders.ts'
import { fetch as fetchApi } from '../protocol/apis/fetch.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import { FetchOutcomes } from './fetch-outcomes.ts'
import type { FetchOwner } from './fetch-owner.ts'
import { type AskedPartition, highestVersionFor, type PartitionAnswer } from './fetch-request.ts'
import { FetchingNode } from './fetching-node.ts'

/**
 * How long a fetch waits for a partition whose buffers are full, in milliseconds. Sent without it, the fetch would wait
 * at the broker for the others to get records, up to `fetchMaxWaitMs`, while the full one is read empty and stands
 * still. A reader that takes longer than this for a megabyte is not held up by the shorter wait below.
 */
const deferMs = 20

/** Longest wait at the broker for a fetch that leaves out a full partition, in milliseconds. */
const waitWithoutFullMs = 50

/**
 * Bytes of an answer from which on the next fetch leaves before the reader has its turn: see `#fetch`. With less there is
 * little to read, and it is read sooner so.
 */
const largeBytes = 65_536

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
    if (this.#isStopped) return
    this.#isStopped = true
    this.#outcomes.stop()
    clearTimeout(this.#timer)
    for (const node of this.#nodes.values()) this.#endSession(node)
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
    const unchecked = new Map<number, AssignedPartition[]>()
    let name: string | null = null
    let topic: TopicMetadata | null = null
    for (const partition of this.#owner.partitions()) {
      if (!partition.isActive || partition.isFinding || partition.isValidating) continue
      if (partition.retryAt > now) {
        wakeAt = Math.min(wakeAt, partition.retryAt)
        continue
      }
      if (partition.position < 0) {
        unplaced.push(partition)
        continue
      }
      if (partition.isFetching) continue
      if (partition.topic !== name) {
        name = partition.topic
        topic = this.#cluster.metadata.get(name)
      }
      const known = topic?.partitions[partition.partition]
      if (known === undefined || known.leader < 0) {
        this.#findLeader(partition)
        if (partition.isActive) wakeAt = Math.min(wakeAt, partition.retryAt)
        continue
      }
      if (isOfTopicBefore(partition, topic)) {
        this.#outcomes.madeAnew(partition)
        if (partition.isActive) wakeAt = Math.min(wakeAt, partition.retryAt)
        continue
      }
      if (!isChecked(partition, known.leaderEpoch)) {
        const others = unchecked.get(known.leader)
        if (others === undefined) unchecked.set(known.leader, [partition])
        else others.push(partition)
        continue
      }
      const node = this.#nodeOf(partition, known, now)
      let entry = wanted.get(node)
      if (entry === undefined) {
        entry = { free: [], hasFull: false }
        wanted.set(node, entry)
      }
      if (partition.isFull) entry.hasFull = true
      else entry.free.push(partition)
    }
    if (unplaced.length > 0) this.#owner.findPositions(unplaced)
    for (const [id, partitions] of unchecked) {
      const node = this.#node(id)
      // One question at a time: those that come meanwhile make the next one.
      if (node.isValidating || node.hasFailed) continue
      if (node.retryAt > now) wakeAt = Math.min(wakeAt, node.retryAt)
      else this.#track(this.#validate(node, partitions))
    }
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
      this.#track(this.#fetch(node, free, maxBytes, hasFull))
    }
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      // A fetch that failed at once has been through here already.
      clearTimeout(this.#timer)
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

  /** Who is to be asked for this partition: its leader, or for a while the replica that the leader has named (KIP-392). */
  #nodeOf(partition: AssignedPartition, known: PartitionMetadata, now: number): FetchingNode {
    const { preferredReplica: id } = partition
    if (id < 0) return this.#node(known.leader)
    const isOnline =
      this.#cluster.metadata.nodes.has(id) &&
      known.replicas.includes(id) &&
      !known.offlineReplicas.includes(id)
    if (isOnline && now <= partition.preferredUntil) return this.#node(id)
    if (isOnline) partition.preferredReplica = -1
    else this.#outcomes.keepToLeader(partition)
    return this.#node(known.leader)
  }

  /**
   * Connecting takes its time. A broker that is away comes back and is elected again, with another log; metadata tells so
   * before it has accepted us. Sent with the new epoch the fetch would be answered, from a position that was held against
   * the log of before.
   */
  #isStillFor(node: FetchingNode, partition: AssignedPartition): boolean {
    const topic = this.#cluster.metadata.get(partition.topic)
    const known = topic?.partitions[partition.partition]
    return (
      known !== undefined &&
      !isOfTopicBefore(partition, topic) &&
      isChecked(partition, known.leaderEpoch) &&
      this.#nodeOf(partition, known, performance.now()) === node
    )
  }

  #node(id: number): FetchingNode {
    let node = this.#nodes.get(id)
    if (node === undefined) {
      const { retryBackoffMs, retryBackoffMaxMs } = this.#options
      node = new FetchingNode(id, retryBackoffMs, retryBackoffMaxMs)
      this.#nodes.set(id, node)
    }
    return node
  }

  #track(running: Promise<void>): void {
    this.#running.add(running)
    running.finally(() => this.#running.delete(running))
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
    const begunAt = performance.now()
    let isLarge = false
    try {
      const broker = this.#cluster.requireBroker(node.id)
      // No wait where there is nothing to wait for: see the end of this method.
      const ready = broker.ready('fetch')
      const connection = ready ?? (await broker.connection('fetch'))
      const partitions = candidates.filter(
        (one) => one.isActive && one.position >= 0 && (ready !== null || this.#isStillFor(node, one)),
      )
      if (partitions.length > 0 && !this.#isStopped) {
        const { metadata } = this.#cluster
        const maxWaitMs = leavesOutFull ? Math.min(fetchMaxWaitMs, waitWithoutFullMs) : fetchMaxWaitMs
        const maxVersion = highestVersionFor(partitions, metadata)
        const version = connection.version(fetchApi, maxVersion)
        const limits = {
          maxWaitMs,
          minBytes: this.#options.fetchMinBytes,
          maxBytes,
          partitionMaxBytes: maxPartitionFetchBytes,
          isolationLevel: this.#options.isolationLevel,
          // Without a rack nobody is sent elsewhere: the others of this fetch go back to their replicas with the next.
          rackId: partitions.some((one) => one.leaderAloneUntil > begunAt) ? '' : this.#options.clientRack,
        }
        const request = node.session.request(partitions, version, limits, metadata)
        const answer = connection.send(fetchApi, request, {
          timeoutMs: requestTimeoutMs + maxWaitMs,
          maxVersion,
        })
        connection.flush()
        const response = await answer
        if (response.errorCode !== errorCodes.none) {
          if (node.session.refused(response.errorCode)) return
          throw new BrokerError(response.errorCode, { api: 'Fetch', broker: broker.address })
        }
        const answers = node.session.answered(response)
        if (!this.#isStopped) {
          const now = performance.now()
          const sizes = sizesOf(answers)
          isLarge = sizes.reduce((sum, { bytes }) => sum + bytes, 0) >= largeBytes
          this.#metrics.fetched(now - begunAt, response.throttleTimeMs, sizes)
          // Those that the answer leaves out have no news, which is an answer too.
          for (const partition of partitions) partition.fetchedAt = now
          this.#outcomes.take(node, answers, response.nodeEndpoints, version)
        }
      }
      node.isDown = false
      node.backoff.reset()
    } catch (error) {
      node.session.lost()
      this.#failed(node, candidates, error)
    } finally {
      node.isInFlight = false
      for (const partition of candidates) partition.isFetching = false
      // A large one in this very microtask, and down to the socket. The reader is woken already, and its turn is next: it
      // would go through all of a megabyte before the broker heard of the next one, and both would wait by turns.
      if (isLarge && !this.#isStopped) this.#pump()
      else this.pump()
    }
  }

  /** Holds positions against the log of their leader. Never rejects. */
  async #validate(node: FetchingNode, partitions: readonly AssignedPartition[]): Promise<void> {
    node.isValidating = true
    for (const partition of partitions) partition.isValidating = true
    try {
      // Only after a change of leaders, and for commits that tell their epoch.
      const { validatePositions } = await import('./position-validator.ts')
      if (!this.#isStopped) await validatePositions(this.#cluster, node.id, partitions, this.#outcomes)
    } catch (error) {
      this.#failed(node, partitions, error)
    } finally {
      node.isValidating = false
      for (const partition of partitions) partition.isValidating = false
      this.pump()
    }
  }

  /**
   * Tells the broker that it need not keep the session any longer, where that costs nothing: nobody waits for the answer,
   * and no connection is opened for it. Behind a fetch that waits at the broker it would come too late.
   */
  #endSession(node: FetchingNode): void {
    if (!node.session.isOpen) return
    const broker = this.#cluster.broker(node.id)
    const connection = (node.isInFlight ? null : broker?.ready('fetch')) ?? broker?.ready('main') ?? null
    if (connection === null) return
    connection.send(fetchApi, node.session.end()).catch(() => {})
  }

  #failed(node: FetchingNode, candidates: readonly AssignedPartition[], thrown: unknown): void {
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
    // A follower that is gone is no reason to wait: the leader has it all, and may not know yet that it is gone.
    for (const partition of candidates) {
      if (partition.preferredReplica === node.id) this.#outcomes.keepToLeader(partition)
    }
    this.#outcomes.refreshTopics(new Set(candidates.map(({ topic }) => topic)))
  }
}

/** Whether the topic was deleted and made anew since the position was found or reached. */
function isOfTopicBefore({ topicId }: AssignedPartition, topic: TopicMetadata | null | undefined): boolean {
  return topicId !== null && !!topic?.id && topicId !== topic.id
}

/**
 * Whether the position is known to be of the log that this leader has (KIP-320). Each leader is asked once: one that was
 * elected without having all may have other records there. Without an epoch on both sides there is nothing to ask.
 */
function isChecked(partition: AssignedPartition, leaderEpoch: number): boolean {
  if (partition.leaderEpoch === leaderEpoch) return true
  if (partition.fetchEpoch >= 0 && leaderEpoch >= 0) return false
  partition.leaderEpoch = leaderEpoch
  return true
}

function sizesOf(answers: readonly [AskedPartition, PartitionAnswer][]): { topic: string; bytes: number }[] {
  return answers.map(([{ partition }, { records }]) => ({
    topic: partition.topic,
    bytes: records?.length ?? 0,
  }))
}

import { Backoff } from '../backoff.ts'
import type { Deadline } from '../deadline.ts'
import type { MetadataResponse } from '../protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { Pauses } from './pauses.ts'

export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly topic: string
  readonly partition: number
  /** Node id; -1 while there is none. */
  readonly leader: number
  /** -1 where the broker does not tell. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  /** Null where the broker does not tell (before Kafka 2.8). */
  readonly id: string | null
  readonly isInternal: boolean
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[]
}

interface Known {
  topic: TopicMetadata | null
  /** What the last answer said of it. */
  errorCode: number
  /** The error that goes with the code, where there is more to say than the code does. */
  error?: KafkaError
  /** Monotonic milliseconds of the last answer about it. */
  updatedAt: number
}

export interface MetadataOptions {
  readonly metadataMaxAgeMs: number
  /** Also the least time between two questions about what is known. */
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
}

/** Asks the cluster: about these topics, or about all for null. */
export type AskMetadata = (topics: readonly string[] | null) => Promise<MetadataResponse>

interface LeaderHint {
  readonly leaderId: number
  readonly leaderEpoch: number
}

interface Endpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/**
 * What is known of the cluster: its nodes, and the topics that somebody has asked for. Answers come from different
 * brokers in any order, so an older leader epoch never overwrites a newer one.
 */
export class Metadata {
  clusterId: string | null = null
  /** -1: not known. */
  controllerId = -1
  /** Monotonic milliseconds of the last answer; NaN before the first. */
  updatedAt = Number.NaN
  readonly #ask: AskMetadata
  readonly #options: MetadataOptions
  readonly #nodes = new Map<number, Node>()
  readonly #topics = new Map<string, Known>()
  readonly #nameById = new Map<string, string>()
  readonly #listeners = new Set<() => void>()
  #lastAskedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | null = null
  readonly #pauses = new Pauses()
  #next: { readonly names: Set<string>; readonly done: Promise<void> } | null = null

  constructor(ask: AskMetadata, options: MetadataOptions) {
    this.#ask = ask
    this.#options = options
  }

  get nodes(): ReadonlyMap<number, Node> {
    return this.#nodes
  }

  /** The node at `host:port`; null when none is known to be there. */
  nodeAt(address: string): number | null {
    for (const { id, host, port } of this.#nodes.values()) if (`${host}:${port}` === address) return id
    return null
  }

  /** What is known of a topic, without waiting. Too old an answer is given all the same, and a new one asked for. */
  get(name: string): TopicMetadata | null {
    const known = this.#topics.get(name)
    if (known === undefined) return null
    if (performance.now() - known.updatedAt > this.#options.metadataMaxAgeMs) {
      // One question at a time; after a failure the next use asks again.
      known.updatedAt = Number.POSITIVE_INFINITY
      this.refresh([name]).then(
        // Without effect when the answer was about the topic, as it usually is: what is known is another object then.
        () => {
          known.updatedAt = performance.now()
        },
        () => {
          known.updatedAt = Number.NEGATIVE_INFINITY
        },
      )
    }
    return known.topic
  }

  /** The same, and nothing is asked for: of a topic that nobody uses now. */
  peek(name: string): TopicMetadata | null {
    return this.#topics.get(name)?.topic ?? null
  }

  partition(topic: string, partition: number): PartitionMetadata | null {
    return this.get(topic)?.partitions[partition] ?? null
  }

  /** The error code of the last answer about this topic; 0 when there was none, or no answer. */
  errorCode(name: string): number {
    return this.#topics.get(name)?.errorCode ?? errorCodes.none
  }

  nameOf(topicId: string): string | null {
    return this.#nameById.get(topicId) ?? null
  }

  /**
   * The topic, waiting until it is known.
   *
   * @throws BrokerError when it does not exist by the deadline, or may not be seen.
   */
  async topic(name: string, deadline: Deadline): Promise<TopicMetadata> {
    const what = `metadata of topic ${name}`
    const backoff = new Backoff(this.#options.retryBackoffMs, this.#options.retryBackoffMaxMs)
    let failure: KafkaError | null = null
    for (;;) {
      deadline.throwIfAborted()
      const topic = this.get(name)
      if (topic !== null) return topic
      try {
        await deadline.race(this.refresh([name]), what)
        const known = this.#topics.get(name)
        if (known?.topic) continue
        if (known !== undefined && known.errorCode !== errorCodes.none) {
          failure = known.error ?? new BrokerError(known.errorCode, { topic: name, api: 'Metadata' })
          if (!failure.retriable) throw failure
        }
      } catch (error) {
        if (!(error instanceof KafkaError && error.retriable)) throw error
        // When the deadline ends a later try, what went wrong before says more than that.
        if (failure === null || error.code !== 'API_TIMEOUT') failure = error
      }
      if (deadline.expired) throw failure ?? deadline.error(what)
      await this.#pauses.wait(backoff.next(), deadline)
    }
  }

  /**
   * Fetches these topics anew, and the nodes with them. Calls that come while one is on its way are answered by the
   * next one together: an answer that was made before the question says nothing about it.
   */
  refresh(names: Iterable<string>): Promise<void> {
    if (this.#next === null) {
      const wanted = new Set<string>()
      const done = this.#run(wanted)
      this.#next = { names: wanted, done }
    }
    for (const name of names) this.#next.names.add(name)
    return this.#next.done
  }

  async #run(wanted: Set<string>): Promise<void> {
    await this.#running?.catch(() => {})
    // The microtask lets callers of the same tick in, and the names of this call itself.
    await Promise.resolve()
    const isNew = [...wanted].some((name) => !this.#topics.has(name))
    const wait = isNew ? 0 : this.#lastAskedAt + this.#options.retryBackoffMs - performance.now()
    try {
      if (wait > 0) await this.#pauses.wait(wait)
      this.#pauses.throwIfClosed()
    } finally {
      this.#next = null
    }
    const running = this.#fetch([...wanted]).finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    await running
  }

  async #fetch(names: readonly string[]): Promise<void> {
    this.#lastAskedAt = performance.now()
    this.update(await this.#ask(names))
  }

  /** All topics of the cluster, asked for now. */
  async all(): Promise<TopicMetadata[]> {
    const response = await this.#ask(null)
    this.update(response)
    return response.topics.flatMap((topic) => {
      const known = topic.name === null ? undefined : this.#topics.get(topic.name)
      return topic.errorCode === errorCodes.none && known?.topic ? [known.topic] : []
    })
  }

  /** Told after each update. Gives the function that ends it. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  update(response: MetadataResponse): void {
    if (response.errorCode !== errorCodes.none) throw new BrokerError(response.errorCode, { api: 'Metadata' })
    if (response.clusterId !== null) this.clusterId = response.clusterId
    this.controllerId = response.controllerId
    // A broker that has just started may know of no other; that is no reason to forget them.
    if (response.brokers.length > 0) {
      this.#nodes.clear()
      for (const { nodeId, host, port, rack } of response.brokers) {
        this.#nodes.set(nodeId, { id: nodeId, host, port, rack })
      }
    }
    const now = performance.now()
    this.updatedAt = now
    for (const topic of response.topics) {
      if (topic.name === null) continue
      const known = this.#topics.get(topic.name)
      if (topic.errorCode !== errorCodes.none) {
        // What was known stays: a broker that has not caught up must not fail records. Whoever uses it finds out.
        this.#topics.set(topic.name, {
          topic: known?.topic ?? null,
          errorCode: topic.errorCode,
          updatedAt: now,
        })
        continue
      }
      const id = topic.topicId === zeroUuid ? null : topic.topicId
      // A broker that tells no id (before Kafka 2.8, in the middle of an upgrade) has no other topic in mind.
      const sameTopic = id === null || known?.topic?.id === id
      const before = sameTopic ? known?.topic?.partitions : undefined
      const partitions: PartitionMetadata[] = []
      for (const partition of topic.partitions) {
        const old = before?.[partition.partitionIndex]
        partitions[partition.partitionIndex] =
          old !== undefined && partition.leaderEpoch >= 0 && partition.leaderEpoch < old.leaderEpoch
            ? old
            : {
                topic: topic.name,
                partition: partition.partitionIndex,
                leader: partition.leaderId,
                leaderEpoch: partition.leaderEpoch,
                replicas: partition.replicaNodes,
                isr: partition.isrNodes,
                offlineReplicas: partition.offlineReplicas,
              }
      }
      if (partitions.length !== topic.partitions.length || partitions.includes(undefined as never)) {
        // The other topics of the answer, which others may wait for, are none the worse for it.
        const message = `the partitions of topic ${topic.name} have gaps`
        this.#topics.set(topic.name, {
          topic: known?.topic ?? null,
          errorCode: errorCodes.leaderNotAvailable,
          error: new KafkaError('INVALID_METADATA', message, { topic: topic.name, retriable: true }),
          updatedAt: now,
        })
        continue
      }
      if (known?.topic?.id && !sameTopic) this.#nameById.delete(known.topic.id)
      if (id !== null) this.#nameById.set(id, topic.name)
      this.#topics.set(topic.name, {
        topic: { name: topic.name, id, isInternal: topic.isInternal, partitions },
        errorCode: errorCodes.none,
        updatedAt: now,
      })
    }
    for (const listener of this.#listeners) listener()
  }

  /** Takes in who leads a partition now, as Produce and Fetch tell along with their refusal (KIP-951). True: it is news. */
  hint(topic: string, partition: number, hint: LeaderHint, endpoints: readonly Endpoint[]): boolean {
    const known = this.#topics.get(topic)
    const old = known?.topic?.partitions[partition]
    if (!known?.topic || old === undefined || hint.leaderId < 0 || hint.leaderEpoch <= old.leaderEpoch)
      return false
    const endpoint = endpoints.find((one) => one.nodeId === hint.leaderId)
    if (endpoint !== undefined) {
      const { nodeId: id, host, port, rack } = endpoint
      this.#nodes.set(id, { id, host, port, rack })
    } else if (!this.#nodes.has(hint.leaderId)) {
      return false
    }
    const partitions = [...known.topic.partitions]
    partitions[partition] = { ...old, leader: hint.leaderId, leaderEpoch: hint.leaderEpoch }
    known.topic = { ...known.topic, partitions }
    for (const listener of this.#listeners) listener()
    return true
  }

  /** A node that another answer told of (FindCoordinator). */
  addNode(node: Node): void {
    const known = this.#nodes.get(node.id)
    if (known?.host === node.host && known.port === node.port) return
    this.#nodes.set(node.id, node)
  }

  /** No questions any more; those that wait for their turn fail. */
  close(): void {
    this.#pauses.close()
  }

  /** Forgets the nodes, so that the next question goes to the bootstrap servers (KIP-1102). */
  forgetNodes(): void {
    this.#nodes.clear()
    this.controllerId = -1
  }
}

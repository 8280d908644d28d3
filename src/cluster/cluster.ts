import { Backoff } from '../backoff.ts'
import type { Deadline } from '../deadline.ts'
import { ConnectionError, IllegalStateError } from '../errors.ts'
import { Broker, type NetworkOptions, type Purpose } from '../network/broker.ts'
import type { Body, Connection } from '../network/connection.ts'
import { type MetadataResponse, metadata as metadataApi } from '../protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Api } from '../protocol/message.ts'
import type { FieldMap, StructOf } from '../protocol/schema.ts'
import { askForCoordinator, type CoordinatorKind, Coordinators } from './coordinators.ts'
import { Metadata } from './metadata.ts'
import { Pauses } from './pauses.ts'

export interface ClusterOptions extends NetworkOptions {
  readonly bootstrapServers: readonly { readonly host: string; readonly port: number }[]
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly metadataMaxAgeMs: number
  readonly metadataRecoveryStrategy: 'rebootstrap' | 'none'
  /** Whether asking for a topic may create it, where the broker is set up to do so. */
  readonly allowAutoTopicCreation: boolean
}

/** Who is to answer a request. */
export type Target =
  | 'any'
  | 'controller'
  | { readonly node: number }
  | { readonly group: string }
  | { readonly transaction: string }

export interface RequestOptions<S extends FieldMap> {
  readonly to: Target
  readonly deadline: Deadline
  /** Default `main`. */
  readonly purpose?: Purpose
  /** Milliseconds for one answer, where the API itself waits longer than `requestTimeoutMs`. */
  readonly timeoutMs?: number
  readonly maxVersion?: number
  /**
   * The error code at the top of an answer: a retriable one makes for another try, any other is thrown. Errors of
   * single topics or partitions are the caller's.
   */
  readonly errorOf?: (response: StructOf<S>) => number
  /** One try: the caller asks another broker when this one fails. Default: tries until the deadline. */
  readonly once?: boolean
  /** For errors. */
  readonly groupId?: string
  /** Told the connection of each try, before it is written to: what the broker at its end can do. */
  readonly onConnection?: (connection: Connection) => void
}

/**
 * All brokers of one cluster, and the one way to ask them: finds the broker, connects, sends, and tries again what is
 * worth it until the caller's deadline.
 */
export class Cluster {
  readonly metadata: Metadata
  readonly options: ClusterOptions
  readonly #brokers = new Map<string, Broker>()
  readonly #coordinators = new Coordinators()
  readonly #pauses = new Pauses()
  #closed = false

  constructor(options: ClusterOptions) {
    this.options = options
    this.metadata = new Metadata((topics) => this.#askMetadata(topics), options)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Requests that are not answered yet, over all brokers. */
  get inFlight(): number {
    let sum = 0
    for (const broker of this.#brokers.values()) sum += broker.inFlight
    return sum
  }

  /** The broker of this node id, or null while it is not known. */
  broker(nodeId: number): Broker | null {
    const node = this.metadata.nodes.get(nodeId)
    return node === undefined ? null : this.#brokerAt(node.host, node.port)
  }

  /** The same. Throws KafkaError BROKER_NOT_AVAILABLE, which is retriable, while the node is not known. */
  requireBroker(nodeId: number): Broker {
    const broker = this.broker(nodeId)
    if (broker !== null) return broker
    throw new KafkaError('BROKER_NOT_AVAILABLE', `node ${nodeId} is not among the brokers of the cluster`, {
      retriable: true,
    })
  }

  /** Sends a request, again where that helps, until an answer, an error that no retry mends, or the deadline. */
  async request<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: Body<Q>,
    options: RequestOptions<S>,
  ): Promise<StructOf<S>> {
    const { deadline } = options
    const backoff = new Backoff(this.options.retryBackoffMs, this.options.retryBackoffMaxMs)
    const failed = new Set<Broker>()
    let lastError: KafkaError | null = null
    for (;;) {
      deadline.throwIfAborted()
      try {
        return await this.#attempt(api, body, options, failed)
      } catch (error) {
        if (!(error instanceof KafkaError && error.retriable) || this.#closed || options.once) throw error
        // When the deadline ends a later try, what went wrong before says more than that.
        if (lastError !== null && error.code === 'API_TIMEOUT') throw lastError
        lastError = error
      }
      if (deadline.expired) throw lastError
      await this.pause(backoff.next(), deadline)
      if (deadline.expired) throw lastError
    }
  }

  /**
   * Waits `ms` before another try, but not beyond the deadline, nor beyond the life of the client.
   *
   * @throws IllegalStateError when the client is closed, or the reason of the deadline's signal.
   */
  pause(ms: number, deadline: Deadline): Promise<void> {
    return this.#pauses.wait(ms, deadline)
  }

  async #attempt<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: Body<Q>,
    options: RequestOptions<S>,
    failed: Set<Broker>,
  ): Promise<StructOf<S>> {
    const { to, deadline } = options
    const what = `${api.name}${options.groupId === undefined ? '' : ` of group ${options.groupId}`}`
    const broker = await this.#resolve(to, deadline, failed)
    let response: StructOf<S>
    try {
      response = await deadline.race(
        this.connectionTo(broker, options.purpose).then((connection) => {
          options.onConnection?.(connection)
          return connection.send(api, body, options)
        }),
        what,
      )
    } catch (error) {
      failed.add(broker)
      this.#forgetCoordinator(to, broker)
      // A broker that is lost may be back under another address, which the metadata tells (Java asks then, too).
      if (to !== 'any' && isLost(error) && !this.#closed) this.metadata.refresh([]).catch(() => {})
      throw error
    }
    const errorCode = options.errorOf?.(response) ?? errorCodes.none
    if (errorCode === errorCodes.none) return response
    const error = new BrokerError(errorCode, {
      api: api.name,
      broker: broker.address,
      ...(options.groupId === undefined ? {} : { groupId: options.groupId }),
    })
    if (error.info.staleMetadata || errorCode === errorCodes.notController) {
      this.#forgetCoordinator(to, broker)
      if (to === 'controller') this.metadata.controllerId = -1
    }
    throw error
  }

  /** A connection that can be written to. Without waiting for a turn of the loop when there is one. */
  async connectionTo(broker: Broker, purpose: Purpose = 'main'): Promise<Connection> {
    return broker.ready(purpose) ?? (await broker.connection(purpose))
  }

  /** The node that coordinates this group or transactional id. One try. */
  coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    return this.#coordinators.find(kind, key, async () => {
      const [broker] = this.#candidates(new Set())
      const node = await askForCoordinator(await this.connectionTo(broker!), kind, key)
      this.metadata.addNode(node)
      return node
    })
  }

  /** What was believed of the coordinator has turned out wrong, or it cannot be reached. */
  forgetCoordinator(kind: CoordinatorKind, key: string, nodeId: number): void {
    this.#coordinators.forget(kind, key, nodeId)
  }

  /** Closes every connection; what is in flight fails. */
  close(): void {
    this.#closed = true
    this.metadata.close()
    for (const broker of this.#brokers.values()) broker.close()
    this.#brokers.clear()
    this.#pauses.close()
  }

  async #resolve(to: Target, deadline: Deadline, failed: Set<Broker>): Promise<Broker> {
    if (this.#closed) throw new IllegalStateError('the client is closed')
    if (to === 'any') return this.#candidates(failed)[0]!
    let nodeId: number
    if (to === 'controller') {
      if (this.metadata.controllerId < 0)
        await deadline.race(this.metadata.refresh([]), 'finding the controller')
      // Before Kafka 0.10 nobody tells; any broker then says what it thinks of it.
      if (this.metadata.controllerId < 0) return this.#candidates(failed)[0]!
      nodeId = this.metadata.controllerId
    } else if ('node' in to) {
      nodeId = to.node
    } else {
      const [kind, key] =
        'group' in to ? (['group', to.group] as const) : (['transaction', to.transaction] as const)
      nodeId = await deadline.race(this.coordinator(kind, key), `finding the coordinator of ${kind} ${key}`)
    }
    if (!this.metadata.nodes.has(nodeId))
      await deadline.race(this.metadata.refresh([]), 'finding the brokers')
    if (!this.metadata.nodes.has(nodeId)) {
      // A coordinator or controller that has left the cluster is no longer one: the next try asks who is.
      if (to === 'controller') this.metadata.controllerId = -1
      else if ('group' in to) this.forgetCoordinator('group', to.group, nodeId)
      else if ('transaction' in to) this.forgetCoordinator('transaction', to.transaction, nodeId)
    }
    return this.requireBroker(nodeId)
  }

  #forgetCoordinator(to: Target, broker: Broker): void {
    if (typeof to === 'string' || 'node' in to) return
    const [kind, key] =
      'group' in to ? (['group', to.group] as const) : (['transaction', to.transaction] as const)
    const nodeId = this.#coordinators.get(kind, key)
    if (nodeId !== undefined && this.broker(nodeId) === broker) this.#coordinators.forget(kind, key, nodeId)
  }

  /**
   * Brokers that may answer what any broker can, the best first: those with an open connection and little in flight,
   * then the known ones, then the bootstrap servers. Those that have just failed come last.
   */
  #candidates(failed: ReadonlySet<Broker>): Broker[] {
    const nodes = [...this.metadata.nodes.values()].map((node) => this.#brokerAt(node.host, node.port))
    const known = new Set(shuffled(nodes))
    if (known.size === 0 || this.options.metadataRecoveryStrategy === 'rebootstrap') {
      // KIP-899: a client whose brokers have all gone asks those again by whom it began.
      const servers = this.options.bootstrapServers.map((server) => this.#brokerAt(server.host, server.port))
      for (const broker of shuffled(servers)) known.add(broker)
    }
    const cost = (broker: Broker) =>
      failed.has(broker)
        ? 3_000_000
        : broker.isBackingOff
          ? 2_000_000
          : broker.ready('main') === null
            ? 1_000_000
            : broker.inFlight
    // The sort is stable, so equals stay in the order above.
    return [...known]
      .map((broker) => ({ broker, cost: cost(broker) }))
      .sort((a, b) => a.cost - b.cost)
      .map(({ broker }) => broker)
  }

  /** One round over the brokers, until one of them answers. */
  async #askMetadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    const failed = new Set<Broker>()
    let rebootstraps = 0
    let lastError: unknown = new ConnectionError('CONNECTION_FAILED', 'there is no broker to ask')
    for (;;) {
      if (this.#closed) throw new IllegalStateError('the client is closed')
      const broker = this.#candidates(failed).find((candidate) => !failed.has(candidate))
      if (broker === undefined) throw lastError
      failed.add(broker)
      try {
        const connection = await this.connectionTo(broker)
        const response = await connection.send(metadataApi, (version) => ({
          // Version 0 knows no null: an empty list means all.
          topics: topics === null ? (version === 0 ? [] : null) : topics.map((name) => ({ name })),
          ...(version >= 4 ? { allowAutoTopicCreation: this.options.allowAutoTopicCreation } : {}),
        }))
        if (response.errorCode !== errorCodes.none) {
          throw new BrokerError(response.errorCode, { api: 'Metadata', broker: broker.address })
        }
        this.#retireAllBut(response)
        return response
      } catch (error) {
        lastError = error
        if (this.#mustRebootstrap(error) && rebootstraps === 0) {
          rebootstraps++
          failed.clear()
        } else if (!(error instanceof KafkaError && error.retriable)) {
          throw error
        }
      }
    }
  }

  /**
   * KIP-1102: the broker knows that what we believe is of another time or cluster. All connections are let go, so that
   * names are looked up anew, and the bootstrap servers are asked again.
   */
  #mustRebootstrap(error: unknown): boolean {
    if (!(error instanceof BrokerError) || error.errorCode !== errorCodes.rebootstrapRequired) return false
    if (this.options.metadataRecoveryStrategy === 'none') return false
    this.metadata.forgetNodes()
    for (const broker of this.#brokers.values()) broker.drain()
    return true
  }

  /** Lets go of connections to addresses that are no broker's: a bootstrap server by another name, a moved broker. */
  #retireAllBut(response: MetadataResponse): void {
    const current = new Set(response.brokers.map((broker) => `${broker.host}:${broker.port}`))
    if (current.size === 0) return
    for (const [address, broker] of this.#brokers) {
      if (current.has(address)) continue
      broker.drain()
      // Brokers whose address changes with each restart must not add up.
      if (broker.isUnconnected) this.#brokers.delete(address)
    }
  }

  #brokerAt(host: string, port: number): Broker {
    const address = `${host}:${port}`
    let broker = this.#brokers.get(address)
    if (broker === undefined) {
      broker = new Broker(host, port, this.options)
      if (this.#closed) broker.close()
      this.#brokers.set(address, broker)
    }
    return broker
  }
}

/** Whether the connection has failed, and not what was asked over it. */
function isLost(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof KafkaError && error.code === 'REQUEST_TIMEOUT')
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const held = result[i]!
    result[i] = result[j]!
    result[j] = held
  }
  return result
}

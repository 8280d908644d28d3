import type { Duplex } from 'node:stream'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import { FetchSessions } from '../fetch/fetch-sessions.ts'
import type { ListenerOption } from '../options.ts'
import { createSaslSession } from '../security/sasl-session.ts'
import type { Transport } from '../transport/transport.ts'
import { BrokerConnection } from './broker-connection.ts'
import { type OfferedApi, offeredApis } from './handlers.ts'
import type { Listener } from './listener.ts'

/** One broker: its addresses and its connections. */
export class Broker {
  readonly id: number
  readonly rack: string | null
  readonly cluster: KafkaCluster
  /** APIs by key, with the versions offered. */
  readonly offered: ReadonlyMap<number, OfferedApi>
  readonly connections = new Set<BrokerConnection>()
  fetchSessions: FetchSessions
  readonly #transport: Transport
  #listeners: Listener[] = []
  #stopListening: (() => Promise<void>)[] = []
  #running = false
  #frozen = false
  /** Grows with each start: members of a fetch session or a group of before are told by it. */
  epoch = 0

  constructor(cluster: KafkaCluster, id: number, rack: string | null, transport: Transport) {
    this.cluster = cluster
    this.id = id
    this.rack = rack
    this.#transport = transport
    this.fetchSessions = new FetchSessions(cluster.random)
    this.offered = new Map(offeredApis(cluster.profile).map((one) => [one.api.key, one]))
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** Connections stay open, and nothing is answered. */
  get isFrozen(): boolean {
    return this.#frozen
  }

  freeze(frozen: boolean): void {
    this.#frozen = frozen
    for (const connection of this.connections) connection.hold(frozen)
  }

  get listeners(): readonly Listener[] {
    return this.#listeners
  }

  /** The address to tell a client that came by the listener of that name. */
  addressFor(listenerName: string): { host: string; port: number } {
    const { host, port } = this.#listeners.find(({ option }) => option.name === listenerName)!
    return { host, port }
  }

  /**
   * Listens at the ports of before, if it has been started before.
   *
   * @param newPorts at those of `ports` all the same.
   */
  async start(
    host: string,
    listeners: readonly ListenerOption[],
    ports: readonly number[],
    newPorts = false,
  ): Promise<void> {
    const known = newPorts ? [] : this.#listeners
    const started: Listener[] = []
    for (const [i, option] of listeners.entries()) {
      const port = known[i]?.port ?? ports[i]!
      const listening = await this.#transport.listen(host, port, option, (stream, ...who) =>
        this.accept(stream, started[i]!, ...who),
      )
      started.push({ option, host: option.advertisedHost ?? host, port: listening.port })
      this.#stopListening.push(() => listening.close())
    }
    this.#listeners = started
    this.#running = true
    this.fetchSessions = new FetchSessions(this.cluster.random)
    this.epoch++
  }

  /** Hangs up on everybody, as a broker that is killed. */
  async stop(): Promise<void> {
    this.#running = false
    this.#frozen = false
    const stopping = this.#stopListening.map((stop) => stop())
    this.#stopListening = []
    for (const connection of [...this.connections]) connection.close()
    await Promise.all(stopping)
  }

  accept(stream: Duplex, listener: Listener, clientHost: string, principal: string | null): void {
    const { name, sasl } = listener.option
    const session = sasl === undefined ? null : createSaslSession(this.cluster, sasl)
    const connection = new BrokerConnection(
      this,
      listener,
      this.cluster.shaping.shaped(stream, this.id, name),
      this.cluster.nextConnectionId(),
      clientHost,
      session,
    )
    // With SASL the certificate only lets in, and the name is that of the user.
    if (principal !== null && session === null) connection.principal = principal
    this.connections.add(connection)
    if (this.#frozen) connection.hold(true)
    connection.whenClosed(() => this.connections.delete(connection))
  }
}

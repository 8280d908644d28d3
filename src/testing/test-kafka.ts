import { InvalidArgumentError } from '../errors.ts'
import { api as registered } from '../protocol/registry.ts'
import { Broker } from './broker/broker.ts'
import type { KafkaCluster } from './cluster/kafka-cluster.ts'
import type { Partition } from './cluster/partition.ts'
import type { Topic } from './cluster/topic.ts'
import type { Control, ControlHandler, ControlOptions } from './faults/controls.ts'
import type { RequestLog } from './faults/request-log.ts'
import { compact } from './log/compaction.ts'
import { applyRetention } from './log/retention.ts'
import { type StoredRecord, storedRecords } from './log/stored-records.ts'
import type { ListenerOption, TopicOption } from './options.ts'
import type { ClusterStorage } from './storage/cluster-storage.ts'
import { MemoryTransport } from './transport/memory-transport.ts'
import type { Shaping, SocketShapeOptions } from './transport/socket-shaping.ts'
import type { Transport } from './transport/transport.ts'
import type { KafkaVersion } from './versions/kafka-version.ts'

/** A Kafka that runs in this process: what {@link startKafka} gives. */
export class TestKafka implements AsyncDisposable {
  /** Its inside: for what has no method here. */
  readonly cluster: KafkaCluster
  readonly #listeners: readonly ListenerOption[]
  readonly #transport: Transport
  readonly #storage: ClusterStorage | null
  #closed: Promise<void> | null = null

  /** @param storage where it keeps its data; null: nowhere. */
  constructor(
    cluster: KafkaCluster,
    listeners: readonly ListenerOption[],
    transport: Transport,
    storage: ClusterStorage | null = null,
  ) {
    this.cluster = cluster
    this.#listeners = listeners
    this.#transport = transport
    this.#storage = storage
  }

  /** Addresses of the brokers' first listener, as clients take them. */
  get bootstrapServers(): string {
    return this.bootstrapServersOf(this.#listeners[0]!.name)
  }

  /** Addresses of the listener of that name. */
  bootstrapServersOf(listener: string): string {
    if (!this.#listeners.some(({ name }) => name === listener)) {
      const names = this.#listeners.map(({ name }) => name).join(', ')
      throw new InvalidArgumentError(`there is no listener ${listener}; there are ${names}`)
    }
    return [...this.cluster.brokers.values()]
      .map((broker) => broker.addressFor(listener))
      .map(({ host, port }) => `${host}:${port}`)
      .join(',')
  }

  /** What all chance follows from: given again as the option `seed`, the same happens. */
  get seed(): number {
    return this.cluster.random.seed
  }

  /** The Kafka that it behaves as. */
  get version(): KafkaVersion {
    return this.cluster.profile.version
  }

  get brokerIds(): number[] {
    return [...this.cluster.brokers.keys()]
  }

  /** The requests that came, the last some thousands of them. */
  get requests(): RequestLog {
    return this.cluster.requests
  }

  /** Milliseconds since 1970 on the clock of the cluster. */
  now(): number {
    return this.cluster.clock.now()
  }

  /** Creates topics at once: names, or with partitions and configs. */
  createTopics(topics: readonly (string | TopicOption)[]): void {
    const { config, topics: all } = this.cluster
    for (const topic of topics) {
      const { name, numPartitions, replicationFactor, configs } =
        typeof topic === 'string' ? ({ name: topic } as TopicOption) : topic
      if (all.get(name) !== undefined) throw new InvalidArgumentError(`the topic ${name} exists already`)
      const assignment = all.assign(
        numPartitions ?? config.getNumber('num.partitions'),
        replicationFactor ?? config.getNumber('default.replication.factor'),
      )
      all.create({ name, assignment, ...(configs === undefined ? {} : { configs }) })
    }
  }

  /**
   * Lets `handler` see each request to an API before the brokers do, and say what becomes of it.
   *
   * @param api Kafka's name (`Produce`), its key, or `*` for all.
   * @throws InvalidArgumentError for an API that does not exist.
   */
  control(api: string | number, handler: ControlHandler, options: ControlOptions = {}): Control {
    return this.cluster.controls.add(api === '*' ? null : keyOf(api), handler, options)
  }

  /**
   * Opens connections to the brokers: with the transport `memory` the option `connect` of every client.
   *
   * @throws InvalidArgumentError with the transport `tcp`, where clients connect by themselves.
   */
  get connect(): MemoryTransport['connect'] {
    if (this.#transport instanceof MemoryTransport) return this.#transport.connect
    throw new InvalidArgumentError(
      "there is no connect with the transport tcp: leave the clients' option out, or start with the transport memory",
    )
  }

  /**
   * Slows down new connections, or cuts up what goes over them, in both directions. Connections that are there stay as they
   * are. Goes by the clock of the cluster; chance follows from the seed. `chunkBytes` is exact for what the brokers read,
   * and in memory for both sides; of what clients read from real sockets the system may put pieces together again.
   *
   * @throws InvalidArgumentError for a shape that cannot be.
   */
  shapeSockets(options: SocketShapeOptions): Shaping {
    return this.cluster.shaping.add(options)
  }

  /** Gives the lead of a partition to another broker: the one named, else another replica in sync. */
  moveLeader(topic: string, partition: number, brokerId?: number): void {
    const found = this.#partition(topic, partition)
    const others = found.isr.filter((id) => id !== found.leader && this.cluster.isAlive(id))
    const next = brokerId ?? others[0]
    if (next === undefined) {
      throw new InvalidArgumentError(
        `${topic}-${partition} has no other replica in sync: ${found.isr.join(', ')}`,
      )
    }
    if (!this.cluster.isAlive(next)) throw new InvalidArgumentError(`broker ${next} does not run`)
    if (!found.replicas.includes(next)) {
      found.replicas = [next, ...found.replicas.filter((id) => id !== found.leader)]
      found.isr = found.replicas.filter((id) => this.cluster.isAlive(id))
    }
    found.lead(next)
    this.cluster.coordinatorsMoved()
  }

  /**
   * Takes away the batch of a partition that holds `offset`, and all behind it, as when a replica that had not got them
   * becomes the leader (unclean election): another replica, where one runs, and in any case with a new leader epoch. Gives
   * the new end of the log.
   */
  truncateLog(topic: string, partition: number, offset: number): number {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new InvalidArgumentError(`offset must be a safe integer, at least 0, not ${offset}`)
    }
    const found = this.#partition(topic, partition)
    const end = found.log.truncateTo(offset)
    const other = found.replicas.find((id) => id !== found.leader && this.cluster.isAlive(id))
    found.lead(other ?? found.leader)
    this.cluster.coordinatorsMoved()
    return end
  }

  /** Stops a broker as if it was killed: connections end, its partitions get other leaders. It keeps its data. */
  async stopBroker(brokerId: number): Promise<void> {
    const stopping = this.#broker(brokerId).stop()
    this.cluster.electLeaders()
    await stopping
  }

  /**
   * Starts a broker that was stopped, at its old addresses.
   *
   * @param options `newPorts`: at free ports instead, as a broker that comes back on another machine.
   */
  async startBroker(brokerId: number, options: { readonly newPorts?: boolean } = {}): Promise<void> {
    const broker = this.#broker(brokerId)
    if (broker.isRunning) throw new InvalidArgumentError(`broker ${brokerId} runs already`)
    if (options.newPorts) {
      const { host = '127.0.0.1' } = this.cluster.options
      const free = this.#listeners.map(() => 0)
      await broker.start(host, this.#listeners, free, true)
    } else await this.#start(broker)
    this.cluster.electLeaders()
  }

  /** Makes a broker hang: connections stay open and nothing is answered, and others lead in its place. */
  freezeBroker(brokerId: number): void {
    this.#broker(brokerId).freeze(true)
    this.cluster.electLeaders()
  }

  /** Lets a broker that hangs go on where it was. */
  thawBroker(brokerId: number): void {
    this.#broker(brokerId).freeze(false)
    this.cluster.electLeaders()
  }

  /** Adds one broker more, with the next id, and gives its id. It leads nothing yet. */
  async addBroker(): Promise<number> {
    const { brokers, options } = this.cluster
    const id = Math.max(0, ...brokers.keys()) + 1
    const broker = new Broker(this.cluster, id, options.racks?.[id - 1] ?? null, this.#transport)
    brokers.set(id, broker)
    await this.#start(broker)
    return id
  }

  /** Gives each group and transactional id another coordinator, where there is another broker. */
  rehashCoordinators(): void {
    this.cluster.coordinators.rehash()
  }

  /** Jumps ahead in time: sessions, rebalances and transactions time out as if it had passed. */
  advanceClock(ms: number): Promise<void> {
    return this.cluster.clock.advance(ms)
  }

  /**
   * All records of a topic, partition by partition in the order of their offsets, past all clients: for a test to look at
   * what was written. Those of transactions that are open or aborted are among them, control records are not.
   *
   * @throws InvalidArgumentError when there is no such topic.
   */
  records(topic: string): StoredRecord[] {
    return storedRecords(this.#topic(topic))
  }

  /** Deletes what `retention.ms` and `retention.bytes` of a topic say, now. Nothing does so by itself. */
  applyRetention(topic: string): void {
    const { config, partitions } = this.#topic(topic)
    for (const { log } of partitions) applyRetention(log, config, this.now())
  }

  /** Compacts a topic now, up to its open transactions. Nothing does so by itself. */
  compact(topic: string): void {
    const { config, partitions } = this.#topic(topic)
    const deleteRetentionMs = config.getNumber('delete.retention.ms')
    for (const { log } of partitions) compact(log, { nowMs: this.now(), deleteRetentionMs })
  }

  /** Stops all brokers, and writes to `dataDir` what is still to be written. Nothing is left: no socket, no timer. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const running = [...this.cluster.brokers.values()].filter(({ isRunning }) => isRunning)
    await Promise.all(running.map((broker) => broker.stop()))
    this.cluster.groups.dispose()
    this.cluster.clock.close()
    await this.#storage?.close()
  }

  async #start(broker: Broker): Promise<void> {
    const { host = '127.0.0.1', port = 0 } = this.cluster.options
    const first = port === 0 ? 0 : port + (broker.id - 1) * this.#listeners.length
    const ports = this.#listeners.map((_, i) => (first === 0 ? 0 : first + i))
    await broker.start(host, this.#listeners, ports)
  }

  #broker(brokerId: number): Broker {
    const broker = this.cluster.brokers.get(brokerId)
    if (broker === undefined) {
      throw new InvalidArgumentError(`there is no broker ${brokerId}; there are ${this.brokerIds.join(', ')}`)
    }
    return broker
  }

  #topic(name: string): Topic {
    const topic = this.cluster.topics.get(name)
    if (topic === undefined) throw new InvalidArgumentError(`there is no topic ${name}`)
    return topic
  }

  #partition(topic: string, index: number): Partition {
    const partition = this.cluster.topics.partition(topic, index)
    if (partition === undefined) throw new InvalidArgumentError(`there is no partition ${topic}-${index}`)
    return partition
  }
}

function keyOf(nameOrKey: string | number): number {
  return registered(nameOrKey).key
}

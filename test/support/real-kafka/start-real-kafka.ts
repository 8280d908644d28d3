import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dockerIsAvailable, javaIsAvailable } from './availability.ts'
import { bootstrapCheckpoint, formatNode, newClusterId } from './bootstrap-checkpoint.ts'
import { brokerProperties, type NodePorts } from './broker-properties.ts'
import { startDockerKafka } from './docker-kafka.ts'
import { freePorts } from './free-ports.ts'
import { deleteAtExit, deleteNow } from './java-process.ts'
import { kafkaJars } from './kafka-jars.ts'
import { KafkaNode, PortTaken } from './kafka-node.ts'
import { type KafkaAddresses, type ListenerChoice, type ListenerKind, listenersFor } from './listeners.ts'
import { aliveBrokers } from './metadata-probe.ts'
import { makeTestCertificates, type TestCertificates } from './test-certificates.ts'

export interface StartKafkaOptions {
  /** 1 unless given; ids count from 1. Each is broker and controller. */
  nodes?: number
  /** Properties for every node; they win over those set here. */
  brokerProperties?: Readonly<Record<string, string>>
  /** Listeners besides PLAINTEXT. */
  listeners?: ListenerChoice
  /** Password by user name for SASL; `{ alice: 'alice-secret' }` unless given. */
  users?: Readonly<Record<string, string>>
}

/** A cluster of one's own, to be treated badly. Nothing of it stays when it is stopped, or this process ends. */
export interface RealKafka extends KafkaAddresses, AsyncDisposable {
  /** Ids and PLAINTEXT ports. */
  readonly nodes: readonly { id: number; port: number }[]
  /** kill -9; resolves when the process is gone. */
  kill(nodeId: number): Promise<void>
  /** SIGTERM, which is a controlled shutdown; resolves when the process is gone. */
  shutdown(nodeId: number): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers, as with a machine that hangs. */
  freeze(nodeId: number): void
  /** SIGCONT. */
  thaw(nodeId: number): void
  /**
   * Starts a node again with its data and ports, after killing it if it runs. Resolves when it serves and every
   * running node knows of it. After a kill that is not before `broker.session.timeout.ms` (2 s, 3 s with several nodes):
   * the controller lets nobody in under an id whose session is alive.
   */
  restart(nodeId: number): Promise<void>
  /** Ends all nodes at once and deletes their data. */
  stop(): Promise<void>
}

/**
 * Starts a cluster.
 *
 * Java and Maven are what it takes; Docker does for a single node without extra listeners, which can then only be
 * stopped.
 *
 * @throws if neither is there, or with the end of the log if a node does not start.
 */
export async function startRealKafka(options: StartKafkaOptions = {}): Promise<RealKafka> {
  const {
    nodes = 1,
    brokerProperties: extra = {},
    listeners = {},
    users = { alice: 'alice-secret' },
  } = options
  if (!Number.isInteger(nodes) || nodes < 1) throw new RangeError(`nodes is ${nodes}, must be 1 or more`)
  checkUsers(users)
  if (javaIsAvailable()) {
    for (let attempt = 1; ; attempt++) {
      const cluster = new Cluster(nodes, listenersFor(listeners), { ...users }, extra)
      try {
        await cluster.start()
        return cluster.handle()
      } catch (error) {
        await cluster.stop()
        if (!(error instanceof PortTaken) || attempt === 3) throw error
      }
    }
  }
  const isPlain = nodes === 1 && listenersFor(listeners).length === 1
  if (isPlain && dockerIsAvailable()) return await startDockerKafka(extra)
  throw new Error(
    `a Kafka of ${nodes} node(s) needs Java 17 and Maven on PATH${isPlain ? ', or a Docker daemon' : ''}`,
  )
}

/** They go into a properties file, a JAAS line and StorageTool's own syntax, none of which has a sane escape. */
function checkUsers(users: Readonly<Record<string, string>>): void {
  for (const text of Object.entries(users).flat()) {
    if (!/^[\w.-]+$/.test(text))
      throw new RangeError(`user or password ${text}: only letters, digits and _ . - work`)
  }
}

class Cluster {
  readonly #size: number
  readonly #listeners: readonly ListenerKind[]
  readonly #users: Record<string, string>
  readonly #extra: Readonly<Record<string, string>>
  #folder: string | null = null
  #nodes: KafkaNode[] = []
  #addresses: KafkaAddresses = { bootstrapServers: '' }

  constructor(
    size: number,
    listeners: readonly ListenerKind[],
    users: Record<string, string>,
    extra: Readonly<Record<string, string>>,
  ) {
    this.#size = size
    this.#listeners = listeners
    this.#users = users
    this.#extra = extra
  }

  async start(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'kafkawire-kafka-'))
    this.#folder = folder
    deleteAtExit(folder)
    const withTls = this.#listeners.some(({ protocol }) => protocol.endsWith('SSL'))
    const withSasl = this.#listeners.some(({ protocol }) => protocol.startsWith('SASL'))
    const jars = await kafkaJars()
    const [certificates, checkpoint, ports] = await Promise.all([
      withTls ? makeTestCertificates(join(folder, 'certificates')) : null,
      bootstrapCheckpoint(jars, withSasl ? this.#users : {}),
      this.#choosePorts(),
    ])
    const clusterId = newClusterId()
    this.#nodes = await Promise.all(
      ports.map(async (node) => {
        const home = join(folder, `node-${node.id}`)
        const dataFolder = join(home, 'data')
        await mkdir(home)
        await formatNode(dataFolder, node.id, clusterId, checkpoint)
        const text = brokerProperties({
          node,
          nodes: ports,
          listeners: this.#listeners,
          dataFolder,
          certificates,
          users: this.#users,
          extra: this.#extra,
        })
        await writeFile(join(home, 'server.properties'), text)
        return new KafkaNode(node.id, node.listeners.PLAINTEXT!, home, jars)
      }),
    )
    this.#addresses = this.#describe(ports, certificates, withSasl)
    for (const node of this.#nodes) node.start()
    await Promise.all(this.#nodes.map((node) => node.started()))
    await this.#allKnow(this.#nodes)
  }

  async #choosePorts(): Promise<NodePorts[]> {
    const each = this.#listeners.length + 1
    const ports = await freePorts(this.#size * each)
    return Array.from({ length: this.#size }, (_, i) => {
      const [controller, ...rest] = ports.slice(i * each, (i + 1) * each)
      return {
        id: i + 1,
        controller: controller!,
        listeners: Object.fromEntries(this.#listeners.map(({ name }, at) => [name, rest[at]!])),
      }
    })
  }

  #describe(
    ports: readonly NodePorts[],
    certificates: TestCertificates | null,
    withSasl: boolean,
  ): KafkaAddresses {
    const addresses: KafkaAddresses = { bootstrapServers: '' }
    for (const { key, host, name } of this.#listeners) {
      addresses[key] = ports.map(({ listeners }) => `${host}:${listeners[name]}`).join(',')
    }
    if (certificates !== null) {
      const { ca, clientCertificate, clientKey } = certificates
      Object.assign(addresses, { ca, clientCertificate, clientKey })
    }
    if (withSasl) addresses.users = this.#users
    return addresses
  }

  /** Waits until each node that can answer lists each of `nodes` as alive: a broker hears of the others after it serves. */
  async #allKnow(nodes: readonly KafkaNode[]): Promise<void> {
    const deadline = performance.now() + 30_000
    for (const node of this.#nodes) {
      while (node.canAnswer) {
        const alive = await aliveBrokers(node.port).catch((): number[] => [])
        const missing = nodes.filter(({ id }) => !alive.includes(id)).map(({ id }) => id)
        if (missing.length === 0) break
        if (performance.now() > deadline)
          throw new Error(`node ${node.id} does not see node ${missing.join(', ')}`)
        await delay(25)
      }
    }
  }

  #node(id: number): KafkaNode {
    const node = this.#nodes.find((candidate) => candidate.id === id)
    if (node === undefined) throw new RangeError(`there is no node ${id}, only 1 to ${this.#nodes.length}`)
    return node
  }

  async #restart(id: number): Promise<void> {
    const node = this.#node(id)
    for (let attempt = 1; ; attempt++) {
      await node.kill()
      node.start()
      try {
        await node.started()
        break
      } catch (error) {
        // Some client's outgoing connection got the port meanwhile. The cluster knows the node by it, so there is
        // no other: that connection will go.
        if (!(error instanceof PortTaken) || attempt === 5) throw error
      }
    }
    await this.#allKnow([node])
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()))
    if (this.#folder !== null) deleteNow(this.#folder)
  }

  handle(): RealKafka {
    return {
      ...this.#addresses,
      nodes: this.#nodes.map(({ id, port }) => ({ id, port })),
      kill: async (id) => await this.#node(id).kill(),
      shutdown: async (id) => await this.#node(id).shutdown(),
      freeze: (id) => this.#node(id).freeze(),
      thaw: (id) => this.#node(id).thaw(),
      restart: async (id) => await this.#restart(id),
      stop: async () => await this.stop(),
      [Symbol.asyncDispose]: async () => await this.stop(),
    }
  }
}

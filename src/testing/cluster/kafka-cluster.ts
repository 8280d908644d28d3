import type { Broker } from '../broker/broker.ts'
import { Clock } from '../clock.ts'
import { BrokerConfig } from '../configs/broker-config.ts'
import { GroupConfigStore } from '../configs/group-config-store.ts'
import { Controls } from '../faults/controls.ts'
import { RequestLog } from '../faults/request-log.ts'
import { Groups } from '../groups/groups.ts'
import type { SaslOption, StartKafkaOptions } from '../options.ts'
import { Random } from '../random.ts'
import { Authorizer } from '../security/authorizer.ts'
import { DelegationTokens } from '../security/delegation-tokens.ts'
import { ScramUsers } from '../security/scram-users.ts'
import { Transactions } from '../transactions/transactions.ts'
import { SocketShaping } from '../transport/socket-shaping.ts'
import { type VersionProfile, versionProfile } from '../versions/kafka-version.ts'
import { ClientQuotas } from './client-quotas.ts'
import { ConfigResources } from './config-resources.ts'
import { Coordinators } from './coordinators.ts'
import { Features } from './features.ts'
import { LogDirs } from './log-dirs.ts'
import { Reassignments } from './reassignments.ts'
import { Topics } from './topics.ts'

/**
 * All that the brokers of one cluster know: there is one of it, and each of them sees each change at once. What a client
 * may come by at which broker is up to the handlers of the APIs (`src/testing/apis`).
 */
export class KafkaCluster {
  readonly clusterId: string
  readonly options: StartKafkaOptions
  readonly profile: VersionProfile
  readonly clock = new Clock()
  readonly random: Random
  /** Broker configs, the same for all of them. */
  readonly config: BrokerConfig
  /** What clients can read and change of configs, but for those of topics and groups. */
  readonly configs: ConfigResources
  readonly features: Features
  readonly quotas = new ClientQuotas()
  readonly logDirs = new LogDirs(this)
  readonly reassignments = new Reassignments(this)
  readonly brokers = new Map<number, Broker>()
  readonly topics: Topics
  readonly coordinators: Coordinators
  readonly groups: Groups
  readonly transactions: Transactions
  readonly groupConfigs: GroupConfigStore
  readonly controls: Controls
  readonly requests = new RequestLog()
  readonly authorizer: Authorizer
  readonly scramUsers: ScramUsers
  readonly delegationTokens: DelegationTokens
  readonly shaping: SocketShaping
  /** Called after each request that was carried out, with the key of its API. */
  onCarriedOut: ((apiKey: number) => void) | null = null
  readonly #onCoordinatorsMoved = new Set<() => void>()
  #lastProducerId = -1n
  #lastConnectionId = 0

  constructor(options: StartKafkaOptions) {
    this.options = options
    this.profile = versionProfile(options.version ?? '4.3')
    this.random = new Random(options.seed ?? Math.floor(Math.random() * 2 ** 32))
    this.clusterId = options.clusterId ?? this.random.uuid()
    this.config = new BrokerConfig(brokerOverrides(options), options.brokers ?? 1)
    this.features = new Features(this.profile)
    this.configs = new ConfigResources(this, brokerOverrides(options))
    this.groupConfigs = new GroupConfigStore(this.config)
    this.topics = new Topics(this)
    this.coordinators = new Coordinators(this)
    this.groups = new Groups(this)
    this.transactions = new Transactions(this)
    this.controls = new Controls()
    this.authorizer = new Authorizer(options.acls ?? null)
    this.scramUsers = new ScramUsers(this.random)
    this.delegationTokens = new DelegationTokens(this)
    this.shaping = new SocketShaping(this.clock, this.random)
    for (const sasl of saslOptions(options)) this.scramUsers.addAll(sasl)
  }

  /** Whom clients take for the controller: since KRaft any broker passes on what is meant for it. */
  get controllerId(): number {
    return this.liveBrokerIds()[0] ?? -1
  }

  isAlive(brokerId: number): boolean {
    const broker = this.brokers.get(brokerId)
    return broker?.isRunning === true && !broker.isFrozen
  }

  /** Ascending. */
  liveBrokerIds(): number[] {
    return [...this.brokers.values()]
      .filter(({ id }) => this.isAlive(id))
      .map(({ id }) => id)
      .sort((a, b) => a - b)
  }

  /** After a broker has come or gone: partitions get leaders among those that are there. */
  electLeaders(): void {
    for (const topic of this.topics) {
      const unclean = topic.config.getBoolean('unclean.leader.election.enable')
      for (const partition of topic.partitions) partition.electLeader((id) => this.isAlive(id), unclean)
    }
    this.reassignments.proceed()
    this.coordinatorsMoved()
  }

  /** Who waits at a coordinator that is one no more (a member that joins) has to be told. */
  onCoordinatorsMoved(watcher: () => void): void {
    this.#onCoordinatorsMoved.add(watcher)
  }

  coordinatorsMoved(): void {
    for (const watcher of this.#onCoordinatorsMoved) watcher()
  }

  nextConnectionId(): number {
    return ++this.#lastConnectionId
  }

  nextProducerId(): bigint {
    return ++this.#lastProducerId
  }

  /** -1n: none was given out. */
  get lastProducerId(): bigint {
    return this.#lastProducerId
  }

  /** For ids that were given out in an earlier run. */
  producerIdsUpTo(last: bigint): void {
    if (last > this.#lastProducerId) this.#lastProducerId = last
  }

  /** A bug of ours: whoever runs the cluster is to see it, and no client is to wait for ever. */
  failed(error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error))
    if (this.options.onError === undefined) console.error('kafkawire/testing:', failure)
    else this.options.onError(failure)
  }
}

function saslOptions({ sasl, listeners = [] }: StartKafkaOptions): SaslOption[] {
  return [sasl, ...listeners.map((one) => one.sasl)].filter((one) => one !== undefined)
}

function brokerOverrides(options: StartKafkaOptions): Record<string, string> {
  const overrides: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.configs ?? {})) overrides[name] = String(value)
  if (options.autoCreateTopics !== undefined) {
    overrides['auto.create.topics.enable'] = String(options.autoCreateTopics)
  }
  return overrides
}

import { BrokerConfig } from '../configs/broker-config.ts'
import { brokerConfigDefinitions } from '../configs/known-configs.ts'
import type { KafkaCluster } from './kafka-cluster.ts'

/** What has configs, by the codes of DescribeConfigs (Java's `ConfigResource.Type`). */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** Loggers that each broker has from the start. */
const loggers: readonly (readonly [name: string, level: string])[] = [
  ['root', 'INFO'],
  ['kafka', 'INFO'],
  ['org.apache.kafka', 'INFO'],
]

const minInSync = 'min.insync.replicas'

/** Configs of what is no topic: of each broker and its loggers, of subscriptions to client metrics. Those of groups are `cluster.groupConfigs`. */
export class ConfigResources {
  readonly #cluster: KafkaCluster
  readonly #static: Readonly<Record<string, string>>
  readonly #brokers = new Map<number, BrokerConfig>()
  readonly #loggers = new Map<number, Map<string, string>>()
  /** What plug-ins of brokers may know: names that Kafka does not, for one broker or, under -1, for all. */
  readonly #unknown = new Map<number, Map<string, string>>()
  /** KIP-714: what each subscription sets. */
  readonly clientMetrics = new Map<string, Map<string, string>>()

  /** @param overrides what the brokers were started with. */
  constructor(cluster: KafkaCluster, overrides: Readonly<Record<string, string>>) {
    this.#cluster = cluster
    this.#static = overrides
    // With KIP-966 a new cluster has it as a dynamic config, whatever the brokers were started with.
    if (cluster.features.level('eligible.leader.replicas.version') > 0) {
      cluster.config.set(minInSync, cluster.config.value(minInSync) ?? '1', 'cluster')
    }
  }

  /**
   * Configs of one broker, as it describes them. What the brokers do goes by `cluster.config`, which has them all: a value
   * that was set for one broker holds there for each.
   */
  broker(id: number): BrokerConfig {
    let config = this.#brokers.get(id)
    if (config === undefined) {
      const { brokers, config: common, options } = this.#cluster
      config = new BrokerConfig({ ...this.#static, ...this.#ownOf(id) }, options.brokers ?? brokers.size)
      for (const [name, value] of common.dynamic('cluster')) config.set(name, value, 'cluster')
      this.#brokers.set(id, config)
    }
    return config
  }

  /** @param id null: for all brokers. @param value null: back to what it was started with. */
  setOfBroker(id: number | null, name: string, value: string | null): void {
    if (!brokerConfigDefinitions().has(name)) return this.#setUnknown(id, name, value)
    const level = id === null ? 'cluster' : 'broker'
    const configs = id === null ? this.#brokers.values() : [this.broker(id)]
    for (const config of [this.#cluster.config, ...configs]) {
      if (value === null) config.delete(name, level)
      else config.set(name, value, level)
    }
  }

  /** What was set while the brokers run. @param id null: for all brokers. */
  dynamicOfBroker(id: number | null): Map<string, string> {
    const { config } = this.#cluster
    const known = id === null ? config.dynamic('cluster') : this.broker(id).dynamic('broker')
    return new Map([...known, ...this.unknownOfBroker(id)])
  }

  unknownOfBroker(id: number | null): ReadonlyMap<string, string> {
    return this.#unknown.get(id ?? -1) ?? new Map()
  }

  /** Levels of a broker's loggers by name; may be written to. */
  loggers(brokerId: number): Map<string, string> {
    let own = this.#loggers.get(brokerId)
    if (own === undefined) {
      own = new Map(loggers)
      this.#loggers.set(brokerId, own)
    }
    return own
  }

  #setUnknown(id: number | null, name: string, value: string | null): void {
    const own = this.#unknown.get(id ?? -1) ?? new Map<string, string>()
    this.#unknown.set(id ?? -1, own)
    if (value === null) own.delete(name)
    else own.set(name, value)
  }

  /** What the file of properties of this broker alone would say. */
  #ownOf(id: number): Record<string, string> {
    const broker = this.#cluster.brokers.get(id)
    const own: Record<string, string> = { 'broker.id': String(id) }
    if (this.#cluster.profile.raft) Object.assign(own, { 'node.id': String(id), 'process.roles': 'broker' })
    if (broker === undefined) return own
    if (broker.rack !== null) own['broker.rack'] = broker.rack
    own.listeners = broker.listeners
      .map(({ option, host, port }) => `${option.name.toUpperCase()}://${host}:${port}`)
      .join(',')
    return own
  }
}

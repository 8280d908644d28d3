import type { QuotaEntity } from '../cluster/client-quotas.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { KafkaVersion } from '../versions/kafka-version.ts'

type Configs = Readonly<Record<string, string>>

/** What clients have set, by whom it is for. */
export interface SavedConfigs {
  /** By broker id; `default`: for all of them. */
  readonly brokers: Readonly<Record<string, Configs>>
  readonly groups: Readonly<Record<string, Configs>>
  readonly clientMetrics: Readonly<Record<string, Configs>>
  readonly quotas: readonly {
    readonly entity: readonly QuotaEntity[]
    readonly values: Readonly<Record<string, number>>
  }[]
  /** Levels by name (KIP-584). */
  readonly features: Readonly<Record<string, number>>
}

const allBrokers = 'default'

export function saveConfigs(cluster: KafkaCluster): SavedConfigs {
  const { configs, brokers, groupConfigs, quotas, features } = cluster
  const ofBrokers: [string, Configs][] = [null, ...brokers.keys()].map((id) => [
    String(id ?? allBrokers),
    Object.fromEntries(configs.dynamicOfBroker(id)),
  ])
  return {
    brokers: Object.fromEntries(ofBrokers.filter(([, values]) => Object.keys(values).length > 0)),
    groups: Object.fromEntries(
      Array.from(groupConfigs, ([id, config]) => [id, Object.fromEntries(config.overrides())]),
    ),
    clientMetrics: Object.fromEntries(
      Array.from(configs.clientMetrics, ([name, values]) => [name, Object.fromEntries(values)]),
    ),
    quotas: quotas
      .find([], false)
      .map(({ entity, values }) => ({ entity, values: Object.fromEntries(values) })),
    features: Object.fromEntries(
      features.finalized().map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    ),
  }
}

/** What is no broker's own: see {@link restoreBrokerConfigs}. */
export function restoreConfigs(cluster: KafkaCluster, saved: SavedConfigs, savedBy: KafkaVersion): void {
  const { configs, groupConfigs, quotas, features, profile } = cluster
  for (const [name, value] of Object.entries(saved.brokers[allBrokers] ?? {})) {
    configs.setOfBroker(null, name, value)
  }
  for (const [groupId, values] of Object.entries(saved.groups)) {
    for (const [name, value] of Object.entries(values)) groupConfigs.get(groupId).set(name, value)
  }
  for (const [name, values] of Object.entries(saved.clientMetrics)) {
    configs.clientMetrics.set(name, new Map(Object.entries(values)))
  }
  for (const { entity, values } of saved.quotas) {
    const changes = Object.entries(values).map(([key, value]) => ({ key, value, remove: false }))
    quotas.alter(entity, changes, false)
  }
  // Another Kafka has other features.
  if (savedBy !== profile.version) return
  const before = new Set(features.finalized().map(({ name }) => name))
  for (const [name, level] of Object.entries(saved.features)) {
    if (features.level(name) !== level) features.set(name, level)
    before.delete(name)
  }
  for (const name of before) features.set(name, 0)
}

/** Once the brokers are there: what was set for one of them. */
export function restoreBrokerConfigs({ brokers, configs }: KafkaCluster, saved: SavedConfigs): void {
  for (const [id, values] of Object.entries(saved.brokers)) {
    if (!brokers.has(Number(id))) continue
    for (const [name, value] of Object.entries(values)) configs.setOfBroker(Number(id), name, value)
  }
}

import { brokerConfigs } from './broker-configs.ts'
import { clientMetricsConfigs } from './client-metrics-configs.ts'
import type {
  BrokerConfigDefinition,
  BrokerConfigRow,
  ConfigDefinition,
  FollowerConfigDefinition,
  FollowerConfigRow,
} from './config-definitions.ts'
import { groupConfigs } from './group-configs.ts'
import { internalBrokerConfigs, internalTopicConfigs } from './internal-configs.ts'
import { securityBrokerConfigs } from './security-broker-configs.ts'
import { topicConfigs } from './topic-configs.ts'

/** Configs of one kind of resource by name, in the order of their names. */
export type Definitions<D extends ConfigDefinition> = ReadonlyMap<string, D>

let broker: Definitions<BrokerConfigDefinition> | null = null
let topic: Definitions<FollowerConfigDefinition> | null = null
let group: Definitions<FollowerConfigDefinition> | null = null
let clientMetrics: Definitions<FollowerConfigDefinition> | null = null

export function brokerConfigDefinitions(): Definitions<BrokerConfigDefinition> {
  broker ??= byName([
    ...[...brokerConfigs, ...securityBrokerConfigs].map((row) => brokerDefinition(row, false)),
    ...internalBrokerConfigs.map((row) => brokerDefinition(row, true)),
  ])
  return broker
}

export function topicConfigDefinitions(): Definitions<FollowerConfigDefinition> {
  topic ??= byName([
    ...topicConfigs.map((row) => followerDefinition(row, false)),
    ...internalTopicConfigs.map((row) => followerDefinition(row, true)),
  ])
  return topic
}

/** KIP-848, KIP-932 and KIP-1071. */
export function groupConfigDefinitions(): Definitions<FollowerConfigDefinition> {
  group ??= byName(groupConfigs.map((row) => followerDefinition(row, false)))
  return group
}

/** KIP-714. */
export function clientMetricsConfigDefinitions(): Definitions<FollowerConfigDefinition> {
  clientMetrics ??= byName(clientMetricsConfigs.map((row) => followerDefinition(row, false)))
  return clientMetrics
}

function brokerDefinition(row: BrokerConfigRow, internal: boolean): BrokerConfigDefinition {
  const [name, type, defaultValue, updateMode] = row
  const readOnly = updateMode === 'read-only'
  return { name, type, defaultValue, sensitive: type === 'PASSWORD', readOnly, internal, updateMode }
}

function followerDefinition(row: FollowerConfigRow, internal: boolean): FollowerConfigDefinition {
  const [name, type, defaultValue, synonyms] = row
  return { name, type, defaultValue, sensitive: type === 'PASSWORD', readOnly: false, internal, synonyms }
}

function byName<D extends ConfigDefinition>(definitions: readonly D[]): Definitions<D> {
  const sorted = definitions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return new Map(sorted.map((definition) => [definition.name, definition]))
}

/** Types of configs, in the order of DescribeConfigs' codes, which start at 1 (KIP-569). */
export const configTypes = [
  'BOOLEAN',
  'STRING',
  'INT',
  'SHORT',
  'LONG',
  'DOUBLE',
  'LIST',
  'CLASS',
  'PASSWORD',
] as const

export type ConfigType = (typeof configTypes)[number]

/** DescribeConfigs' code of a type. */
export function configTypeCode(type: ConfigType): number {
  return configTypes.indexOf(type) + 1
}

/** Where a value comes from, by DescribeConfigs' codes (Java: `ConfigEntry.ConfigSource`). */
export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  clientMetrics: 7,
  group: 8,
} as const

export type ConfigSource = (typeof configSources)[keyof typeof configSources]

/** How a broker config can be changed (KIP-226): by a restart, for one broker alone, for one or for all. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** Name, type, default, how it can be changed. */
export type BrokerConfigRow = readonly [string, ConfigType, string | null, UpdateMode]

/** Name, type, default, broker configs that it follows. */
export type FollowerConfigRow = readonly [string, ConfigType, string | null, readonly string[]]

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** Null: none. */
  readonly defaultValue: string | null
  /** Never shown: DescribeConfigs answers null. These are the passwords. */
  readonly sensitive: boolean
  /** It takes a restart of the broker to change it. */
  readonly readOnly: boolean
  /** It can be set, and DescribeConfigs does not list it. */
  readonly internal: boolean
}

export interface BrokerConfigDefinition extends ConfigDefinition {
  readonly updateMode: UpdateMode
}

/** A config of a topic or a group that has the broker's value unless it is set. */
export interface FollowerConfigDefinition extends ConfigDefinition {
  /** Broker configs with the value for all that set none; the first that has a value counts. */
  readonly synonyms: readonly string[]
}

/** The value of a config at one place, under the name that it has there. */
export interface ConfigSynonym {
  readonly name: string
  /** Null where it is sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
}

/** A config as DescribeConfigs tells it. */
export interface DescribedConfig {
  readonly definition: ConfigDefinition
  /** Null: none, or sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
  /** In the order in which they count. */
  readonly synonyms: readonly ConfigSynonym[]
}

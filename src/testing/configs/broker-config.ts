import { InvalidOptionError } from '../../errors.ts'
import {
  type BrokerConfigDefinition,
  type ConfigSource,
  type ConfigSynonym,
  configSources,
  type DescribedConfig,
} from './config-definitions.ts'
import { booleanOf, listOf, numberOf, stringOf, typeFault } from './config-value.ts'
import { brokerConfigDefinitions } from './known-configs.ts'
import { testingDefaults } from './testing-defaults.ts'
import { unknownConfig } from './unknown-config.ts'

/** For one broker, or for all: a value for one counts before that for all (KIP-226). */
export type ConfigLevel = 'broker' | 'cluster'

/** Configs that say the same in several units, in the order in which they count (Java: DynamicBrokerConfig). */
const sameConfigs: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/**
 * Configs of a broker: what was set while it runs counts before what it was started with, and that before Kafka's
 * defaults. Values are of the right type; ranges are not checked.
 */
export class BrokerConfig {
  readonly #static: ReadonlyMap<string, string>
  readonly #ofCluster = new Map<string, string>()
  readonly #ofBroker = new Map<string, string>()

  /**
   * @param overrides as in a broker's file of properties; they count before `testingDefaults`.
   * @param brokers how many the cluster has, for `testingDefaults`.
   * @throws InvalidOptionError for a name that Kafka does not know or a value of another type.
   */
  constructor(overrides: Readonly<Record<string, string>> = {}, brokers = 1) {
    const given = Object.entries(overrides)
    for (const [name, value] of given) checked(name, value)
    this.#static = new Map([...testingDefaults(brokers), ...given])
  }

  /**
   * The value of a number. A LONG above 2^53 is rounded: only those that stand for "no limit" are as large.
   *
   * @throws InvalidOptionError for an unknown name, another type, or where it has no value.
   */
  getNumber(name: string): number {
    return numberOf(this.#entry(name))
  }

  getBoolean(name: string): boolean {
    return booleanOf(this.#entry(name))
  }

  /** Also of a CLASS or PASSWORD; null: no value. */
  getString(name: string): string | null {
    return stringOf(this.#entry(name))
  }

  /** Empty where it has no value. */
  getList(name: string): string[] {
    return listOf(this.#entry(name))
  }

  /** The value of a config of any type as text; null: no value. */
  value(name: string): string | null {
    return this.#entry(name).value
  }

  /**
   * Sets a value while the broker runs. Whether it may be changed at all is up to the caller: see `updateMode` of its
   * definition.
   */
  set(name: string, value: string, level: ConfigLevel = 'broker'): void {
    checked(name, value)
    this.#dynamic(level).set(name, value)
  }

  /** Takes back what `set` did on that level; the next value counts, at last that which it was started with. */
  delete(name: string, level: ConfigLevel = 'broker'): void {
    known(name)
    this.#dynamic(level).delete(name)
  }

  /** All values that are not Kafka's defaults, by name. */
  overridden(): Map<string, string> {
    return new Map([...this.#static, ...this.#ofCluster, ...this.#ofBroker])
  }

  /** What was `set` on that level. */
  dynamic(level: ConfigLevel): ReadonlyMap<string, string> {
    return this.#dynamic(level)
  }

  describe(name: string): DescribedConfig {
    const { definition, value } = this.#entry(name)
    const synonyms = this.synonyms(name)
    const source = synonyms[0]?.source ?? configSources.default
    return { definition, value: definition.sensitive ? null : value, source, synonyms }
  }

  /**
   * All places where `name`, or the same in another unit, has a value, in the order in which they count. Kafka leaves out
   * what stands before the first of that very name: the list of one that has no value is empty.
   */
  synonyms(name: string): ConfigSynonym[] {
    const names = sameConfigs.find((some) => some.includes(name)) ?? [name]
    const levels: readonly (readonly [ConfigSource, (one: string) => string | null | undefined])[] = [
      [configSources.dynamicBroker, (one) => this.#ofBroker.get(one)],
      [configSources.dynamicDefaultBroker, (one) => this.#ofCluster.get(one)],
      [configSources.staticBroker, (one) => this.#static.get(one)],
      [configSources.default, (one) => known(one).defaultValue],
    ]
    const { sensitive } = known(name)
    const all = levels.flatMap(([source, valueAt]) =>
      names.flatMap((one) => {
        const value = valueAt(one) ?? null
        return value === null ? [] : [{ name: one, value: sensitive ? null : value, source }]
      }),
    )
    const first = all.findIndex((synonym) => synonym.name === name)
    return first < 0 ? [] : all.slice(first)
  }

  #entry(name: string): { definition: BrokerConfigDefinition; value: string | null } {
    const definition = known(name)
    const set = this.#ofBroker.get(name) ?? this.#ofCluster.get(name) ?? this.#static.get(name)
    return { definition, value: set ?? definition.defaultValue }
  }

  #dynamic(level: ConfigLevel): Map<string, string> {
    return level === 'broker' ? this.#ofBroker : this.#ofCluster
  }
}

function known(name: string): BrokerConfigDefinition {
  const definitions = brokerConfigDefinitions()
  const definition = definitions.get(name)
  if (definition === undefined) throw unknownConfig('broker', name, definitions.keys())
  return definition
}

function checked(name: string, value: string): void {
  const fault = typeFault(known(name), value)
  if (fault !== null) throw new InvalidOptionError(fault)
}

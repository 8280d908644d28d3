import type { BrokerConfig } from './broker-config.ts'
import {
  type ConfigSource,
  type ConfigSynonym,
  configSources,
  type DescribedConfig,
  type FollowerConfigDefinition,
} from './config-definitions.ts'
import { booleanOf, listOf, numberOf, stringOf } from './config-value.ts'
import type { Definitions } from './known-configs.ts'
import { unknownConfig } from './unknown-config.ts'

const millisPer: Readonly<Record<string, bigint>> = { minutes: 60_000n, hours: 3_600_000n }

/** Configs of a topic or a group: its own values count before those of the broker, and these before the defaults. */
export class FollowerConfig {
  readonly #what: string
  readonly #source: ConfigSource
  readonly #definitions: Definitions<FollowerConfigDefinition>
  readonly #broker: BrokerConfig
  readonly #own = new Map<string, string>()

  constructor(
    what: 'topic' | 'group',
    definitions: Definitions<FollowerConfigDefinition>,
    broker: BrokerConfig,
    overrides: Readonly<Record<string, string>>,
  ) {
    this.#what = what
    this.#source = configSources[what]
    this.#definitions = definitions
    this.#broker = broker
    for (const [name, value] of Object.entries(overrides)) this.set(name, value)
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

  /** Null: no value. */
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

  /** What it sets itself, by name. */
  overrides(): ReadonlyMap<string, string> {
    return this.#own
  }

  /** @throws InvalidOptionError for an unknown name; sub-classes also for a value that a broker would refuse. */
  set(name: string, value: string): void {
    this.#known(name)
    this.#own.set(name, value)
  }

  /** Back to what the broker has. */
  delete(name: string): void {
    this.#known(name)
    this.#own.delete(name)
  }

  describe(name: string): DescribedConfig {
    const { definition, value } = this.#entry(name)
    const own = this.#own.get(name)
    const synonyms: ConfigSynonym[] = own === undefined ? [] : [{ name, value: own, source: this.#source }]
    // Of those in several units Kafka goes by the first alone, even where it is another that counts.
    const [first] = definition.synonyms
    if (first !== undefined) synonyms.push(...this.#broker.synonyms(first))
    return { definition, value, source: synonyms[0]?.source ?? configSources.default, synonyms }
  }

  #entry(name: string): { definition: FollowerConfigDefinition; value: string | null } {
    const definition = this.#known(name)
    const own = this.#own.get(name)
    if (own !== undefined) return { definition, value: own }
    for (const synonym of definition.synonyms) {
      const value = this.#broker.value(synonym)
      if (value !== null) return { definition, value: inUnitOf(synonym, value) }
    }
    return { definition, value: definition.defaultValue }
  }

  #known(name: string): FollowerConfigDefinition {
    const definition = this.#definitions.get(name)
    if (definition === undefined) throw unknownConfig(this.#what, name, this.#definitions.keys())
    return definition
  }
}

/** Topics count in milliseconds where brokers also count in minutes and hours; less than none is -1: without limit. */
function inUnitOf(synonym: string, value: string): string {
  const factor = millisPer[synonym.slice(synonym.lastIndexOf('.') + 1)]
  if (factor === undefined) return value
  const count = BigInt(value.trim().replace(/^\+/, ''))
  return String(count < 0n ? -1n : count * factor)
}

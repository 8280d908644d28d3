import type { BrokerConfig } from './broker-config.ts'
import { GroupConfig } from './group-config.ts'

/** Configs of the groups of a cluster: a group has some before it is there, and when it is gone (KIP-848). */
export class GroupConfigStore implements Iterable<[string, GroupConfig]> {
  readonly #broker: BrokerConfig
  readonly #byGroup = new Map<string, GroupConfig>()

  constructor(broker: BrokerConfig) {
    this.#broker = broker
  }

  /** Where nothing has been set for the group: what the broker says. */
  get(groupId: string): GroupConfig {
    const known = this.#byGroup.get(groupId)
    if (known !== undefined) return known
    const made = new GroupConfig(this.#broker)
    this.#byGroup.set(groupId, made)
    return made
  }

  /** Those that have been asked for, with overrides or without. */
  [Symbol.iterator](): IterableIterator<[string, GroupConfig]> {
    return this.#byGroup.entries()
  }
}

import { InvalidOptionError } from '../../errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import { typeFault } from './config-value.ts'
import { FollowerConfig } from './follower-config.ts'
import { groupConfigDefinitions } from './known-configs.ts'

/** Configs of a group (KIP-848, KIP-932, KIP-1071). Its own values count before the broker's `group.*`. */
export class GroupConfig extends FollowerConfig {
  constructor(broker: BrokerConfig, overrides: Readonly<Record<string, string>> = {}) {
    super('group', groupConfigDefinitions(), broker, overrides)
  }

  /** @throws InvalidOptionError for an unknown name or a value of another type; ranges are not checked. */
  override set(name: string, value: string): void {
    const definition = groupConfigDefinitions().get(name)
    const fault = definition === undefined ? null : typeFault(definition, value)
    if (fault !== null) throw new InvalidOptionError(fault)
    super.set(name, value)
  }
}

import { InvalidOptionError } from '../../errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import { FollowerConfig } from './follower-config.ts'
import { topicConfigDefinitions } from './known-configs.ts'
import { validateTopicConfig } from './validate-topic-config.ts'

/**
 * Configs of a topic. Its own values count before those of the broker under other names (`retention.ms` is
 * `log.retention.ms`, else `log.retention.minutes`, else `log.retention.hours`), and these before the defaults.
 */
export class TopicConfig extends FollowerConfig {
  constructor(broker: BrokerConfig, overrides: Readonly<Record<string, string>> = {}) {
    super('topic', topicConfigDefinitions(), broker, overrides)
  }

  /** @throws InvalidOptionError for an unknown name, or a value that a broker would refuse. */
  override set(name: string, value: string): void {
    const fault = validateTopicConfig(name, value)
    // A name that is not known is told by the base, with the nearest one that is.
    if (fault !== null && topicConfigDefinitions().has(name)) throw new InvalidOptionError(fault)
    super.set(name, value)
  }
}

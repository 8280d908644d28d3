import type { BrokerConfigRow, FollowerConfigRow } from './config-definitions.ts'

/**
 * Broker configs that can be set and that DescribeConfigs does not list: those that Kafka calls internal, and the
 * rates that throttle replication. From the ConfigDef of Kafka 4.3 and its QuotaConfig.
 */
export const internalBrokerConfigs: readonly BrokerConfigRow[] = [
  // name, type, default, how it can be changed
  ['controller.performance.always.log.threshold.ms', 'LONG', '2000', 'read-only'],
  ['controller.performance.sample.period.ms', 'LONG', '60000', 'read-only'],
  ['follower.replication.throttled.rate', 'LONG', '9223372036854775807', 'cluster-wide'],
  ['group.consumer.regex.refresh.interval.ms', 'INT', '600000', 'read-only'],
  ['group.share.initialize.retry.interval.ms', 'INT', '30000', 'read-only'],
  [
    'group.share.persister.class.name',
    'STRING',
    'org.apache.kafka.server.share.persister.DefaultStatePersister',
    'read-only',
  ],
  ['internal.metadata.delete.delay.millis', 'LONG', '60000', 'read-only'],
  ['internal.metadata.log.segment.bytes', 'INT', null, 'read-only'],
  ['internal.metadata.max.batch.size.in.bytes', 'INT', '8388608', 'read-only'],
  ['leader.replication.throttled.rate', 'LONG', '9223372036854775807', 'cluster-wide'],
  ['log.initial.task.delay.ms', 'LONG', '30000', 'read-only'],
  ['producer.id.expiration.check.interval.ms', 'INT', '600000', 'read-only'],
  ['remote.log.index.file.cache.ttl.ms', 'LONG', '900000', 'read-only'],
  ['remote.log.manager.task.retry.backoff.max.ms', 'LONG', '30000', 'read-only'],
  ['remote.log.manager.task.retry.backoff.ms', 'LONG', '500', 'read-only'],
  ['remote.log.manager.task.retry.jitter', 'DOUBLE', '0.2', 'read-only'],
  ['replica.alter.log.dirs.io.max.bytes.per.second', 'LONG', '9223372036854775807', 'cluster-wide'],
  ['server.max.startup.time.ms', 'LONG', '9223372036854775807', 'read-only'],
  ['share.coordinator.cold.partition.snapshot.interval.ms', 'INT', '300000', 'read-only'],
  ['share.coordinator.state.topic.prune.interval.ms', 'INT', '300000', 'read-only'],
  ['unclean.leader.election.interval.ms', 'LONG', '300000', 'read-only'],
  ['unstable.api.versions.enable', 'BOOLEAN', 'false', 'read-only'],
  ['unstable.feature.versions.enable', 'BOOLEAN', 'false', 'read-only'],
]

/** The same of topics. It takes the place of `segment.bytes`, without its lower limit. */
export const internalTopicConfigs: readonly FollowerConfigRow[] = [
  ['internal.segment.bytes', 'INT', null, []],
]

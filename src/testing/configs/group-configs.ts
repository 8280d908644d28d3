import type { FollowerConfigRow } from './config-definitions.ts'

/** Configs of a group in Kafka 4.3. Recorded by scripts/record-broker-tables.ts. */
export const groupConfigs: readonly FollowerConfigRow[] = [
  // name, type, default, the broker configs that it follows: the first with a value counts
  ['consumer.assignment.interval.ms', 'INT', '1000', ['group.consumer.assignment.interval.ms']],
  ['consumer.heartbeat.interval.ms', 'INT', '5000', ['group.consumer.heartbeat.interval.ms']],
  ['consumer.session.timeout.ms', 'INT', '45000', ['group.consumer.session.timeout.ms']],
  ['share.assignment.interval.ms', 'INT', '1000', ['group.share.assignment.interval.ms']],
  ['share.auto.offset.reset', 'STRING', 'latest', []],
  ['share.delivery.count.limit', 'INT', '5', ['group.share.delivery.count.limit']],
  ['share.heartbeat.interval.ms', 'INT', '5000', ['group.share.heartbeat.interval.ms']],
  ['share.isolation.level', 'STRING', 'read_uncommitted', []],
  ['share.partition.max.record.locks', 'INT', '2000', ['group.share.partition.max.record.locks']],
  ['share.record.lock.duration.ms', 'INT', '30000', ['group.share.record.lock.duration.ms']],
  ['share.renew.acknowledge.enable', 'BOOLEAN', 'true', []],
  ['share.session.timeout.ms', 'INT', '45000', ['group.share.session.timeout.ms']],
  ['streams.assignment.interval.ms', 'INT', '1000', ['group.streams.assignment.interval.ms']],
  ['streams.heartbeat.interval.ms', 'INT', '5000', ['group.streams.heartbeat.interval.ms']],
  ['streams.initial.rebalance.delay.ms', 'INT', '3000', ['group.streams.initial.rebalance.delay.ms']],
  ['streams.num.standby.replicas', 'INT', '0', ['group.streams.num.standby.replicas']],
  ['streams.session.timeout.ms', 'INT', '45000', ['group.streams.session.timeout.ms']],
]

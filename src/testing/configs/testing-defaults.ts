/**
 * Where a cluster in memory differs from Kafka's defaults, as a file of properties for a test cluster would: tests are
 * not to wait, and a cluster of one or two brokers is to be of use.
 *
 * @param brokers how many there are.
 */
export function testingDefaults(brokers: number): ReadonlyMap<string, string> {
  const replicas = String(Math.min(3, brokers))
  // With Kafka's 2 no transaction is written where the log has one replica.
  const inSync = String(Math.min(2, brokers))
  return new Map([
    // Kafka waits 3 seconds for more members of a new group.
    ['group.initial.rebalance.delay.ms', '0'],
    ['offsets.topic.replication.factor', replicas],
    ['transaction.state.log.replication.factor', replicas],
    ['transaction.state.log.min.isr', inSync],
    ['share.coordinator.state.topic.replication.factor', replicas],
    ['share.coordinator.state.topic.min.isr', inSync],
  ])
}

import type { KafkaCluster } from '../cluster/kafka-cluster.ts'

/** Whether brokers take members of KIP-848: a feature that 3.9 has, but not switched on by itself. */
export function consumerProtocolEnabled({ features, config }: KafkaCluster): boolean {
  return (
    features.level('group.version') >= 1 &&
    config.getList('group.coordinator.rebalance.protocols').includes('consumer')
  )
}

/** Whether brokers take share groups (KIP-932). */
export function shareProtocolEnabled({ features }: KafkaCluster): boolean {
  return features.level('share.version') >= 1
}

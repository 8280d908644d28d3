import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { groupProperties } from '../../support/real-kafka/broker-properties.ts'

/** A cluster in memory with the configs of the real one that tests share. */
export function startMemory(): Promise<TestKafka> {
  return startKafka({
    autoCreateTopics: false,
    configs: {
      ...groupProperties(),
      'log.cleaner.enable': 'false',
      'num.partitions': '1',
      'min.insync.replicas': '1',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'share.coordinator.state.topic.num.partitions': '4',
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'delegation.token.secret.key': 'not-much-of-a-secret',
    },
    racks: ['rack-1'],
    acls: { superUsers: ['User:ANONYMOUS'], allowEveryoneIfNoAclFound: true },
  })
}

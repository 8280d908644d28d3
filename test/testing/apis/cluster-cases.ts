import { addRaftVoter } from '../../../src/protocol/apis/add-raft-voter.ts'
import { alterClientQuotas } from '../../../src/protocol/apis/alter-client-quotas.ts'
import { alterConfigs } from '../../../src/protocol/apis/alter-configs.ts'
import { alterReplicaLogDirs } from '../../../src/protocol/apis/alter-replica-log-dirs.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { describeClientQuotas } from '../../../src/protocol/apis/describe-client-quotas.ts'
import { describeCluster } from '../../../src/protocol/apis/describe-cluster.ts'
import { describeConfigs } from '../../../src/protocol/apis/describe-configs.ts'
import { describeLogDirs } from '../../../src/protocol/apis/describe-log-dirs.ts'
import { describeQuorum } from '../../../src/protocol/apis/describe-quorum.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/apis/incremental-alter-configs.ts'
import { listConfigResources } from '../../../src/protocol/apis/list-config-resources.ts'
import { removeRaftVoter } from '../../../src/protocol/apis/remove-raft-voter.ts'
import { unregisterBroker } from '../../../src/protocol/apis/unregister-broker.ts'
import { updateFeatures } from '../../../src/protocol/apis/update-features.ts'
import type { AskedBroker } from '../support/same-answers.ts'
import type { Case } from './topic-cases.ts'

const [set, remove, append, subtract] = [0, 1, 2, 3]
const [topic, broker_, logger, clientMetrics, group] = [2, 4, 8, 16, 32] as const

type Step = readonly [name: string, operation: number, value: string | null]

function change(
  broker: AskedBroker,
  resourceType: number,
  resourceName: string,
  steps: readonly Step[],
  validateOnly = false,
): Promise<unknown> {
  const configs = steps.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  return broker.ask(incrementalAlterConfigs, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly,
  })
}

async function newTopic(broker: AskedBroker): Promise<string> {
  const name = `${broker.prefix}configs`
  await broker.ask(createTopics, 7, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }] })
  return name
}

export const clusterCases: Readonly<Record<string, Case>> = {
  'DescribeConfigs of a topic in each version': async (broker) => {
    const name = await newTopic(broker)
    await change(broker, topic, name, [['retention.ms', set, '5000']])
    const resources = [
      { resourceType: topic, resourceName: name, configurationKeys: null },
      { resourceType: topic, resourceName: `${broker.prefix}nope`, configurationKeys: null },
      { resourceType: topic, resourceName: 'a b', configurationKeys: null },
      { resourceType: topic, resourceName: name, configurationKeys: ['retention.ms', 'nope'] },
      { resourceType: topic, resourceName: name, configurationKeys: [] },
    ]
    return [
      await broker.eventually(() => broker.ask(describeConfigs, 1, { resources })),
      await broker.ask(describeConfigs, 2, { resources, includeSynonyms: true }),
      await broker.ask(describeConfigs, 4, { resources, includeDocumentation: true }),
    ]
  },

  'DescribeConfigs of what is no topic': async (broker) => {
    const ask = (resourceType: number, resourceName: string, configurationKeys: string[] | null) =>
      broker.ask(describeConfigs, 4, {
        resources: [{ resourceType, resourceName, configurationKeys }],
        includeSynonyms: true,
      })
    const keys = [
      'log.retention.ms',
      'log.retention.hours',
      'message.max.bytes',
      'ssl.key.password',
      'node.id',
    ]
    return [
      await ask(broker_, '1', keys),
      await ask(broker_, '7', null),
      await ask(broker_, 'x', null),
      await ask(logger, '1', ['root', 'nope']).then(({ results }) =>
        results[0]!.configs.map(({ name }) => name),
      ),
      await ask(logger, '', null),
      await ask(logger, '7', null),
      await ask(clientMetrics, '', null),
      await ask(clientMetrics, `${broker.prefix}nope`, null),
      await ask(group, '', null),
      await ask(group, `${broker.prefix}nope`, null),
      await ask(3, 'x', null),
    ]
  },

  'IncrementalAlterConfigs of a topic': async (broker) => {
    const name = await newTopic(broker)
    const read = () =>
      broker.ask(describeConfigs, 4, {
        resources: [
          {
            resourceType: topic,
            resourceName: name,
            configurationKeys: ['cleanup.policy', 'retention.ms', 'follower.replication.throttled.replicas'],
          },
        ],
        includeSynonyms: true,
      })
    const see = () => broker.eventually(read)
    return [
      await change(broker, topic, name, [
        ['retention.ms', set, '1'],
        ['cleanup.policy', append, 'compact'],
      ]),
      await see(),
      await change(broker, topic, name, [['cleanup.policy', append, 'compact,delete']]),
      await change(broker, topic, name, [['cleanup.policy', subtract, 'delete']]),
      await see(),
      await change(broker, topic, name, [['follower.replication.throttled.replicas', append, '0:1,1:1']]),
      await change(broker, topic, name, [['follower.replication.throttled.replicas', subtract, '1:1']]),
      await see(),
      await change(broker, topic, name, [
        ['retention.ms', remove, null],
        ['segment.ms', remove, 'x'],
      ]),
      await change(broker, topic, name, [['retention.ms', set, '7']], true),
      await see(),
      await change(broker, topic, name, [['retention.ms', set, null]]),
      await change(broker, topic, name, [['retention.ms', append, '1']]),
      await change(broker, topic, name, [['retention.ms', 9, '1']]),
      await change(broker, topic, name, [
        ['retention.ms', set, '1'],
        ['retention.ms', remove, null],
      ]),
      await change(broker, topic, name, [['nope', set, '1']]),
      await change(broker, topic, name, [['nope', remove, null]]),
      await change(broker, topic, name, [['cleanup.policy', append, 'nope']]),
      await change(broker, topic, name, [
        ['min.compaction.lag.ms', set, '10'],
        ['max.compaction.lag.ms', set, '5'],
      ]),
      await change(broker, topic, `${broker.prefix}nope`, [['retention.ms', set, '1']]),
      await change(broker, topic, '', [['retention.ms', set, '1']]),
      await change(broker, topic, 'a b', [['retention.ms', set, '1']]),
      await change(broker, 1, name, [['retention.ms', set, '1']]),
      await broker.ask(incrementalAlterConfigs, 0, {
        resources: [
          { resourceType: topic, resourceName: name, configs: [] },
          { resourceType: topic, resourceName: name, configs: [] },
          { resourceType: group, resourceName: name, configs: [] },
        ],
      }),
    ]
  },

  AlterConfigs: async (broker) => {
    const name = await newTopic(broker)
    const alter = (resourceType: number, resourceName: string, configs: Record<string, string | null>) =>
      broker.ask(alterConfigs, 2, {
        resources: [
          {
            resourceType,
            resourceName,
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        validateOnly: resourceType === broker_,
      })
    const read = () =>
      broker.ask(describeConfigs, 1, {
        resources: [
          { resourceType: topic, resourceName: name, configurationKeys: ['segment.ms', 'retention.ms'] },
        ],
      })
    const see = () => broker.eventually(read)
    return [
      await alter(topic, name, { 'retention.ms': '5', 'segment.ms': '6' }),
      await see(),
      await alter(topic, name, { 'segment.ms': '7' }),
      await see(),
      await alter(topic, name, { 'segment.ms': null }),
      await alter(topic, name, { nope: '1' }),
      await alter(topic, `${broker.prefix}nope`, {}),
      await alter(broker_, '1', { 'num.partitions': '5' }),
      await alter(broker_, '1', { 'log.retention.ms': '5' }),
      await alter(broker_, '', { 'log.retention.ms': '5' }),
      await alter(broker_, '7', {}),
      await alter(logger, '1', { root: 'INFO' }),
      await alter(7, '1', {}),
    ]
  },

  'IncrementalAlterConfigs of brokers and loggers, only tried': async (broker) => {
    const alter = (type: number, name: string, ...steps: Step[]) => change(broker, type, name, steps, true)
    return [
      await alter(broker_, '1', ['auto.create.topics.enable', set, 'false']),
      await alter(broker_, '', ['auto.create.topics.enable', set, 'false']),
      await alter(broker_, '', ['log.retention.ms', set, '100']),
      await alter(broker_, '', ['log.retention.ms', set, 'abc']),
      await alter(broker_, '', ['ssl.keystore.location', set, 'x']),
      await alter(broker_, '1', ['unknown.thing', set, 'x']),
      await alter(broker_, '', ['cordoned.log.dirs', set, 'x']),
      await alter(broker_, '1', ['log.cleanup.policy', append, 'compact']),
      await alter(broker_, '1', ['log.retention.ms', append, '4']),
      await alter(broker_, '1', ['log.retention.ms', subtract, '4']),
      await alter(broker_, '1', ['log.retention.ms', 9, '4']),
      await alter(broker_, '7', ['log.retention.ms', set, '4']),
      await alter(broker_, 'x', ['log.retention.ms', set, '4']),
      await alter(broker_, '1', ['log.retention.ms', set, null]),
      await alter(broker_, '1', ['log.retention.ms', set, '1'], ['log.retention.ms', set, '2']),
      await alter(broker_, '1', ['min.insync.replicas', set, '1']),
      await alter(broker_, '', ['min.insync.replicas', set, '1']),
      await alter(broker_, '', ['min.insync.replicas', remove, null]),
      await alter(logger, '1', ['root', set, 'INFO']),
      await alter(logger, '1', ['root', set, 'LOUD']),
      await alter(logger, '1', ['root', remove, null]),
      await alter(logger, '1', ['root', append, 'INFO']),
      await alter(logger, '1', ['root', 9, 'INFO']),
      await alter(logger, '1', ['nope', set, 'INFO']),
      await alter(logger, '7', ['root', set, 'INFO']),
      await alter(logger, '', ['root', set, 'INFO']),
    ]
  },

  'IncrementalAlterConfigs of groups and client metrics': async (broker) => {
    const name = `${broker.prefix}g`
    const see = (resourceType: number) =>
      broker.eventually(() =>
        broker.ask(describeConfigs, 4, {
          resources: [{ resourceType, resourceName: name, configurationKeys: null }],
          includeSynonyms: true,
        }),
      )
    const answers: unknown[] = []
    const groupSteps: Step[][] = [
      [['consumer.session.timeout.ms', set, '1']],
      [['consumer.session.timeout.ms', set, 'x']],
      [['consumer.session.timeout.ms', set, '1000000']],
      [['consumer.heartbeat.interval.ms', set, '1']],
      [['consumer.session.timeout.ms', set, '50000']],
      [['share.auto.offset.reset', set, '1']],
      [['share.auto.offset.reset', set, 'earliest']],
      [['share.auto.offset.reset', append, 'earliest']],
      [['share.auto.offset.reset', set, 'by_duration:PT1H']],
      [['share.auto.offset.reset', set, 'by_duration:1H']],
      [['share.isolation.level', set, '1']],
      [['share.record.lock.duration.ms', set, '1']],
      [['share.record.lock.duration.ms', set, '2000']],
      [['share.delivery.count.limit', set, '1']],
      [['share.delivery.count.limit', set, '100']],
      [['share.partition.max.record.locks', set, '1']],
      [['streams.num.standby.replicas', set, '9']],
      [['streams.num.standby.replicas', set, '-1']],
      [['streams.session.timeout.ms', set, '0']],
      [['consumer.assignment.interval.ms', set, '99999']],
      [['nope', set, '1']],
    ]
    for (const steps of groupSteps) answers.push(await change(broker, group, name, steps, true))
    const metricsSteps: Step[][] = [
      [['interval.ms', set, '10']],
      [['interval.ms', set, 'x']],
      [['interval.ms', set, '3600001']],
      [['match', set, 'x']],
      [['match', set, 'client_id=[']],
      [['match', set, 'nope=x']],
      [['match', set, 'client_id=app-.*,client_software_name=x']],
      [['match', append, 'client_id=a']],
      [['metrics', set, '*']],
      [['nope', set, 'x']],
    ]
    for (const steps of metricsSteps) answers.push(await change(broker, clientMetrics, name, steps, true))
    return [
      ...answers,
      await change(broker, group, '', [['consumer.session.timeout.ms', set, '1']], true),
      await change(broker, clientMetrics, '', [['interval.ms', set, '100']], true),
      await change(broker, group, name, [['consumer.session.timeout.ms', set, '50000']]),
      await see(group),
      await change(broker, group, name, [['consumer.session.timeout.ms', remove, null]]),
      await see(group),
      await change(broker, clientMetrics, name, [
        ['interval.ms', set, '1000'],
        ['metrics', set, 'a.b'],
      ]),
      await see(clientMetrics),
      await change(broker, clientMetrics, name, [
        ['interval.ms', remove, null],
        ['metrics', remove, null],
      ]),
      await see(clientMetrics),
    ]
  },

  quotas: async (broker) => {
    const [user, id] = [`${broker.prefix}u`, `${broker.prefix}c`]
    const of = (...parts: [string, string | null][]) =>
      parts.map(([entityType, entityName]) => ({ entityType, entityName }))
    const alter = (
      entity: ReturnType<typeof of>,
      key: string,
      value: number,
      removed = false,
      validateOnly = false,
    ) =>
      broker.ask(alterClientQuotas, 1, {
        entries: [{ entity, ops: [{ key, value, remove: removed }] }],
        validateOnly,
      })
    const find = (strict: boolean, ...filters: [string, number, string | null][]) =>
      broker.eventually(() =>
        broker.ask(describeClientQuotas, 1, {
          components: filters.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
          strict,
        }),
      )
    const both = of(['user', user], ['client-id', id])
    return [
      await alter(of(['user', user]), 'producer_byte_rate', 1000),
      await alter(both, 'request_percentage', 12.5),
      await alter(of(['client-id', id]), 'consumer_byte_rate', 5, false, true),
      await find(false, ['user', 0, user]),
      await find(true, ['user', 0, user]),
      await find(false, ['user', 0, user], ['client-id', 2, null]),
      await find(false, ['user', 0, user], ['client-id', 1, null]),
      await find(false, ['client-id', 0, id]),
      await alter(of(['user', user]), 'producer_byte_rate', 0, true),
      await find(false, ['user', 0, user]),
      await alter(both, 'request_percentage', 0, true),
      await alter(both, 'request_percentage', 0, true),
      await alter(of(), 'producer_byte_rate', 1),
      await alter(of(['user', user]), 'nope', 1),
      await alter(of(['user', user]), 'producer_byte_rate', 0),
      await alter(of(['user', user]), 'producer_byte_rate', -1),
      await alter(of(['user', user]), 'producer_byte_rate', 1.5),
      await alter(of(['user', '']), 'producer_byte_rate', 1),
      await alter(of(['nope', 'x']), 'producer_byte_rate', 1),
      await alter(of(['user', user], ['user', 'x']), 'producer_byte_rate', 1, false, true),
      await alter(of(['user', user], ['ip', '1.2.3.4']), 'producer_byte_rate', 1),
      await alter(of(['ip', '1.2.3.4']), 'producer_byte_rate', 1),
      await alter(of(['ip', '1.2.3.4']), 'connection_creation_rate', 1, false, true),
      await alter(of(['ip', '1.2.3.4']), 'connection_creation_rate', 1.5, false, true),
      await alter(of(['ip', '1.2.3.4']), 'connection_creation_rate', 2 ** 40, false, true),
      await alter(of(['ip', null]), 'connection_creation_rate', 7, false, true),
      await find(false, ['user', 0, null]),
      await find(false, ['user', 1, 'x']),
      await find(false, ['user', 2, 'x']),
      await find(false, ['user', 7, 'x']),
      await find(false, ['', 0, 'x']),
      await find(false, ['nope', 0, 'x']),
      await find(false, ['user', 0, 'x'], ['user', 0, 'y']),
      await find(false, ['user', 0, 'x'], ['ip', 0, 'y']),
      await broker.ask(alterClientQuotas, 0, {
        entries: [
          { entity: both, ops: [{ key: 'request_percentage', value: 1 }] },
          { entity: both, ops: [{ key: 'request_percentage', value: 2 }] },
        ],
        validateOnly: true,
      }),
    ]
  },

  'UpdateFeatures, only tried': async (broker) => {
    const answers: unknown[] = []
    const updates: [string, number, number][][] = [
      [['nope', 1, 1]],
      [['nope', 0, 2]],
      [['group.version', 1, 1]],
      [['group.version', 5, 1]],
      [['group.version', 0, 1]],
      [['group.version', 0, 2]],
      [['group.version', -1, 2]],
      [['transaction.version', 1, 2]],
      [['transaction.version', 1, 7]],
      [['metadata.version', 29, 1]],
      [['metadata.version', 29, 2]],
      [['metadata.version', 29, 3]],
      [['metadata.version', 99, 1]],
      [['metadata.version', 3, 3]],
      [
        ['group.version', 1, 1],
        ['nope', 1, 1],
      ],
      [],
    ]
    for (const update of updates) {
      const featureUpdates = update.map(([feature, maxVersionLevel, upgradeType]) => ({
        feature,
        maxVersionLevel,
        upgradeType,
      }))
      answers.push(await broker.ask(updateFeatures, 1, { featureUpdates, validateOnly: true }))
      answers.push(await broker.ask(updateFeatures, 2, { featureUpdates, validateOnly: true }))
    }
    return answers
  },

  'the cluster, its quorum and its log directories': async (broker) => {
    const name = await newTopic(broker)
    const quorum = (topicName: string, partitionIndex: number) =>
      broker.ask(describeQuorum, 2, { topics: [{ topicName, partitions: [{ partitionIndex }] }] })
    const dirs = await broker.ask(describeLogDirs, 4, { topics: [] })
    const move = (path: string, topicName: string) =>
      broker.ask(alterReplicaLogDirs, 2, {
        dirs: [{ path, topics: [{ name: topicName, partitions: [0] }] }],
      })
    const voter = { timeoutMs: 100, voterId: 7, clusterId: null }
    return [
      await broker.ask(describeCluster, 0, {}),
      await broker.ask(describeCluster, 1, { includeClusterAuthorizedOperations: true }),
      await broker.ask(describeCluster, 2, { includeFencedBrokers: true }),
      await broker.ask(describeCluster, 2, { endpointType: 2 }),
      await broker.ask(describeCluster, 1, { endpointType: 7 }),
      await quorum('__cluster_metadata', 1),
      await quorum('other', 0),
      await broker.ask(describeQuorum, 0, { topics: [] }),
      dirs,
      await broker.ask(describeLogDirs, 1, { topics: [{ topic: `${broker.prefix}nope`, partitions: [0] }] }),
      await broker.eventually(() =>
        broker.ask(describeLogDirs, 5, { topics: [{ topic: name, partitions: [0, 7] }] }),
      ),
      await move('/nope', name),
      await move(dirs.results[0]!.logDir, `${broker.prefix}nope`),
      await move(dirs.results[0]!.logDir, name),
      await broker.ask(unregisterBroker, 0, { brokerId: 77 }),
      await broker.ask(addRaftVoter, 1, voter),
      await broker.ask(removeRaftVoter, 0, { voterId: 7, clusterId: null }),
      await broker.ask(listConfigResources, 0, {}),
      await broker.ask(listConfigResources, 1, { resourceTypes: [8, 4] }),
      await broker.ask(listConfigResources, 1, { resourceTypes: [1] }),
    ]
  },
}

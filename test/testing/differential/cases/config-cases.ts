import { alterClientQuotas } from '../../../../src/protocol/apis/alter-client-quotas.ts'
import { alterConfigs } from '../../../../src/protocol/apis/alter-configs.ts'
import { describeClientQuotas } from '../../../../src/protocol/apis/describe-client-quotas.ts'
import { describeConfigs } from '../../../../src/protocol/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../../../../src/protocol/apis/incremental-alter-configs.ts'
import { casesOf } from '../differential-case.ts'

const types = { unknown: 0, topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 }

/** Of a broker: where it runs and what it was told is its own affair. */
const ofTheMachine =
  /^(advertised\.|listener|log\.dir|node\.id|broker\.id|broker\.rack|controller\.|ssl\.|sasl\.|super\.users|authorizer|allow\.everyone|delegation\.|process\.roles|inter\.broker|num\.network|metadata\.log|early\.start|broker\.(heartbeat|session)|log\.cleaner\.enable|password|min\.insync|default\.replication|offsets\.topic|transaction\.state|share\.coordinator\.state|auto\.create|group\.)/

export const configCases = [
  ...casesOf(describeConfigs, {
    'of topics': async (kafka) => {
      const { name } = await kafka.topic('topic', 1, { 'retention.ms': '5000', 'cleanup.policy': 'compact' })
      const describe = (resourceName: string, configurationKeys: string[] | null, more: object = {}) =>
        kafka.ask(describeConfigs, {
          resources: [{ resourceType: types.topic, resourceName, configurationKeys }],
          ...more,
        })
      await describe(name, null)
      await describe(name, null, { includeSynonyms: true })
      await describe(name, ['retention.ms', 'segment.bytes'], {
        includeSynonyms: true,
        includeDocumentation: true,
      })
      await describe(name, ['no.such.config'])
      await describe(name, [])
      await describe(kafka.named('none'), null)
      await describe('', null)
      await describe('not a name', null)
    },
    'of brokers': async (kafka) => {
      const describe = (resourceName: string, configurationKeys: string[] | null, more: object = {}) =>
        kafka.askFor(
          describeConfigs,
          { resources: [{ resourceType: types.broker, resourceName, configurationKeys }], ...more },
          (answer) => ({
            ...answer,
            results: answer.results.map((one) => ({
              ...one,
              configs: one.configs.filter((config) => !ofTheMachine.test(config.name)),
            })),
          }),
        )
      await describe('1', null)
      await describe('1', null, { includeSynonyms: true })
      await describe('1', ['num.partitions', 'log.retention.ms'], { includeSynonyms: true })
      await describe('', ['num.partitions'])
      await describe('2', null)
      await describe('one', null)
      await describe('-1', null)
    },
    'of groups, loggers and what does not exist': async (kafka) => {
      const describe = (resourceType: number, resourceName: string) =>
        kafka.ask(describeConfigs, { resources: [{ resourceType, resourceName, configurationKeys: null }] })
      await describe(types.group, kafka.named('group'))
      await describe(types.group, '')
      await describe(types.clientMetrics, kafka.named('metrics'))
      await describe(types.clientMetrics, '')
      await describe(types.brokerLogger, '7')
      await describe(types.brokerLogger, '')
      for (const type of [types.unknown, 3, 99, -1]) await describe(type, 'x')
      await kafka.ask(describeConfigs, { resources: [] })
    },
  }),
  ...casesOf(incrementalAlterConfigs, {
    'of topics': async (kafka) => {
      const { name } = await kafka.topic()
      const alter = (config: string, configOperation: number, value: string | null, more: object = {}) =>
        kafka.ask(incrementalAlterConfigs, {
          resources: [
            {
              resourceType: types.topic,
              resourceName: name,
              configs: [{ name: config, configOperation, value }],
              ...more,
            },
          ],
        })
      await alter('retention.ms', 0, '5000')
      await alter('retention.ms', 0, 'soon')
      await alter('retention.ms', 0, '-7')
      await alter('retention.ms', 0, null)
      await alter('retention.ms', 2, '1')
      await alter('retention.ms', 9, '1')
      await alter('retention.ms', 1, null)
      await alter('no.such.config', 0, '1')
      await alter('cleanup.policy', 2, 'compact')
      await alter('cleanup.policy', 3, 'delete')
      await alter('cleanup.policy', 3, 'nothing')
      await alter('retention.ms', 0, '1', { resourceName: kafka.named('none') })
      await alter('retention.ms', 0, '1', { resourceName: '' })
      await alter('retention.ms', 0, '1', { configs: [] })
      for (const resourceType of [types.unknown, 3, 99]) await alter('retention.ms', 0, '1', { resourceType })
      const retention = { name: 'retention.ms', configOperation: 0, value: '1' }
      await alter('', 0, null, { configs: [retention, retention] })
      const topic = { resourceType: types.topic, resourceName: name, configs: [retention] }
      await kafka.ask(incrementalAlterConfigs, { resources: [topic, topic] })
      await kafka.ask(incrementalAlterConfigs, { resources: [topic], validateOnly: true })
      await kafka.ask(incrementalAlterConfigs, { resources: [] })
      await kafka.askUntil(
        describeConfigs,
        {
          resources: [
            { resourceType: types.topic, resourceName: name, configurationKeys: ['cleanup.policy'] },
          ],
        },
        ({ results }) => results[0]!.configs[0]!.value === 'compact',
      )
    },
    'of brokers and groups': async (kafka) => {
      const alter = (resourceType: number, resourceName: string, name: string, value: string) =>
        kafka.ask(incrementalAlterConfigs, {
          resources: [{ resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }],
          validateOnly: true,
        })
      await alter(types.broker, '1', 'log.retention.ms', '3600000')
      await alter(types.broker, '1', 'log.retention.ms', 'soon')
      await alter(types.broker, '1', 'node.id', '7')
      await alter(types.broker, '1', 'no.such.config', '7')
      await alter(types.broker, '9', 'log.retention.ms', '3600000')
      await alter(types.broker, 'one', 'log.retention.ms', '3600000')
      await alter(types.group, kafka.named('group'), 'consumer.session.timeout.ms', '45000')
      await alter(types.group, kafka.named('group'), 'consumer.session.timeout.ms', '1')
      await alter(types.group, kafka.named('group'), 'no.such.config', '1')
      await alter(types.group, '', 'consumer.session.timeout.ms', '45000')
    },
  }),
  ...casesOf(alterConfigs, {
    'of topics': async (kafka) => {
      const { name } = await kafka.topic()
      const alter = (config: string, value: string | null, more: object = {}) =>
        kafka.ask(alterConfigs, {
          resources: [
            { resourceType: types.topic, resourceName: name, configs: [{ name: config, value }], ...more },
          ],
        })
      await alter('retention.ms', '5000')
      await alter('retention.ms', 'soon')
      await alter('retention.ms', null)
      await alter('no.such.config', '1')
      await alter('retention.ms', '1', { resourceName: kafka.named('none') })
      await alter('retention.ms', '1', { configs: [] })
      for (const resourceType of [types.unknown, 3, 99]) await alter('retention.ms', '1', { resourceType })
      await kafka.ask(alterConfigs, { resources: [] })
    },
  }),
  ...casesOf(alterClientQuotas, {
    'good ones and bad ones': async (kafka) => {
      const user = kafka.named('user')
      const ofUser = [{ entityType: 'user', entityName: user }]
      const alter = (
        entity: { entityType: string; entityName: string | null }[],
        key: string,
        value: number,
        more: object = {},
      ) => kafka.ask(alterClientQuotas, { entries: [{ entity, ops: [{ key, value, ...more }] }] })
      const rate = 'producer_byte_rate'
      await alter(ofUser, rate, 1000)
      await alter(ofUser, rate, -1)
      await alter(ofUser, rate, 1.5)
      await alter(ofUser, 'no_such_quota', 1)
      await alter(ofUser, 'connection_creation_rate', 1)
      await alter([], rate, 1)
      await alter([{ entityType: 'no-such-type', entityName: 'x' }], rate, 1)
      await alter([{ entityType: 'ip', entityName: 'not an address' }], 'connection_creation_rate', 1)
      await alter([{ entityType: 'ip', entityName: '127.0.0.1' }, ...ofUser], rate, 1)
      await alter([{ entityType: 'user', entityName: '' }], rate, 1)
      await alter(ofUser, 'request_percentage', 50)
      const components = [{ entityType: 'user', matchType: 0, match: user }]
      await kafka.askUntil(
        describeClientQuotas,
        { components },
        ({ entries }) => entries?.[0]?.values.length === 2,
      )
      await kafka.ask(describeClientQuotas, { components, strict: true })
      await alter(ofUser, rate, 0, { remove: true })
      await alter(ofUser, 'request_percentage', 0, { remove: true })
      await kafka.askUntil(describeClientQuotas, { components }, ({ entries }) => entries?.length === 0)
      for (const component of [
        { entityType: 'no-such-type', matchType: 0, match: 'x' },
        { entityType: 'user', matchType: 9, match: 'x' },
        { entityType: 'user', matchType: 0, match: null },
        { entityType: 'user', matchType: 1, match: 'x' },
        { entityType: '', matchType: 0, match: 'x' },
      ]) {
        await kafka.ask(describeClientQuotas, { components: [component] })
      }
      const twice = { entityType: 'user', matchType: 0, match: user }
      await kafka.ask(describeClientQuotas, { components: [twice, twice] })
      await kafka.ask(alterClientQuotas, { entries: [] })
    },
  }),
]

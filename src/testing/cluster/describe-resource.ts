import type { RequestContext } from '../broker/request-context.ts'
import {
  type ConfigDefinition,
  type ConfigSynonym,
  configSources,
  configTypeCode,
  type DescribedConfig,
} from '../configs/config-definitions.ts'
import {
  brokerConfigDefinitions,
  clientMetricsConfigDefinitions,
  groupConfigDefinitions,
  topicConfigDefinitions,
} from '../configs/known-configs.ts'
import { resourceTypes } from './config-resources.ts'
import { Refusal } from './refusal.ts'
import { topicNameProblem } from './topic-name.ts'

/** A config as DescribeConfigs tells it. */
export interface DescribedEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly sensitive: boolean
  /** By `configSources`; of a logger 6. */
  readonly source: number
  /** By `configTypeCode`; 0: not known. */
  readonly type: number
  readonly synonyms: readonly ConfigSynonym[]
}

const brokerLoggerSource = 6

/** All configs of a resource (Java's `ConfigHelper`). @throws Refusal */
export function describeResource(type: number, name: string, context: RequestContext): DescribedEntry[] {
  switch (type) {
    case resourceTypes.topic:
      return describeTopic(name, context)
    case resourceTypes.broker:
      return name === '' ? describeAllBrokers(context) : describeBroker(name, context)
    case resourceTypes.brokerLogger:
      return describeLoggers(name, context)
    case resourceTypes.clientMetrics:
      return describeClientMetrics(name, context)
    default:
      return describeGroup(name, context)
  }
}

function describeTopic(name: string, { cluster }: RequestContext): DescribedEntry[] {
  const problem = topicNameProblem(name)
  if (problem !== null) throw new Refusal('INVALID_TOPIC_EXCEPTION', problem)
  const topic = cluster.topics.get(name)
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', null)
  return described(topicConfigDefinitions(), (config) => topic.config.describe(config))
}

function describeBroker(name: string, { cluster, broker }: RequestContext): DescribedEntry[] {
  if (brokerIdOf(name) !== broker.id) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Unexpected broker id, expected ${broker.id} or empty string, but received ${name}`,
    )
  }
  const config = cluster.configs.broker(broker.id)
  return [
    ...described(brokerConfigDefinitions(), (one) => config.describe(one)),
    ...unknown(cluster.configs.unknownOfBroker(broker.id), configSources.dynamicBroker),
  ]
}

/** Only what was set for all brokers while they run. */
function describeAllBrokers({ cluster, broker }: RequestContext): DescribedEntry[] {
  const { dynamicDefaultBroker } = configSources
  const config = cluster.configs.broker(broker.id)
  const names = [...cluster.config.dynamic('cluster').keys()].sort()
  return [
    ...names.map((name) => {
      const { definition, synonyms } = config.describe(name)
      const own = synonyms.filter(({ source }) => source === dynamicDefaultBroker)
      return entry({ definition, value: own[0]?.value ?? null, source: dynamicDefaultBroker, synonyms: own })
    }),
    ...unknown(cluster.configs.unknownOfBroker(null), dynamicDefaultBroker),
  ]
}

function describeLoggers(name: string, { cluster, broker }: RequestContext): DescribedEntry[] {
  if (name === '') throw new Refusal('INVALID_REQUEST', 'Broker id must not be empty')
  if (brokerIdOf(name) !== broker.id) {
    throw new Refusal('INVALID_REQUEST', `Unexpected broker id, expected ${broker.id} but received ${name}`)
  }
  return [...cluster.configs.loggers(broker.id)].map(([logger, level]) => ({
    name: logger,
    value: level,
    readOnly: false,
    sensitive: false,
    source: brokerLoggerSource,
    type: 0,
    synonyms: [],
  }))
}

/** Whether there is a group of that name or none. */
function describeGroup(name: string, { cluster }: RequestContext): DescribedEntry[] {
  if (name === '') throw new Refusal('INVALID_REQUEST', 'Group name must not be empty')
  const config = cluster.groupConfigs.get(name)
  return [...groupConfigDefinitions().values()].map(({ name: one, defaultValue, synonyms }) => {
    const found = config.describe(one)
    // What no broker config stands behind has its default for a synonym.
    const own = { name: one, value: defaultValue, source: configSources.default }
    return entry(synonyms.length > 0 ? found : { ...found, synonyms: [...found.synonyms, own] })
  })
}

/** Of a subscription that does not exist too: it has the defaults. */
function describeClientMetrics(name: string, { cluster }: RequestContext): DescribedEntry[] {
  if (name === '') {
    throw new Refusal('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
  }
  const own = cluster.configs.clientMetrics.get(name)
  return [...clientMetricsConfigDefinitions().values()].map((definition) => {
    const set = own?.get(definition.name)
    const source = set === undefined ? configSources.default : configSources.clientMetrics
    return entry({
      definition,
      value: set ?? definition.defaultValue,
      source,
      synonyms: set === undefined ? [] : [{ name: definition.name, value: set, source }],
    })
  })
}

function described(
  definitions: ReadonlyMap<string, ConfigDefinition>,
  describe: (name: string) => DescribedConfig,
): DescribedEntry[] {
  return [...definitions.values()]
    .filter(({ internal }) => !internal)
    .map(({ name }) => entry(describe(name)))
}

function entry({ definition, value, source, synonyms }: DescribedConfig): DescribedEntry {
  const { name, readOnly, sensitive, type } = definition
  return { name, value, readOnly, sensitive, source, type: configTypeCode(type), synonyms }
}

/** What Kafka does not know might be a secret, and is shown as one. */
function unknown(values: ReadonlyMap<string, string>, source: number): DescribedEntry[] {
  return [...values.keys()].map((name) => ({
    name,
    value: null,
    readOnly: false,
    sensitive: true,
    source,
    type: 0,
    synonyms: [],
  }))
}

function brokerIdOf(name: string): number {
  if (/^[+-]?\d+$/.test(name)) return Number(name)
  throw new Refusal('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`)
}

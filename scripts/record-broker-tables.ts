/**
 * Asks a real broker what the broker in memory is to answer, and prints it as a file of `src/testing`.
 *
 *   npx tsx scripts/record-broker-tables.ts --bootstrap-server HOST:PORT TABLE
 *
 * `offered-apis-4-3` (or another version) is to be asked of a broker of that version: a fresh one, formatted with the
 * defaults of that release. The others, of the latest: `topic-configs`, `broker-configs`, `security-broker-configs`,
 * `group-configs`, `client-metrics-configs`. What the broker's file sets does no harm to the tables of broker configs,
 * which hold the defaults; what topics and groups follow it must leave alone. What is printed still wants formatting.
 *
 * Brokers before 3.3 need ZooKeeper. With the jars of `org.apache.kafka:kafka_2.13:2.8.2` or `kafka_2.12:2.1.1` and
 * of `org.slf4j:slf4j-log4j12` on the class path, start `org.apache.zookeeper.server.ZooKeeperServerMain`, then
 * `kafka.Kafka`. On Java 17 both want `--add-opens java.base/java.lang=ALL-UNNAMED`, the same for `java.nio`,
 * `sun.nio.ch`, `java.util` and `java.net`. The ZooKeeper client of 2.1.1 does not resolve addresses there: put
 * ZooKeeper 3.5.9 (of 2.8.2) first on its class path.
 */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { connectRaw, type RawConnection } from '../src/network/raw-connection.ts'
import { apiVersions } from '../src/protocol/apis/api-versions.ts'
import { createTopics } from '../src/protocol/apis/create-topics.ts'
import { deleteTopics } from '../src/protocol/apis/delete-topics.ts'
import { type DescribeConfigsResponse, describeConfigs } from '../src/protocol/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../src/protocol/apis/incremental-alter-configs.ts'
import { metadata } from '../src/protocol/apis/metadata.ts'
import { api } from '../src/protocol/registry.ts'
import { configTypes } from '../src/testing/configs/config-definitions.ts'

type Config = DescribeConfigsResponse['results'][number]['configs'][number]

const usage = 'usage: record-broker-tables.ts --bootstrap-server HOST:PORT TABLE'
const resourceTypes = { topic: 2, broker: 4, clientMetrics: 16, group: 32 } as const
const defaultSource = 5

/**
 * Broker configs that a topic config follows where there are several, in the order in which they count
 * (`ServerTopicConfigSynonyms`). A broker names only those of them that are set.
 */
const severalSynonyms: Readonly<Record<string, readonly string[]>> = {
  'flush.ms': ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  'retention.ms': ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  'segment.jitter.ms': ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  'segment.ms': ['log.roll.ms', 'log.roll.hours'],
}

const isSecurity = (name: string) =>
  /^(ssl|sasl|security|delegation\.token|principal\.builder)\./.test(name) ||
  /^(authorizer\.class\.name|connections\.max\.reauth\.ms)$/.test(name)

const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const quoteOrNull = (text: string | null) => (text === null ? 'null' : quote(text))

async function describe(
  connection: RawConnection,
  resourceType: number,
  resourceName: string,
): Promise<Config[]> {
  const resources = [{ resourceType, resourceName, configurationKeys: null }]
  const { decoded } = await connection.send(describeConfigs, 4, { resources, includeSynonyms: true })
  const result = decoded?.results[0]
  if (result === undefined || result.errorCode !== 0) {
    throw new Error(
      `DescribeConfigs of ${resourceType} '${resourceName}': ${result?.errorMessage ?? 'no answer'}`,
    )
  }
  return result.configs.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function typeOf({ name, configType, isSensitive }: Config): string {
  const type = configTypes[configType - 1]
  if (type === undefined) throw new Error(`${name} has type ${configType}`)
  // The tables have no column for it.
  if (isSensitive !== (type === 'PASSWORD'))
    throw new Error(`${name}: sensitive ${isSensitive}, type ${type}`)
  return type
}

async function offeredApis(connection: RawConnection, version: string): Promise<string> {
  // Version 3 leaves out features that may be off. Brokers before 2.4 refuse without a list, and get version 0.
  let answer = (await connection.send(apiVersions, 4, software)).decoded
  if (answer?.errorCode === 35) {
    const newest = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)?.maxVersion ?? 0
    answer = (await connection.send(apiVersions, newest, newest >= 3 ? software : {})).decoded
  }
  if (answer === null || answer.errorCode !== 0) throw new Error(`ApiVersions: error ${answer?.errorCode}`)
  const { apiKeys, supportedFeatures, finalizedFeatures } = answer
  const suffix = version.replaceAll('-', '')
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  const lines = [
    `/** What a broker of Kafka ${version.replace('-', '.')} offers. Recorded by scripts/record-broker-tables.ts. */`,
    `export const offeredApis${suffix}: readonly OfferedApi[] = [`,
    '  // key, lowest version, highest version',
    ...apiKeys
      .sort((a, b) => a.apiKey - b.apiKey)
      .map(
        (offer) =>
          `  [${offer.apiKey}, ${offer.minVersion}, ${offer.maxVersion}], // ${api(offer.apiKey).name}`,
      ),
    ']',
  ]
  if (supportedFeatures.length === 0) {
    return ["import type { OfferedApi } from './version-tables.ts'\n", ...lines].join('\n')
  }
  return [
    "import type { FinalizedFeature, OfferedApi, SupportedFeature } from './version-tables.ts'\n",
    ...lines,
    `\nexport const supportedFeatures${suffix}: readonly SupportedFeature[] = [`,
    ...supportedFeatures
      .sort(byName)
      .map((f) => `  { name: '${f.name}', minVersion: ${f.minVersion}, maxVersion: ${f.maxVersion} },`),
    ']\n',
    `export const finalizedFeatures${suffix}: readonly FinalizedFeature[] = [`,
    ...finalizedFeatures
      .sort(byName)
      .map(
        ({ name, maxVersionLevel, minVersionLevel }) =>
          `  { name: '${name}', maxVersionLevel: ${maxVersionLevel}, minVersionLevel: ${minVersionLevel} },`,
      ),
    ']',
  ].join('\n')
}

const software = { clientSoftwareName: 'record-broker-tables', clientSoftwareVersion: '1' }

async function topicConfigs(connection: RawConnection): Promise<string> {
  const name = `record-broker-tables-${randomUUID()}`
  await connection.send(createTopics, 7, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }] })
  try {
    const configs = await describe(connection, resourceTypes.topic, name)
    return followers('a topic', 'topicConfigs', configs)
  } finally {
    await connection.send(deleteTopics, 6, { topics: [{ name }] })
  }
}

/** Configs that follow those of the broker. */
function followers(what: string, variable: string, configs: readonly Config[]): string {
  const rows = configs.map((config) => {
    const recorded = new Set(config.synonyms.map((synonym) => synonym.name))
    // Those of groups that follow nothing are listed under their own names.
    if (variable === 'groupConfigs') recorded.delete(config.name)
    const synonyms = severalSynonyms[config.name] ?? [...recorded]
    const row = [quote(config.name), quote(typeOf(config)), quoteOrNull(config.value)]
    return `  [${[...row, `[${synonyms.map(quote).join(', ')}]`].join(', ')}],`
  })
  return [
    "import type { FollowerConfigRow } from './config-definitions.ts'\n",
    `/** Configs of ${what} in Kafka 4.3. Recorded by scripts/record-broker-tables.ts. */`,
    `export const ${variable}: readonly FollowerConfigRow[] = [`,
    '  // name, type, default, the broker configs that it follows: the first with a value counts',
    ...rows,
    ']',
  ].join('\n')
}

/**
 * How a config can be changed: `per-broker` where Kafka refuses a value for all brokers, or for all listeners of one
 * (Java: DynamicBrokerConfig). Asks with `validateOnly`: nothing is changed.
 */
async function updateMode(connection: RawConnection, config: Config): Promise<string> {
  if (config.readOnly) return 'read-only'
  // One that has no value gets any that its type allows.
  const value = config.value ?? (typeOf(config) === 'CLASS' ? 'java.lang.Object' : '1')
  const configs = [{ name: config.name, configOperation: 0, value }]
  const resources = [{ resourceType: resourceTypes.broker, resourceName: '', configs }]
  const { decoded } = await connection.send(incrementalAlterConfigs, 1, { resources, validateOnly: true })
  const message = decoded?.responses[0]?.errorMessage ?? null
  if (message === null) return 'cluster-wide'
  if (/at default cluster level|only per-listener/.test(message)) return 'per-broker'
  throw new Error(`${config.name} for all brokers: ${message}`)
}

async function brokerConfigs(connection: RawConnection, security: boolean): Promise<string> {
  const { decoded } = await connection.send(metadata, 12, { topics: [] })
  const nodeId = decoded?.brokers[0]?.nodeId
  const configs = await describe(connection, resourceTypes.broker, String(nodeId))
  const rows: string[] = []
  for (const config of configs) {
    if (isSecurity(config.name) !== security) continue
    const value = config.synonyms.find(({ source }) => source === defaultSource)?.value ?? null
    const mode = await updateMode(connection, config)
    rows.push(`  [${quote(config.name)}, ${quote(typeOf(config))}, ${quoteOrNull(value)}, ${quote(mode)}],`)
  }
  const which = security ? ' about security' : ', but for those about security'
  return [
    "import type { BrokerConfigRow } from './config-definitions.ts'\n",
    `/** Configs of a broker of Kafka 4.3${which}. Recorded by scripts/record-broker-tables.ts. */`,
    `export const ${security ? 'securityBrokerConfigs' : 'brokerConfigs'}: readonly BrokerConfigRow[] = [`,
    '  // name, type, default, how it can be changed',
    ...rows,
    ']',
  ].join('\n')
}

async function table(connection: RawConnection, name: string): Promise<string> {
  const version = /^offered-apis-(\d+-\d+)$/.exec(name)?.[1]
  if (version !== undefined) return await offeredApis(connection, version)
  switch (name) {
    case 'topic-configs':
      return await topicConfigs(connection)
    case 'broker-configs':
      return await brokerConfigs(connection, false)
    case 'security-broker-configs':
      return await brokerConfigs(connection, true)
    case 'group-configs': {
      const configs = await describe(connection, resourceTypes.group, `record-${randomUUID()}`)
      return followers('a group', 'groupConfigs', configs)
    }
    case 'client-metrics-configs': {
      const configs = await describe(connection, resourceTypes.clientMetrics, `record-${randomUUID()}`)
      return followers('a subscription to client metrics (KIP-714)', 'clientMetricsConfigs', configs)
    }
    default:
      throw new Error(`no table ${name}; ${usage}`)
  }
}

const { values, positionals } = parseArgs({
  options: { 'bootstrap-server': { type: 'string', default: '127.0.0.1:9092' } },
  allowPositionals: true,
})
const [host = '', port = ''] = values['bootstrap-server'].split(':')
const [name] = positionals
if (name === undefined) throw new Error(usage)
await using connection = await connectRaw({ host, port: Number(port), clientId: 'record-broker-tables' })
console.log(await table(connection, name))

import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { RawConnection } from '../../../src/network/raw-connection.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { deleteTopics } from '../../../src/protocol/apis/delete-topics.ts'
import { type DescribeConfigsResponse, describeConfigs } from '../../../src/protocol/apis/describe-configs.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { BrokerConfig } from '../../../src/testing/configs/broker-config.ts'
import {
  type ConfigDefinition,
  configSources,
  configTypeCode,
  type DescribedConfig,
} from '../../../src/testing/configs/config-definitions.ts'
import { GroupConfig } from '../../../src/testing/configs/group-config.ts'
import {
  brokerConfigDefinitions,
  clientMetricsConfigDefinitions,
  groupConfigDefinitions,
  topicConfigDefinitions,
} from '../../../src/testing/configs/known-configs.ts'
import { testingDefaults } from '../../../src/testing/configs/testing-defaults.ts'
import { TopicConfig } from '../../../src/testing/configs/topic-config.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { connectToKafka, skipUnlessRecorded } from '../recorded-kafka.ts'

type Row = readonly [name: string, type: number, readOnly: boolean, sensitive: boolean]
type Described = DescribeConfigsResponse['results'][number]['configs'][number]

const ours = (definitions: ReadonlyMap<string, ConfigDefinition>): Row[] =>
  [...definitions.values()]
    .filter(({ internal }) => !internal)
    .map(({ name, type, readOnly, sensitive }) => [name, configTypeCode(type), readOnly, sensitive])

const rows = (configs: readonly Described[]): Row[] =>
  configs.map(({ name, configType, readOnly, isSensitive }) => [name, configType, readOnly, isSensitive])

/** What a real broker says of a config, and what we say, in the same shape. */
const realValue = ({ name, value, configSource, synonyms }: Described) => {
  const places = synonyms.map((one) => ({ name: one.name, value: one.value, source: one.source }))
  return { name, value, source: configSource, synonyms: places }
}

const ourValue = ({ definition, value, source, synonyms }: DescribedConfig) => {
  return { name: definition.name, value, source, synonyms }
}

/** A broker with the settings of that real one. */
function brokerLike(configs: readonly Described[]): BrokerConfig {
  const places = configs.flatMap(({ synonyms }) => synonyms)
  // What is sensitive comes without its value.
  const at = (source: number): [string, string][] =>
    places.filter((one) => one.source === source).map(({ name, value }) => [name, value ?? 'hidden'])
  const broker = new BrokerConfig(Object.fromEntries(at(configSources.staticBroker)))
  for (const [name, value] of at(configSources.dynamicDefaultBroker)) broker.set(name, value, 'cluster')
  for (const [name, value] of at(configSources.dynamicBroker)) broker.set(name, value)
  return broker
}

describeKafka('the recorded configs are those of a real broker:', (kafka) => {
  const topic = `recorded-configs-${randomUUID()}`
  let connection: RawConnection
  let nodeId: string

  beforeAll(async () => {
    connection = await connectToKafka(kafka)
    const { decoded } = await connection.send(metadata, 12, { topics: [] })
    const port = Number(connection.broker.split(':')[1])
    nodeId = String(decoded?.brokers.find((broker) => broker.port === port)?.nodeId)
    const configs = [{ name: 'segment.bytes', value: '4000000' }]
    const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1, configs }]
    await connection.send(createTopics, 7, { topics })
    // The controller has it; the broker that is asked hears of it a moment later.
    await vi.waitFor(async () => expect(await described(2, topic)).not.toEqual([]), { timeout: 10_000 })
    return async () => {
      await connection.send(deleteTopics, 6, { topics: [{ name: topic }] })
      await connection.close()
    }
  })

  beforeEach((context) => skipUnlessRecorded(connection, context))

  async function described(resourceType: number, resourceName: string): Promise<Described[]> {
    const resources = [{ resourceType, resourceName, configurationKeys: null }]
    const { decoded } = await connection.send(describeConfigs, 4, { resources, includeSynonyms: true })
    const configs = decoded?.results[0]?.configs ?? []
    return configs.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Without what its file sets and a Kafka does not know, such as the configs of a single listener. */
  async function describedBroker(): Promise<Described[]> {
    const configs = await described(4, nodeId)
    return configs.filter(({ name }) => brokerConfigDefinitions().has(name))
  }

  it('of a topic', async () => {
    expect(rows(await described(2, topic))).toEqual(ours(topicConfigDefinitions()))
  })

  it('of a broker', async () => {
    expect(rows(await describedBroker())).toEqual(ours(brokerConfigDefinitions()))
  })

  it('of a group', async () => {
    const configs = await described(32, `recorded-configs-${randomUUID()}`)
    expect(rows(configs)).toEqual(ours(groupConfigDefinitions()))
  })

  it('of a subscription to client metrics', async () => {
    const configs = await described(16, `recorded-configs-${randomUUID()}`)
    expect(rows(configs)).toEqual(ours(clientMetricsConfigDefinitions()))
  })

  it('with the same values from the same places', async () => {
    const real = await describedBroker()
    const broker = brokerLike(real)
    const deviations = testingDefaults(1)
    const plain = real.filter(({ name }) => !deviations.has(name))
    expect(plain.map(({ name }) => ourValue(broker.describe(name)))).toEqual(plain.map(realValue))

    const topicConfig = new TopicConfig(broker, { 'segment.bytes': '4000000' })
    const realTopic = await described(2, topic)
    expect(realTopic.map(({ name }) => ourValue(topicConfig.describe(name)))).toEqual(
      realTopic.map(realValue),
    )

    const groupConfig = new GroupConfig(broker)
    const realGroup = await described(32, `recorded-configs-${randomUUID()}`)
    const values = realGroup.map(({ name, value }) => ({ name, value }))
    expect(realGroup.map(({ name }) => ({ name, value: groupConfig.value(name) }))).toEqual(values)
  })
})

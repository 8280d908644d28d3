import { beforeAll, expect, it } from 'vitest'
import { describeConfigs } from '../../../src/protocol/apis/describe-configs.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { AskedBroker, comparable } from '../support/same-answers.ts'
import { clusterCases } from './cluster-cases.ts'
import { type Case, topicCases } from './topic-cases.ts'

async function answersOf(broker: AskedBroker, run: Case): Promise<unknown[]> {
  const answers = await run(broker)
  return answers.map((answer) => comparable(answer, broker.prefix))
}

/** What the file of the real broker says, but for where it is and what it keeps its data in. */
async function configsOf(bootstrapServers: string): Promise<Record<string, string>> {
  await using broker = await AskedBroker.at(bootstrapServers)
  const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: null }]
  const { results } = await broker.ask(describeConfigs, 4, { resources, includeSynonyms: true })
  const ofFile = results[0]!.configs.flatMap(({ synonyms }) => synonyms.filter(({ source }) => source === 4))
  const isOurs = (name: string) =>
    !/^(node|broker|process|controller|listener|inter|sasl|ssl|replica)\b|listeners|^log\.dirs?$/.test(name)
  return Object.fromEntries(
    ofFile.flatMap(({ name, value }) => (isOurs(name) && value !== null ? [[name, value]] : [])),
  )
}

describeKafka('a broker in memory answers as a real one', (real) => {
  let configs: Record<string, string> = {}
  beforeAll(async () => {
    configs = await configsOf(real.bootstrapServers)
  })

  it.each(Object.entries({ ...topicCases, ...clusterCases }))('%s', async (_name, run) => {
    await using kafka = await startKafka({ configs })
    await using model = await AskedBroker.at(kafka.bootstrapServers)
    const here = await answersOf(model, run)
    await using broker = await AskedBroker.at(real.bootstrapServers, model)
    expect(here).toEqual(await answersOf(broker, run))
  })
})

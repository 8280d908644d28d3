import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { kafkaTools, runKafkaTool } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const consoleShareConsumer = 'org.apache.kafka.tools.consumer.ConsoleShareConsumer'

describeKafka(
  'Java share consumers and a Kafka in memory',
  () => {
    let kafka: TestKafka
    beforeAll(async () => {
      kafka = await startKafka({
        brokers: 2,
        configs: {
          'group.share.heartbeat.interval.ms': 300,
          'group.share.min.heartbeat.interval.ms': 100,
        },
      })
    })
    afterAll(() => kafka.close())

    async function filledTopic(count: number): Promise<string> {
      const topic = `java-${randomUUID()}`
      kafka.createTopics([{ name: topic, numPartitions: 3 }])
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      await using producer = client.producer()
      await producer.sendMany(
        Array.from({ length: count }, (_, i) => ({ topic, partition: i % 3, value: `value ${i}` })),
      )
      return topic
    }

    function newGroup(): string {
      const groupId = `share-${randomUUID()}`
      kafka.cluster.groupConfigs.get(groupId).set('share.auto.offset.reset', 'earliest')
      return groupId
    }

    async function consume(
      topic: string,
      groupId: string,
      count: number,
      ...more: string[]
    ): Promise<string[]> {
      const { code, stdout, stderr } = await runKafkaTool(consoleShareConsumer, [
        ...['--bootstrap-server', kafka.bootstrapServers, '--topic', topic, '--group', groupId],
        ...['--max-messages', String(count), '--timeout-ms', '20000', ...more],
      ])
      expect({ code, stderr }).toMatchObject({ code: 0 })
      return stdout.trim().split('\n').sort()
    }

    it('share the records of a topic', async () => {
      const topic = await filledTopic(30)
      const groupId = newGroup()

      const [one, two] = await Promise.all([consume(topic, groupId, 10), consume(topic, groupId, 10)])
      const rest = await consume(topic, groupId, 10)

      expect([...one, ...two, ...rest].sort()).toEqual(
        Array.from({ length: 30 }, (_, i) => `value ${i}`).sort(),
      )
    })

    it('get again what was released', async () => {
      const topic = await filledTopic(3)
      const groupId = newGroup()

      const released = await consume(topic, groupId, 3, '--release')

      expect(await consume(topic, groupId, 3)).toEqual(released)
      expect(released).toHaveLength(3)
    })

    it('are told of their place by kafka-share-groups', async () => {
      const topic = await filledTopic(6)
      const groupId = newGroup()
      await consume(topic, groupId, 6)

      const describe = (...more: string[]) =>
        runKafkaTool(kafkaTools.shareGroups, [
          ...['--bootstrap-server', kafka.bootstrapServers, '--describe', '--group', groupId, ...more],
        ])

      expect((await describe('--state')).stdout).toMatch(new RegExp(`${groupId} .*Empty +0`))
      const { stdout } = await describe('--offsets')
      expect(stdout.match(new RegExp(`${topic} +\\d +\\d+ +0`, 'g'))).toHaveLength(3)
    })
  },
  { needs: 'own' },
)

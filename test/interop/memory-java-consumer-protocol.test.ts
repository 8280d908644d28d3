import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { kafkaTools, runKafkaTool, startJavaConsumer } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

describeKafka(
  'Java consumers with group.protocol=consumer and a Kafka in memory',
  () => {
    let kafka: TestKafka
    beforeAll(async () => {
      kafka = await startKafka({
        brokers: 2,
        configs: {
          'group.consumer.heartbeat.interval.ms': 300,
          'group.consumer.min.heartbeat.interval.ms': 100,
        },
      })
    })
    afterAll(() => kafka.close())

    function topicOf(numPartitions: number): string {
      const name = `java-${randomUUID()}`
      kafka.createTopics([{ name, numPartitions }])
      return name
    }

    async function produce(topic: string, values: readonly string[]): Promise<void> {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      await using producer = client.producer()
      await producer.sendMany(values.map((value, i) => ({ topic, partition: i % 4, value })))
    }

    it('share the partitions of a topic, commit, and give them back when they stop', async () => {
      const topic = topicOf(4)
      const groupId = `group-${randomUUID()}`
      const start = () =>
        startJavaConsumer({
          bootstrapServers: kafka.bootstrapServers,
          groupId,
          topics: [topic],
          properties: { 'group.protocol': 'consumer' },
        })
      await produce(topic, ['a', 'b', 'c', 'd'])
      await using first = await start()
      await first.waitUntil(({ records }) => records.length === 4)
      await first.assigned([0, 1, 2, 3].map((partition) => `${topic}-${partition}`))
      await using second = await start()
      await second.waitUntil(({ assignment }) => assignment.length === 2)
      await first.waitUntil(({ assignment }) => assignment.length === 2)
      expect([...first.assignment, ...second.assignment].sort()).toEqual(
        [0, 1, 2, 3].map((partition) => `${topic}-${partition}`),
      )

      await first.stop()
      await second.waitUntil(({ assignment }) => assignment.length === 4)
      await produce(topic, ['e', 'f', 'g', 'h'])
      await second.waitUntil(({ records }) => records.length === 4)
      await second.stop()

      expect(second.records.map(({ value }) => value).sort()).toEqual(['e', 'f', 'g', 'h'])
      const described = await runKafkaTool(kafkaTools.consumerGroups, [
        ...['--bootstrap-server', kafka.bootstrapServers, '--describe', '--group', groupId],
      ])
      expect(described.stdout.match(/ 2 +2 +0 /g)).toHaveLength(4)
    })

    it('are told of their state by kafka-consumer-groups', async () => {
      const topic = topicOf(2)
      const groupId = `group-${randomUUID()}`
      await using consumer = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId,
        topics: [topic],
        properties: { 'group.protocol': 'consumer' },
      })
      await consumer.waitUntil(({ assignment }) => assignment.length === 2)

      const described = await runKafkaTool(kafkaTools.consumerGroups, [
        ...['--bootstrap-server', kafka.bootstrapServers, '--describe', '--state', '--group', groupId],
      ])

      expect(described.stdout).toMatch(new RegExp(`${groupId} +127\\.0\\.0\\.1:\\d+ .*uniform +Stable +1`))
    })
  },
  { needs: 'own' },
)

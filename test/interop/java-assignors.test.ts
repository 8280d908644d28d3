import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { startJavaConsumer } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const javaClasses = {
  roundrobin: 'RoundRobinAssignor',
  sticky: 'StickyAssignor',
  'cooperative-sticky': 'CooperativeStickyAssignor',
} as const

describeKafka(
  'groups with Java members',
  (kafka) => {
    it.each(Object.entries(javaClasses) as [keyof typeof javaClasses, string][])(
      'share a topic by %s, whoever leads, and go on when one leaves',
      async (assignor, javaClass) => {
        const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
        const topic = `assignors-${randomUUID()}`
        const groupId = `group-${randomUUID()}`
        await using admin = client.admin()
        const [created] = await admin.createTopics([{ name: topic, numPartitions: 6, replicationFactor: 1 }])
        expect(created?.error).toBe(null)
        const names = [0, 1, 2, 3, 4, 5].map((partition) => `${topic}-${partition}`)
        const revocations: number[] = []
        const joinJava = () =>
          startJavaConsumer({
            bootstrapServers: kafka.bootstrapServers,
            groupId,
            topics: [topic],
            properties: {
              'partition.assignment.strategy': `org.apache.kafka.clients.consumer.${javaClass}`,
            },
          })

        // Java leads, as it was there first.
        await using java = await joinJava()
        await java.assigned(names)
        await using ours = client.consumer({
          groupId,
          topics: [topic],
          autoOffsetReset: 'earliest',
          heartbeatIntervalMs: 300,
          partitionAssignmentStrategy: [assignor],
          onPartitionsRevoked: (partitions) => {
            revocations.push(partitions.length)
          },
        })
        const values: string[] = []
        const reading = (async () => {
          for await (const { value } of ours) values.push(String(value))
        })()
        const mine = () => ours.assignment().map(({ partition }) => `${topic}-${partition}`)
        const holds = (count: number) => expect.poll(() => mine().length, { timeout: 30_000 }).toBe(count)
        await holds(3)
        await java.waitUntil(({ assignment }) => assignment.length === 3)
        expect([...mine(), ...java.assignment].sort()).toEqual(names)

        // We are alone, then we lead a group with another one of Java.
        await java.stop()
        await holds(6)
        await using second = await joinJava()
        await second.waitUntil(({ assignment }) => assignment.length === 3)
        await holds(3)
        expect([...mine(), ...second.assignment].sort()).toEqual(names)
        // Taken for the second one alone: to become more is no reason to put anything down.
        if (assignor === 'cooperative-sticky') expect(revocations).toEqual([3])

        await using producer = client.producer()
        await producer.sendMany(names.map((name, partition) => ({ topic, partition, value: name })))
        await expect.poll(() => values.length, { timeout: 30_000 }).toBe(3)
        await second.waitUntil(({ records }) => records.length >= 3)
        expect([...values, ...second.records.map(({ value }) => value)].sort()).toEqual(names)

        await ours.close()
        await reading
        await second.assigned(names)
      },
      120_000,
    )
  },
  { needs: 'listeners' },
)

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { AssignorName, Consumer } from '../../src/index.ts'
import { Kafka } from '../../src/index.ts'
import { type JavaConsumer, startJavaConsumer } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const javaClasses: Readonly<Record<AssignorName, string>> = {
  range: 'RangeAssignor',
  roundrobin: 'RoundRobinAssignor',
  sticky: 'StickyAssignor',
  'cooperative-sticky': 'CooperativeStickyAssignor',
}

const partitionCount = 8

/** A member of ours that reads all the time. */
class Ours {
  readonly consumer: Consumer
  readonly reading: Promise<void>

  constructor(consumer: Consumer) {
    this.consumer = consumer
    this.reading = this.#read()
    // Looked at when it leaves.
    this.reading.catch(() => {})
  }

  get assignment(): string[] {
    return this.consumer.assignment().map(({ topic, partition }) => `${topic}-${partition}`)
  }

  async leave(): Promise<void> {
    await this.consumer.close()
    await this.reading
  }

  async #read(): Promise<void> {
    for await (const _ of this.consumer);
  }
}

describeKafka(
  'groups of Java members and ours',
  (kafka) => {
    async function newGroup() {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `mixed-${randomUUID()}`
      const groupId = `group-${topic}`
      await using admin = client.admin()
      await admin.createTopics([{ name: topic, numPartitions: partitionCount, replicationFactor: 1 }])
      const all = Array.from({ length: partitionCount }, (_, partition) => `${topic}-${partition}`)
      const ours = new Set<Ours>()
      const javas = new Set<JavaConsumer>()
      const members = () => [...ours, ...javas]
      return {
        ours,
        javas,
        joinOurs(partitionAssignmentStrategy: readonly AssignorName[]): Ours {
          const member = new Ours(
            client.consumer({
              groupId,
              topics: [topic],
              heartbeatIntervalMs: 50,
              sessionTimeoutMs: 10_000,
              partitionAssignmentStrategy,
            }),
          )
          ours.add(member)
          return member
        },
        async joinJava(assignors: readonly AssignorName[]): Promise<JavaConsumer> {
          const names = assignors.map((name) => `org.apache.kafka.clients.consumer.${javaClasses[name]}`)
          const java = await startJavaConsumer({
            bootstrapServers: kafka.bootstrapServers,
            groupId,
            topics: [topic],
            properties: { 'partition.assignment.strategy': names.join(','), 'heartbeat.interval.ms': '100' },
          })
          javas.add(java)
          return java
        },
        async leave(member: Ours): Promise<void> {
          ours.delete(member)
          await member.leave()
        },
        /** Everybody has a share, and together they have each partition once. */
        async settled(): Promise<void> {
          const held = () => members().flatMap(({ assignment }) => assignment)
          await expect.poll(() => held().sort(), { timeout: 30_000, interval: 20 }).toEqual(all)
          await expect
            .poll(() => Math.min(...members().map(({ assignment }) => assignment.length)), {
              timeout: 30_000,
              interval: 20,
            })
            .toBeGreaterThan(0)
          await expect.poll(() => held().sort(), { timeout: 30_000, interval: 20 }).toEqual(all)
        },
        /** The newest that one of ours has seen. */
        generation: () => Math.max(...[...ours].map(({ consumer }) => consumer.groupMetadata().generationId)),
        async [Symbol.asyncDispose]() {
          await Promise.all([...ours].map((member) => member.leave()))
          await Promise.all([...javas].map((java) => java.kill()))
        },
      }
    }

    it.each(Object.keys(javaClasses) as AssignorName[])(
      'leave nobody without a share through 20 joins and leaves: %s',
      async (assignor) => {
        await using group = await newGroup()
        await group.joinJava([assignor])
        const first = group.joinOurs([assignor])
        await group.settled()
        for (let step = 0; step < 18; step++) {
          const { size } = group.ours
          // Also the one that has been there longest, and with it the group's leader.
          if (size < 3 || (size < 5 && step % 3 === 0)) group.joinOurs([assignor])
          else await group.leave([...group.ours][step % 2 === 0 ? 0 : size - 1]!)
          await group.settled()
        }
        expect(group.ours).not.toContain(first)
        // The Java member goes as well, and another one comes.
        const [java] = group.javas
        group.javas.delete(java!)
        await java!.stop()
        await group.settled()
        await group.joinJava([assignor])
        await group.settled()
      },
      60_000,
    )

    it('go from eager to cooperative by two rounds of restarts, and all is owned again after one rebalance more', async () => {
      await using group = await newGroup()
      let [java] = [await group.joinJava(['range'])]
      let ours = [group.joinOurs(['range']), group.joinOurs(['range'])]
      await group.settled()
      const rounds: AssignorName[][] = [['cooperative-sticky', 'range'], ['cooperative-sticky']]
      /** A member more or less is one rebalance; what it moves is taken up in the next. */
      const settledSoon = async (before: number) => {
        await group.settled()
        expect(group.generation() - before).toBeLessThanOrEqual(2)
      }
      for (const strategy of rounds) {
        const next: Ours[] = []
        for (const old of ours) {
          let before = group.generation()
          await group.leave(old)
          await settledSoon(before)
          before = group.generation()
          next.push(group.joinOurs(strategy))
          await settledSoon(before)
        }
        ours = next
        let before = group.generation()
        group.javas.delete(java!)
        await java!.stop()
        await settledSoon(before)
        before = group.generation()
        java = await group.joinJava(strategy)
        await settledSoon(before)
      }
    }, 90_000)
  },
  { needs: 'listeners' },
)

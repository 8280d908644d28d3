import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { describeClient, PythonMember, startJavaConsumer } from '../support/interop/index.ts'
import { SeededRandom } from '../support/mutate.ts'
import { TopicWriter } from '../support/produce-records.ts'

const partitionCount = 12
const joinsAndLeaves = 20
const patience = { timeout: 60_000, interval: 50 }

/** A member of any client. */
interface Member {
  readonly name: string
  readonly held: () => number
  readonly values: readonly string[]
  stop(): Promise<void>
}

await describeClient('python', 'Mixed groups of KIP-848', () => {
  describeAnyKafka('of kafkawire, confluent-kafka and Java', (kafka) => {
    it.each([1])(
      'leave nobody without a share, and handle every message, through 20 joins and leaves: seed %i',
      async (seed) => {
        const topic = `mixed-${randomUUID()}`
        const group = `group-${randomUUID()}`
        const { bootstrapServers } = kafka
        await using writer = new TopicWriter(bootstrapServers)
        await writer.createTopic(topic, partitionCount)
        const members = new Set<Member>()
        const gone: Member[] = []
        const errors: unknown[] = []

        const joinOurs = (): Member => {
          const values: string[] = []
          const consumer = new Consumer<Buffer | null, string>({
            bootstrapServers,
            groupId: group,
            groupProtocol: 'consumer',
            topics: [topic],
            autoOffsetReset: 'earliest',
            valueDeserializer: string,
            onError: (error) => errors.push(error),
          })
          const reading = (async () => {
            for await (const { value } of consumer) values.push(String(value))
          })().catch((error: unknown) => errors.push(error))
          return {
            name: 'ours',
            held: () => consumer.assignment().length,
            values,
            stop: async () => {
              await consumer.close()
              await reading
            },
          }
        }
        const joinPython = (): Member => {
          const config = { 'group.protocol': 'consumer' }
          const python = new PythonMember({ bootstrapServers, group, topic, config })
          return { name: 'python', held: () => python.held, values: python.values, stop: () => python.stop() }
        }
        const properties = { 'group.protocol': 'consumer' }
        await using java = await startJavaConsumer({
          bootstrapServers,
          groupId: group,
          topics: [topic],
          properties,
        })

        const settled = async () => {
          const all = [...members].map(({ held }) => held)
          const least = Math.floor(partitionCount / (all.length + 1))
          await expect
            .poll(() => {
              const shares = [...all.map((held) => held()), java.assignment.length]
              const sum = shares.reduce((a, b) => a + b)
              return sum === partitionCount && shares.every((share) => share >= least)
                ? 'shared'
                : shares.join()
            }, patience)
            .toBe('shared')
        }

        const random = new SeededRandom(seed)
        let written = 0
        try {
          members.add(joinOurs()).add(joinPython())
          await settled()
          for (let step = 0; step < joinsAndLeaves; step++) {
            const isJoin = members.size <= 2 || (members.size < 5 && random.below(2) === 0)
            const leaver = isJoin ? null : random.pick([...members])
            if (leaver === null) members.add(random.below(3) === 0 ? joinPython() : joinOurs())
            await Promise.all(
              Array.from({ length: partitionCount }, (_, one) =>
                writer.write(topic, one, [`${step}/${one}`]),
              ),
            )
            written += partitionCount
            if (leaver !== null) {
              members.delete(leaver)
              gone.push(leaver)
              await leaver.stop()
            }
            await settled()
          }
          const seen = () =>
            new Set([
              ...[...members, ...gone].flatMap(({ values }) => values),
              ...java.records.map(({ value }) => value),
            ])
          await expect.poll(() => seen().size, patience).toBe(written)
          expect(errors).toEqual([])
        } finally {
          await Promise.all([...members].map((one) => one.stop()))
        }
        expect([...members, ...gone].some(({ name, values }) => name === 'ours' && values.length > 0)).toBe(
          true,
        )
      },
      300_000,
    )
  })
})

import { expect, it } from 'vitest'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import { kafkaTools, runKafkaTool, startJavaConsumer } from '../../support/interop/index.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { TransactionClient } from '../support/transaction-client.ts'

const timeoutMs = 120_000

/** Java's own clients and tools, at a broker in memory. */
describeKafka(
  "Java's clients",
  () => {
    async function setUp() {
      const kafka = await startKafka({ topics: ['in', 'out'] })
      const client = await TransactionClient.connect(kafka.bootstrapServers)
      return {
        kafka,
        client,
        servers: kafka.bootstrapServers,
        async [Symbol.asyncDispose]() {
          await client.raw.close()
          await kafka.close()
        },
      }
    }

    it(
      'copy from topic to topic in transactions, some of which they abort, exactly once',
      async () => {
        await using test = await setUp()
        const { client, servers, kafka } = test
        const plain = await client.init(null)
        const values = Array.from({ length: 60 }, (_, i) => `v${i}`)
        await client.produce('in', 0, values, plain)
        // biome-ignore format: a command line, option by option
        const copied = await runKafkaTool(kafkaTools.messageCopier, [
          '--broker-list', servers,
          '--input-topic', 'in',
          '--input-partition', '0',
          '--output-topic', 'out',
          '--max-messages', '60',
          '--consumer-group', 'copiers',
          '--transaction-size', '7',
          '--transactional-id', 'copier',
          '--enable-random-aborts',
        ])
        expect(copied).toMatchObject({ code: 0 })
        expect((await client.read('out', 0)).values).toEqual(values)
        expect(await client.describe('copier')).toMatchObject({ state: 'CompleteCommit' })
        expect(kafka.cluster.groups.get('copiers')!.offsets.get('in', 0)).toMatchObject({ offset: 60 })
      },
      timeoutMs,
    )

    it(
      'read what is committed, and nothing that is aborted or open',
      async () => {
        await using test = await setUp()
        const { client, servers } = test
        let producer: { producerId: bigint; producerEpoch: number } = await client.init('tx')
        for (const [value, commit] of [
          ['a', true],
          ['b', false],
          ['c', true],
        ] as const) {
          await client.produce('out', 0, [value], producer, { transactionalId: 'tx' })
          producer = await client.end('tx', producer, commit)
        }
        await client.produce('out', 0, ['open'], producer, { transactionalId: 'tx' })
        const read = async (isolation: string, count: number) => {
          await using consumer = await startJavaConsumer({
            bootstrapServers: servers,
            groupId: isolation,
            topics: ['out'],
            properties: { 'isolation.level': isolation },
          })
          await consumer.waitUntil(({ records }) => records.length >= count)
          await consumer.stop()
          return consumer.records.map(({ value }) => value)
        }
        expect(await read('read_committed', 2)).toEqual(['a', 'c'])
        expect(await read('read_uncommitted', 4)).toEqual(['a', 'b', 'c', 'open'])
      },
      timeoutMs,
    )

    it(
      'list, describe and abort transactions with kafka-transactions',
      async () => {
        await using test = await setUp()
        const { client, servers } = test
        const { producerId } = await client.init('hangs')
        const producer = { producerId, producerEpoch: 0 }
        await client.produce('out', 0, ['lost'], producer, { transactionalId: 'hangs' })
        const run = (...args: string[]) =>
          runKafkaTool(kafkaTools.transactions, ['--bootstrap-server', servers, ...args])
        expect((await run('list')).stdout).toMatch(/hangs\s+1\s+\d+\s+Ongoing/)
        expect((await run('describe', '--transactional-id', 'hangs')).stdout).toMatch(/Ongoing\s.*\sout-0/)
        const where = ['--topic', 'out', '--partition', '0']
        expect((await run('describe-producers', ...where)).stdout).toMatch(
          new RegExp(`${producerId}\\s+0\\s+-1\\s+0\\s+\\d+\\s+0`),
        )
        expect(await run('abort', ...where, '--start-offset', '0')).toMatchObject({ code: 0 })
        expect(await client.read('out', 0)).toMatchObject({ values: [], markers: ['1:ABORT:0'] })
      },
      timeoutMs,
    )
  },
  { needs: 'own' },
)

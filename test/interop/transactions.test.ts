import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { kafkaTools, runKafkaTool, startJavaConsumer } from '../support/interop/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { failureOf } from '../support/promises.ts'
import { javaIsAvailable } from '../support/real-kafka/availability.ts'
import { describeKafka } from '../support/real-kafka/index.ts'
import { projectRoot } from '../support/source-files.ts'
import { readValues } from '../support/transactions.ts'

describeKafka('Transactions beside Java', (kafka) => {
  const client = () => new Kafka({ bootstrapServers: kafka.bootstrapServers })

  async function newTopic(partitions = 1): Promise<string> {
    await using writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `transactions-${randomUUID()}`
    await writer.createTopic(topic, partitions)
    return topic
  }

  /** A Java producer that is in a transaction all the time. */
  const javaProducer = (topic: string, transactionalId: string, records: number, throughput: number) =>
    runKafkaTool(
      kafkaTools.producerPerformance,
      [
        ...['--topic', topic, '--num-records', `${records}`, '--record-size', '10'],
        ...['--throughput', `${throughput}`, '--transactional-id', transactionalId],
        ...['--transaction-duration-ms', '300', '--bootstrap-server', kafka.bootstrapServers],
      ],
      { timeoutMs: 60_000 },
    )

  test.runIf(javaIsAvailable())('a Java producer with our transactional id fences ours', async () => {
    const topic = await newTopic()
    const transactionalId = `id-${randomUUID()}`
    await using producer = client().producer({ transactionalId })
    await producer.initTransactions()
    producer.beginTransaction()
    await producer.send({ topic, value: 'ours' })
    const { code, stderr } = await javaProducer(topic, transactionalId, 10, -1)
    expect(code, stderr).toBe(0)
    const failure = await failureOf(producer.commitTransaction())
    expect(failure).toMatchObject({ name: 'TransactionError', code: 'PRODUCER_FENCED', fatal: true })
    expect(await readValues(kafka.bootstrapServers, topic)).not.toContain('ours')
  })

  test.runIf(javaIsAvailable())('our producer fences one of Java with the same id', async () => {
    const topic = await newTopic()
    const transactionalId = `id-${randomUUID()}`
    const java = javaProducer(topic, transactionalId, 100_000, 50)
    await expect
      .poll(async () => (await readValues(kafka.bootstrapServers, topic)).length, { timeout: 30_000 })
      .toBeGreaterThan(0)
    await using producer = client().producer({ transactionalId })
    await producer.transaction((tx) => void tx.send({ topic, value: 'ours' }))
    const { code, stdout, stderr } = await java
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(/ProducerFencedException|InvalidProducerEpochException/)
    await producer.transaction((tx) => void tx.send({ topic, value: 'ours again' }))
    await expect.poll(() => readValues(kafka.bootstrapServers, topic)).toContain('ours again')
  })

  test.runIf(javaIsAvailable())(
    'a process that consumes and produces, killed 20 times, gives each record once, as Java reads it',
    async () => {
      const [input, output] = [await newTopic(2), await newTopic(2)]
      const name = `transformer-${randomUUID()}`
      const count = 6_000
      {
        await using source = client().producer()
        for (let i = 0; i < count; i++) source.produce({ topic: input, partition: i % 2, value: `${i}` })
        await source.flush()
      }
      for (let i = 0; i < 20; i++) {
        const child = await startLoop(kafka.bootstrapServers, name, input, output)
        // Somewhere in its work: another point each time.
        await sleep(20 + i * 15)
        await kill(child)
      }
      // The kills have hit it at work.
      const before = await readValues(kafka.bootstrapServers, output)
      expect(before.length).toBeGreaterThan(0)
      expect(before.length).toBeLessThan(count)
      const last = await startLoop(kafka.bootstrapServers, name, input, output)
      try {
        await using java = await startJavaConsumer({
          bootstrapServers: kafka.bootstrapServers,
          groupId: `reader-${randomUUID()}`,
          topics: [output],
          properties: { 'isolation.level': 'read_committed' },
        })
        await java.waitUntil(({ records }) => records.length >= count, 120_000)
        const byPartition = [0, 1].map((partition) =>
          java.records.filter((one) => one.partition === partition).map(({ value }) => Number(value)),
        )
        const expected = [0, 1].map((partition) =>
          Array.from({ length: count / 2 }, (_, i) => 2 * i + partition),
        )
        expect(byPartition).toEqual(expected)
      } finally {
        await kill(last)
      }
    },
    240_000,
  )
})

async function startLoop(...args: readonly string[]): Promise<ChildProcess> {
  const script = join(projectRoot, 'test', 'support', 'transform-loop.ts')
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  await once(createInterface({ input: child.stdout! }), 'line')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the loop has ended by itself, with code ${child.exitCode}`)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

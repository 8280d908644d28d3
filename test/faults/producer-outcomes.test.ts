import { describe, expect, test } from 'vitest'
import { Kafka, type Metric } from '../../src/index.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { failWith, startKafka } from '../../src/testing/index.ts'
import { failureOf, gate } from '../support/promises.ts'
import type { Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

const notEnoughReplicas = 19

const quick = { retryBackoffMs: 5, retryBackoffMaxMs: 20, reconnectBackoffMs: 5, reconnectBackoffMaxMs: 20 }

function figure(metrics: readonly Metric[], name: string): number | undefined {
  return metrics.find((one) => one.group === 'producer-metrics' && one.name === name)?.value
}

test.each(['4.3', '3.9'] as const)(
  'transactions of Kafka %s are aborted at once though a batch in flight is refused as too large meanwhile',
  async (version) => {
    await using kafka = await startKafka({ version, topics: ['t'] })
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers, ...quick }).producer({
      transactionalId: 'id',
    })
    await producer.transaction((tx) => void tx.send({ topic: 't', value: 'first' }))
    const arrived = gate()
    const held = gate()
    kafka.control(
      'Produce',
      async () => {
        arrived.open()
        await held.opened
        return failWith('MESSAGE_TOO_LARGE')
      },
      { times: 1 },
    )
    producer.beginTransaction()
    const sent = ['a', 'b'].map((value) => failureOf(producer.send({ topic: 't', value })))
    await arrived.opened
    const aborted = producer.abortTransaction({ timeoutMs: 3_000 })
    held.open()
    await aborted
    const refused = { code: 'MESSAGE_TOO_LARGE', persisted: 'no' }
    expect(await Promise.all(sent)).toMatchObject([refused, refused])
    await producer.transaction((tx) => void tx.send({ topic: 't', value: 'last' }))
    expect(kafka.records('t').map(({ value }) => String(value))).toEqual(['first', 'last'])
  },
)

describe('a batch is possibly persisted', () => {
  test.each([
    [
      'when it is refused for good with the offset that it got',
      { appendedBut: errorCodes.topicAuthorizationFailed },
    ],
    ['when the broker says that it does not know what went wrong', { error: errorCodes.unknownServerError }],
    ['when the broker says what this client does not know', { error: 9_999 }],
  ] as const)('%s', async (_name, verdict: Verdict) => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => (cluster.batches.length === 1 ? verdict : 'append')
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      persisted: 'possibly',
    })
    await producer.send({ topic: 't', value: 'b' })
  })

  test('when its disk failed under it, and no retry came through', async () => {
    const { cluster, producer } = await startProducer({ acks: 'all', retries: 1 })
    cluster.onBatch = () => ({ error: errorCodes.kafkaStorageError })
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
      persisted: 'possibly',
    })
  })
})

describe('the senders of one partition are told in the order of their records', () => {
  test('when all of them time out, those in flight and those that wait for another attempt', async () => {
    const { cluster, producer } = await startProducer({
      batchSize: 0,
      lingerMs: 0,
      deliveryTimeoutMs: 400,
      requestTimeoutMs: 400,
      enableIdempotence: false,
    })
    await producer.send({ topic: 't', value: 'first' })
    cluster.onBatch = async ({ values: [value] }): Promise<Verdict> => {
      if (value !== 'a' || cluster.batches.length > 3) return 'silence'
      await cluster.received(3)
      return { error: notEnoughReplicas }
    }
    const told: string[] = []
    for (const value of ['a', 'b', 'c']) {
      const before = cluster.batches.length
      producer.produce({ topic: 't', partition: 0, value }, () => told.push(value))
      if (value !== 'c') await cluster.received(before + 1)
    }
    await expect.poll(async () => figure(await producer.metrics(), 'record-retry-total')).toBe(1)
    // All are due by the time that the timer can ring.
    const end = performance.now() + 450
    while (performance.now() < end);
    await producer.flush()
    expect(told).toEqual(['a', 'b', 'c'])
  })

  test.each([true, false])(
    'whichever way they were sent, by batches that are split: idempotent %s',
    async (enableIdempotence) => {
      const { cluster, producer } = await startProducer({
        enableIdempotence,
        maxInFlightRequestsPerConnection: enableIdempotence ? 5 : 1,
      })
      await producer.send({ topic: 't', value: 'first' })
      cluster.onBatch = ({ values }) => (values.length > 2 ? { error: errorCodes.messageTooLarge } : 'append')
      const told: number[] = []
      const record = (i: number) => ({ topic: 't', partition: 0, value: String(i) })
      const sent: Promise<unknown>[] = []
      for (let round = 0; round < 4; round++) {
        const before = cluster.batches.length
        for (let i = round * 8; i < round * 8 + 8; i += 2) {
          sent.push(producer.send(record(i)).then(() => told.push(i)))
          producer.produce(record(i + 1), () => queueMicrotask(() => told.push(i + 1)))
        }
        await cluster.received(before + 1)
      }
      await Promise.all(sent)
      await producer.flush()
      const inOrder = Array.from({ length: 32 }, (_, i) => i)
      expect(cluster.log('t').values).toEqual(['first', ...inOrder.map(String)])
      expect(told).toEqual(inOrder)
    },
  )
})

test('a record whose getters throw is refused, and costs the next ones nothing', async () => {
  const { producer } = await startProducer()
  const broken = (name: string) =>
    Object.defineProperty({ topic: 't', value: 'a' }, name, {
      get: () => {
        throw new Error(`no ${name}`)
      },
    })
  for (const name of ['topic', 'partition', 'value']) {
    expect(await failureOf(producer.send(broken(name)))).toMatchObject({ message: `no ${name}` })
    expect(await failureOf(producer.sendMany([broken(name)]))).toMatchObject({
      cause: { message: `no ${name}` },
    })
    expect(() => producer.produce(broken(name))).toThrow(`no ${name}`)
  }
  await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: 0 })
})

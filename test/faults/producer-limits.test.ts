import { randomUUID } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Kafka, type Producer, type ProducerOptions } from '../../src/index.ts'
import { delay, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { failureOf } from '../support/promises.ts'

const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

type Options = Partial<ProducerOptions<string, string | Uint8Array>>

/** Short enough for a test. No answer of a broker within a third of the time that a record has. */
const times = { lingerMs: 0, requestTimeoutMs: 200, deliveryTimeoutMs: 600, maxBlockMs: 600 }
/** How much later than promised a deadline may be told: what a busy machine adds. */
const lateMs = 250

function newProducer(bootstrapServers: string, options: Options = {}): Producer {
  const producer = new Kafka({ bootstrapServers, retryBackoffMs: 20, reconnectBackoffMs: 20 }).producer({
    ...times,
    ...options,
  }) as Producer
  cleanUps.push(() => producer.close({ timeoutMs: 0 }).catch(() => {}))
  return producer
}

async function start(options: Options = {}) {
  const topic = `limits-${randomUUID()}`
  const kafka = await startKafka({ topics: [topic] })
  cleanUps.push(() => kafka.close())
  const producer = newProducer(kafka.bootstrapServers, options)
  return { kafka, topic, producer }
}

/** What a call fails with, and after how many milliseconds. */
async function failing(call: () => Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  // Before the call: what a busy machine takes for it would look like a deadline that is told too early.
  const begun = performance.now()
  return { error: await failureOf(call()), ms: performance.now() - begun }
}

/** A port at which connections are taken, and nothing is ever said. */
async function silentServer(): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

type Trouble = (kafka: TestKafka) => unknown

const troubles: readonly (readonly [string, Trouble])[] = [
  ['that is down', (kafka) => kafka.stopBroker(1)],
  ['that hangs', (kafka) => kafka.freezeBroker(1)],
  ['that answers too late', (kafka) => kafka.control('Produce', () => delay(5_000))],
]

describe('send fails when deliveryTimeoutMs is over, and not before', () => {
  test.each(troubles)('with a broker %s', async (_name, trouble) => {
    const { kafka, topic, producer } = await start()
    await producer.send({ topic, value: 'first' })
    await trouble(kafka)
    const { error, ms } = await failing(() => producer.send({ topic, value: 'a' }))
    expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT', topic })
    expect(ms).toBeGreaterThanOrEqual(times.deliveryTimeoutMs)
    expect(ms).toBeLessThan(times.deliveryTimeoutMs + lateMs)
  })

  test('each record at its own time, and not on a beat', async () => {
    const { kafka, topic, producer } = await start({ batchSize: 0 })
    await producer.send({ topic, value: 'first' })
    await kafka.stopBroker(1)
    const calls: Promise<{ error: unknown; ms: number }>[] = []
    for (let i = 0; i < 5; i++) {
      calls.push(failing(() => producer.send({ topic, value: String(i) })))
      await new Promise((resolve) => setTimeout(resolve, 37))
    }
    for (const { error, ms } of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT' })
      expect(ms).toBeGreaterThanOrEqual(times.deliveryTimeoutMs)
      expect(ms).toBeLessThan(times.deliveryTimeoutMs + lateMs)
    }
  })
})

describe('send fails when maxBlockMs is over, and not before', () => {
  test('with no broker at all', async () => {
    const kafka = await startKafka()
    const { bootstrapServers } = kafka
    await kafka.close()
    const { error, ms } = await failing(() => newProducer(bootstrapServers).send({ topic: 't', value: 'a' }))
    expect(error).toMatchObject({ retriable: true })
    expect(ms).toBeGreaterThanOrEqual(times.maxBlockMs)
    expect(ms).toBeLessThan(times.maxBlockMs + lateMs)
  })

  test('with a port that never answers', async () => {
    const producer = newProducer(await silentServer())
    const { ms } = await failing(() => producer.send({ topic: 't', value: 'a' }))
    expect(ms).toBeGreaterThanOrEqual(times.maxBlockMs)
    expect(ms).toBeLessThan(times.maxBlockMs + lateMs)
  })

  test('with a buffer that is full; what is in it has deliveryTimeoutMs', async () => {
    const { kafka, topic, producer } = await start({ bufferMemory: 10_000, maxBlockMs: 200 })
    await producer.send({ topic, value: 'first' })
    kafka.freezeBroker(1)
    const value = Buffer.alloc(1_000)
    const calls = Array.from({ length: 20 }, () => failing(() => producer.send({ topic, value })))
    expect(producer.bufferedBytes).toBeLessThanOrEqual(10_000)
    const results = await Promise.all(calls)
    const of = (code: string) => results.filter(({ error }) => (error as { code: string }).code === code)
    const blocked = of('MAX_BLOCK_TIMEOUT')
    expect(blocked.length).toBeGreaterThan(10)
    for (const { ms } of blocked) {
      expect(ms).toBeGreaterThanOrEqual(200)
      expect(ms).toBeLessThan(200 + lateMs)
    }
    const timedOut = of('DELIVERY_TIMEOUT')
    expect(timedOut.length + blocked.length).toBe(20)
    for (const { ms } of timedOut) expect(ms).toBeLessThan(times.deliveryTimeoutMs + lateMs)
  })
})

describe('however slow the broker is', () => {
  test('the bytes held stay within bufferMemory, whoever sends and however', async () => {
    const bufferMemory = 200_000
    const { kafka, topic, producer } = await start({
      bufferMemory,
      deliveryTimeoutMs: 60_000,
      requestTimeoutMs: 30_000,
      maxBlockMs: 60_000,
      batchSize: 2_000,
    })
    await producer.send({ topic, value: 'first' })
    kafka.control('Produce', () => delay(2))
    let most = 0
    const look = () => {
      most = Math.max(most, producer.bufferedBytes)
    }
    const value = Buffer.alloc(300)
    const calls: Promise<unknown>[] = []
    let refused = 0
    for (let i = 0; i < 3_000; i++) {
      if (i % 3 === 0) calls.push(producer.send({ topic, value }).then(look))
      else if (i % 3 === 1)
        calls.push(
          producer
            .sendMany([
              { topic, value },
              { topic, value },
            ])
            .then(look),
        )
      else if (!producer.produce({ topic, value })) {
        refused++
        await producer.drained()
      }
      look()
    }
    await Promise.all(calls)
    await producer.flush()
    expect(refused).toBeGreaterThan(0)
    expect(most).toBeGreaterThan(bufferMemory / 4)
    expect(most).toBeLessThanOrEqual(bufferMemory)
    expect(producer.bufferedBytes).toBe(0)
    expect(kafka.records(topic)).toHaveLength(1 + 4_000)
  })

  test('produce says false at its bound, and throws beyond bufferMemory to who does not heed it', async () => {
    const bufferMemory = 100_000
    const { kafka, topic, producer } = await start({ bufferMemory, maxRequestSize: 10_000 })
    await producer.send({ topic, value: 'first' })
    kafka.freezeBroker(1)
    const value = Buffer.alloc(500)
    let taken = 0
    while (producer.produce({ topic, value })) taken++
    // What one more request may take is kept free.
    expect(producer.bufferedBytes).toBeGreaterThan(bufferMemory - 10_000)
    expect(taken).toBeGreaterThan(100)
    const throwing = () => {
      for (let i = 0; i < 100; i++) producer.produce({ topic, value })
    }
    expect(throwing).toThrow(/no room/)
    expect(producer.bufferedBytes).toBeLessThanOrEqual(bufferMemory)
    await failureOf(producer.flush())
    expect(producer.bufferedBytes).toBe(0)
  })

  test.each(troubles)('close ends in the time that it is given, with a broker %s', async (_name, trouble) => {
    const { kafka, topic, producer } = await start({ deliveryTimeoutMs: 60_000 })
    await producer.send({ topic, value: 'first' })
    await trouble(kafka)
    const sent = failureOf(producer.send({ topic, value: 'a' }))
    const elsewhere = failureOf(producer.send({ topic: 'not-there', value: 'a' }))
    const begun = performance.now()
    await producer.close({ timeoutMs: 300 })
    const ms = performance.now() - begun
    expect(ms).toBeGreaterThanOrEqual(300)
    expect(ms).toBeLessThan(300 + lateMs)
    expect(await sent).toMatchObject({ code: 'PRODUCER_CLOSED' })
    await elsewhere
    expect(producer.bufferedBytes).toBe(0)
  })
})

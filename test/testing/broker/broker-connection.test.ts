import { afterEach, describe, expect, it } from 'vitest'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { apiVersions } from '../../../src/protocol/apis/api-versions.ts'
import { fetch } from '../../../src/protocol/apis/fetch.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { failureOf } from '../../support/promises.ts'

const running: AsyncDisposable[] = []
const told: Error[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
  expect(told.splice(0)).toEqual([])
})

async function start(): Promise<{ kafka: TestKafka; connection: RawConnection }> {
  const kafka = await startKafka({ topics: ['t'], onError: (error) => void told.push(error) })
  running.push(kafka)
  const [host, port] = kafka.bootstrapServers.split(':')
  const connection = await connectRaw({ host: host!, port: Number(port), timeoutMs: 5_000 })
  running.push(connection)
  return { kafka, connection }
}

const closed = { code: 'CONNECTION_CLOSED' }

describe('a connection of a broker', () => {
  it('answers in the order of the requests, also behind one that takes long', async () => {
    const { kafka, connection } = await start()
    const answered: string[] = []
    const long = connection
      .send(fetch, 11, {
        maxWaitMs: 30_000,
        minBytes: 1,
        topics: [{ topic: 't', partitions: [{ partition: 0, partitionMaxBytes: 100 }] }],
      })
      .then(() => answered.push('fetch'))
    const logged = kafka.requests.next(({ api }) => api === 'Fetch')
    const short = Array.from({ length: 50 }, async (_, i) => {
      await connection.send(metadata, 12, { topics: [] })
      answered.push(`metadata ${i}`)
    })
    await logged
    expect(answered).toEqual([])
    await kafka.advanceClock(30_000)
    await Promise.all([long, ...short])
    expect(answered).toEqual(['fetch', ...Array.from({ length: 50 }, (_, i) => `metadata ${i}`)])
  })

  it('hangs up on an API that does not exist, and on a version that is not offered', async () => {
    const unknown = await start()
    const answer = unknown.connection.send(metadata, 12, {}, { apiKey: 999 })
    expect(await failureOf(answer)).toMatchObject(closed)
    const { connection } = await start()
    const other = connection.send(metadata, 12, {}, { apiVersion: 99 })
    expect(await failureOf(other)).toMatchObject(closed)
  })

  it('answers ApiVersions in a version that is not offered with those that are', async () => {
    const { connection } = await start()
    const refused = await connection.send(apiVersions, 4, {}, { apiVersion: 99 })
    expect(refused.decoded).toMatchObject({ errorCode: errors.UNSUPPORTED_VERSION })
    expect(refused.decoded!.apiKeys.map(({ apiKey }) => apiKey)).toContain(apiVersions.key)
  })

  it.each([
    ['a body that makes no sense', { bodyBytes: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f) }],
    ['a body that is cut off', { bodyBytes: new Uint8Array(0) }],
  ])('hangs up on %s', async (_, options) => {
    const { connection } = await start()
    expect(await failureOf(connection.send(metadata, 12, {}, options))).toMatchObject(closed)
  })

  it.each([
    ['a negative size', [0xff, 0xff, 0xff, 0xff]],
    ['a size that is too large', [0x7f, 0xff, 0xff, 0xff]],
    ['a request without a header', [0, 0, 0, 2, 0, 3]],
    ['what is no Kafka at all', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ])('hangs up on %s', async (_, bytes) => {
    const { connection } = await start()
    const answer = connection.sendBytes(Uint8Array.from(bytes), { expectResponse: true })
    expect(await failureOf(answer)).toMatchObject(closed)
  })

  it('sends what was answered before it hangs up', async () => {
    const { kafka, connection } = await start()
    const answer = connection.send(metadata, 12, { topics: [{ name: 't' }] })
    const failure = failureOf(connection.send(metadata, 12, {}, { apiKey: 999 }))
    expect((await answer).decoded!.clusterId).toBe(kafka.cluster.clusterId)
    expect(await failure).toMatchObject(closed)
    expect(kafka.cluster.brokers.get(1)!.connections.size).toBe(0)
  })

  it('is forgotten when the client hangs up', async () => {
    const { kafka, connection } = await start()
    await connection.send(metadata, 12, {})
    const [known] = kafka.cluster.brokers.get(1)!.connections
    const over = new Promise<void>((resolve) => known!.whenClosed(resolve))
    await connection.close()
    await over
    expect(kafka.cluster.brokers.get(1)!.connections.size).toBe(0)
  })
})

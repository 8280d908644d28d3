import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { type StartKafkaOptions, startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { memoryPipe } from '../../../src/testing/transport/memory-pipe.ts'
import { failureOf } from '../../support/promises.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const kafka = await startKafka({ transport: 'memory', topics: ['t'], ...options })
  running.push(kafka)
  return kafka
}

function target(address: string) {
  const [host, port] = address.split(':')
  return { host: host!, port: Number(port), tls: null, signal: new AbortController().signal }
}

describe('a Kafka without sockets', () => {
  it('serves producers, consumers and admins of ours', async () => {
    const kafka = await start({ brokers: 3 })
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, connect: kafka.connect })
    const producer = client.producer({ enableIdempotence: false })
    running.push(producer)
    const value = 'x'.repeat(200_000)
    for (let i = 0; i < 5; i++) await producer.send({ topic: 't', key: `${i}`, value })
    const consumer = client.consumer()
    running.push(consumer)
    consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
    const keys: string[] = []
    for await (const record of consumer) {
      expect(record.value?.length).toBe(value.length)
      keys.push(String(record.key))
      if (keys.length === 5) break
    }
    expect(keys).toEqual(['0', '1', '2', '3', '4'])
    const admin = client.admin()
    running.push(admin)
    expect((await admin.describeCluster()).nodes).toHaveLength(3)
  })

  it('opens no port', async () => {
    const kafka = await start()
    const { port } = target(kafka.bootstrapServers)
    const server = createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  })

  it('refuses where no broker is, and where one was stopped, until it is back', async () => {
    const kafka = await start({ brokers: 2 })
    const second = target(kafka.bootstrapServers.split(',')[1]!)
    const refused = {
      name: 'ConnectionError',
      code: 'CONNECTION_REFUSED',
      message: `127.0.0.1:${second.port}: connection refused: nobody listens there`,
      retriable: true,
      cause: { code: 'ECONNREFUSED' },
    }
    const stream = await kafka.connect(second)
    const ended = once(stream, 'close')
    stream.resume()
    await kafka.stopBroker(2)
    await ended
    expect(await failureOf(kafka.connect(second))).toMatchObject(refused)
    await kafka.startBroker(2)
    ;(await kafka.connect(second)).destroy()
    expect(await failureOf(kafka.connect(target('127.0.0.1:1')))).toMatchObject({
      code: 'CONNECTION_REFUSED',
    })
  })

  it('leaves no connection when it is closed', async () => {
    const kafka = await start()
    const { host, port } = target(kafka.bootstrapServers)
    const connection = await connectRaw({ host, port, connect: kafka.connect })
    await connection.send(metadata, 12, {})
    const waiting = failureOf(connection.receive())
    await kafka.close()
    expect(await waiting).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('has no TLS, and says so', async () => {
    expect(await failureOf(startKafka({ transport: 'memory', tls: {} }))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('needs the transport tcp'),
    })
    const kafka = await start()
    const withTls = { ...target(kafka.bootstrapServers), tls: {} }
    expect(await failureOf(kafka.connect(withTls))).toMatchObject({
      code: 'TLS_HANDSHAKE_FAILED',
      message: expect.stringContaining('leave the option tls out'),
    })
  })

  it('heeds a signal', async () => {
    const kafka = await start()
    const signal = AbortSignal.abort(new Error('not wanted any more'))
    const attempt = kafka.connect({ ...target(kafka.bootstrapServers), signal })
    expect(await failureOf(attempt)).toMatchObject({ message: 'not wanted any more' })
  })

  it('is the only one with a function to connect by', async () => {
    await using kafka = await startKafka()
    expect(() => kafka.connect).toThrow(/no connect with the transport tcp/)
    const other = startKafka({ transport: 'pigeon' as never })
    expect(await failureOf(other)).toMatchObject({
      message: 'the option transport is pigeon; allowed: tcp, memory',
    })
  })
})

describe('a pipe in memory', () => {
  async function read(stream: Duplex): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  }

  it('gives at one end what is written at the other, both ways', async () => {
    const [left, right] = memoryPipe()
    left.end('from left')
    right.end('from right')
    expect(await Promise.all([read(right), read(left)])).toEqual(['from left', 'from right'])
  })

  it('copies what is written', async () => {
    const [left, right] = memoryPipe()
    const bytes = Buffer.from('before')
    left.write(bytes)
    bytes.fill('x')
    left.end()
    right.end()
    expect(await read(right)).toBe('before')
  })

  it('makes a writer wait for a reader', async () => {
    const [left, right] = memoryPipe()
    let accepted = 0
    const chunk = Buffer.alloc(64 * 1024)
    for (let i = 0; i < 64; i++) left.write(chunk, () => accepted++)
    expect(left.writableNeedDrain).toBe(true)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(accepted).toBeLessThan(4)
    right.resume()
    await once(left, 'drain')
    expect(accepted).toBe(64)
    left.destroy()
    right.destroy()
  })

  it('ends for both when one end is destroyed, behind what was written', async () => {
    const [left, right] = memoryPipe()
    left.write('last words')
    left.destroy()
    expect(await read(right)).toBe('last words')
    expect(right.destroyed).toBe(true)
  })

  it('tells who writes to an end that is gone', async () => {
    const [left, right] = memoryPipe()
    right.destroy()
    left.write('too late')
    const [error] = await once(left, 'error')
    expect(error).toMatchObject({ code: 'EPIPE' })
  })
})

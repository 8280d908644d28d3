import { afterEach, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { type StartKafkaOptions, startKafka, type TestKafka } from '../../../src/testing/index.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const kafka = await startKafka({ topics: ['t'], ...options })
  running.push(kafka)
  return kafka
}

/** Sizes of the pieces that a client in memory gets. */
async function connect(kafka: TestKafka, address = kafka.bootstrapServers) {
  const [host, port] = address.split(':')
  const pieces: number[] = []
  const connection = await connectRaw({
    host: host!,
    port: Number(port),
    timeoutMs: 5_000,
    async connect(target) {
      const stream = await kafka.connect(target)
      stream.on('data', (piece: Uint8Array) => pieces.push(piece.length))
      return stream
    },
  })
  running.push(connection)
  return { connection, pieces }
}

/** How long the clock of the cluster has to go on for an answer, in milliseconds, at steps of one. */
async function durationOf(kafka: TestKafka, connection: RawConnection): Promise<number> {
  let isDone = false
  const begin = kafka.now()
  const answer = connection.send(metadata, 12, { topics: [] }).then(() => {
    isDone = true
  })
  for (let i = 0; i < 100_000 && !isDone; i++) {
    await kafka.advanceClock(i % 20 === 0 ? 10 : 0)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await answer
  return kafka.now() - begin
}

describe('a shaped connection', () => {
  it('carries single bytes, both ways', async () => {
    const kafka = await start({ transport: 'memory' })
    kafka.shapeSockets({ chunkBytes: 1 })
    const { connection, pieces } = await connect(kafka)
    const { decoded } = await connection.send(metadata, 12, { topics: [{ name: 't' }] })
    expect(decoded!.topics[0]!.name).toBe('t')
    expect(pieces.length).toBeGreaterThan(50)
    expect(new Set(pieces)).toEqual(new Set([1]))
  })

  it('carries all that a producer and a consumer of ours send over real sockets', async () => {
    const kafka = await start()
    kafka.shapeSockets({ chunkBytes: 3 })
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
    const producer = client.producer({ enableIdempotence: false })
    running.push(producer)
    const values = Array.from({ length: 20 }, (_, i) => `value ${i}`)
    await Promise.all(values.map((value) => producer.send({ topic: 't', value })))
    const consumer = client.consumer()
    running.push(consumer)
    consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
    const read: string[] = []
    for await (const { value } of consumer) {
      read.push(String(value))
      if (read.length === values.length) break
    }
    expect(read).toEqual(values)
  })

  it('is as slow as it was asked to be, by the clock of the cluster', async () => {
    const kafka = await start({ transport: 'memory' })
    kafka.shapeSockets({ delayMs: 10_000 })
    const { connection } = await connect(kafka)
    const duration = await durationOf(kafka, connection)
    expect(duration).toBeGreaterThanOrEqual(20_000)
    expect(duration).toBeLessThan(25_000)
  })

  it('carries so many bytes a second', async () => {
    const kafka = await start({ transport: 'memory' })
    kafka.shapeSockets({ bytesPerSecond: 10 })
    const { connection, pieces } = await connect(kafka)
    const duration = await durationOf(kafka, connection)
    const answered = pieces.reduce((sum, one) => sum + one, 0)
    expect(answered).toBeGreaterThan(40)
    // The request has about as many bytes again.
    expect(duration).toBeGreaterThan(answered * 100)
    expect(duration).toBeLessThan((answered + 60) * 100)
  })

  it('keeps the order of bytes, however long each is on its way', async () => {
    const kafka = await start({ transport: 'memory', seed: 4 })
    kafka.shapeSockets({ chunkBytes: 2, jitterMs: 20 })
    const { connection, pieces } = await connect(kafka)
    await durationOf(kafka, connection)
    expect(Math.max(...pieces)).toBeLessThanOrEqual(2)
  })

  it('begins with what is set, and ends with what is taken away', async () => {
    const kafka = await start({ transport: 'memory' })
    const before = await connect(kafka)
    const shaping = kafka.shapeSockets({ chunkBytes: 1 })
    await before.connection.send(metadata, 12, {})
    expect(before.pieces.length).toBeLessThan(5)
    shaping.remove()
    const after = await connect(kafka)
    await after.connection.send(metadata, 12, {})
    expect(after.pieces.length).toBeLessThan(5)
  })

  it('can be one to a certain broker or listener', async () => {
    const kafka = await start({
      transport: 'memory',
      brokers: 2,
      listeners: [{ name: 'inside' }, { name: 'outside' }],
    })
    const piecesOf = async (address: string) => {
      const { connection, pieces } = await connect(kafka, address)
      await connection.send(metadata, 12, {})
      return pieces.length
    }
    const inside = kafka.bootstrapServersOf('inside').split(',')
    const outside = kafka.bootstrapServersOf('outside').split(',')
    kafka.shapeSockets({ chunkBytes: 1, brokerId: 2, listener: 'outside' })
    expect(await piecesOf(inside[0]!)).toBeLessThan(5)
    expect(await piecesOf(inside[1]!)).toBeLessThan(5)
    expect(await piecesOf(outside[0]!)).toBeLessThan(5)
    expect(await piecesOf(outside[1]!)).toBeGreaterThan(50)
  })

  it('ends when its broker does', async () => {
    const kafka = await start({ transport: 'memory' })
    kafka.shapeSockets({ delayMs: 60_000 })
    const { connection } = await connect(kafka)
    const answer = connection.send(metadata, 12, {})
    await Promise.all([expect(answer).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' }), kafka.close()])
  })

  it('that cannot be is refused', async () => {
    const kafka = await start()
    expect(() => kafka.shapeSockets({ chunkBytes: 0 })).toThrow(/chunkBytes is 0; allowed/)
    expect(() => kafka.shapeSockets({ chunkBytes: 1.5 })).toThrow(/chunkBytes is 1.5; allowed/)
    expect(() => kafka.shapeSockets({ bytesPerSecond: 0 })).toThrow(/bytesPerSecond is 0; allowed/)
    expect(() => kafka.shapeSockets({ delayMs: -1 })).toThrow(/delayMs is -1; allowed/)
    expect(() => kafka.shapeSockets({ jitterMs: Number.NaN })).toThrow(/jitterMs is NaN; allowed/)
  })
})

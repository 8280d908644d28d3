import { randomUUID } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { type ClientOptions, Kafka, type KafkaError } from '../../src/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

/** Each client's own way to ask for something first, with a deadline of one second. */
const waysToAsk = {
  producer: async (kafka: Kafka) => {
    await using producer = kafka.producer({
      maxBlockMs: 2000,
      requestTimeoutMs: 1000,
      deliveryTimeoutMs: 2000,
    })
    await producer.send({ topic: 'any', value: 'x' })
  },
  consumer: async (kafka: Kafka) => {
    await using consumer = kafka.consumer({ defaultApiTimeoutMs: 1000 })
    await consumer.partitionsFor('any')
  },
  admin: async (kafka: Kafka) => {
    await using admin = kafka.admin({ defaultApiTimeoutMs: 1000 })
    await admin.listTopics()
  },
}

async function failureOf(attempt: Promise<unknown>): Promise<KafkaError> {
  const begun = performance.now()
  const error = await attempt.then(
    () => new Error('nothing was wrong'),
    (thrown: unknown) => thrown,
  )
  // More than twice the deadline is no deadline.
  expect(performance.now() - begun).toBeLessThan(2500)
  return error as KafkaError
}

const peers = new Set<{ server: Server; sockets: Set<Socket> }>()

/** A peer that is no broker: `onData` decides what it says. */
async function peer(onData: (socket: Socket, data: Buffer) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => onData(socket, data))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  peers.add({ server, sockets })
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

afterEach(() => {
  for (const { server, sockets } of peers) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  peers.clear()
})

/** The first bytes of a frame of 100 whose correlation id is that of the request. */
function half(request: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 100]), request.subarray(8, 12), Buffer.from([0, 0])])
}

for (const [client, ask] of Object.entries(waysToAsk)) {
  const failure = (options: Partial<ClientOptions> & { bootstrapServers: string }) =>
    failureOf(ask(new Kafka({ requestTimeoutMs: 500, socketConnectionSetupTimeoutMs: 500, ...options })))

  it(`${client}: no broker at the address`, async () => {
    const address = await peer(() => {})
    for (const { server } of peers) await new Promise((resolve) => server.close(resolve))
    const error = await failure({ bootstrapServers: address })
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION_REFUSED', retriable: true })
    expect(error.message).toContain(address)
  })

  it(`${client}: a host name that does not exist`, async () => {
    const error = await failure({ bootstrapServers: 'no-such-host.invalid:9092' })
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'DNS_LOOKUP_FAILED' })
    expect(error.message).toContain('no-such-host.invalid')
  })

  it(`${client}: a peer that answers garbage`, async () => {
    const address = await peer((socket) => socket.write(Buffer.from('deadbeefdeadbeefdeadbeef', 'hex')))
    const error = await failure({ bootstrapServers: address })
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'MALFORMED' })
  })

  it(`${client}: a peer that answers half a frame and hangs up`, async () => {
    const address = await peer((socket, data) => socket.end(half(data)))
    const error = await failure({ bootstrapServers: address })
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION_CLOSED' })
    expect(error.message).toContain('in the middle of an answer')
  })

  it(`${client}: a peer that answers half a frame and then nothing`, async () => {
    const address = await peer((socket, data) => socket.write(half(data)))
    const error = await failure({ bootstrapServers: address })
    expect(['CONNECTION_TIMEOUT', 'REQUEST_TIMEOUT']).toContain(error.code)
  })

  it(`${client}: a peer that speaks HTTP`, async () => {
    const address = await peer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const error = await failure({ bootstrapServers: address })
    expect(error.code).toBe('NOT_KAFKA')
  })

  it(`${client}: an unknown option, and options of the wrong type`, () => {
    const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
    const make = (options: object) => () =>
      (kafka as unknown as Record<string, (o: object) => void>)[client]!(options)
    expect(make({ nonsense: 1 })).toThrow(/nonsense is not an option; allowed: /)
    expect(make({ requesttimeoutms: 1 })).toThrow(/did you mean requestTimeoutMs\?/)
    expect(make({ requestTimeoutMs: '1' })).toThrow(/requestTimeoutMs is "1"; allowed: /)
    expect(make({ requestTimeoutMs: -1 })).toThrow(/requestTimeoutMs is -1; allowed: at least 1/)
    try {
      make({ nonsense: 1 })()
    } catch (error) {
      expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', retriable: false })
    }
  })
}

describeKafka(
  'bad input, with a real Kafka',
  (kafka) => {
    for (const [client, ask] of Object.entries(waysToAsk)) {
      const failure = (options: ClientOptions) =>
        failureOf(ask(new Kafka({ requestTimeoutMs: 900, socketConnectionSetupTimeoutMs: 900, ...options })))

      it(`${client}: TLS to a plain port`, async () => {
        const error = await failure({ bootstrapServers: kafka.bootstrapServers, tls: true })
        expect(error).toMatchObject({ name: 'TlsError', code: 'TLS_HANDSHAKE_FAILED' })
      })

      it(`${client}: plain to a TLS port`, async () => {
        const error = await failure({ bootstrapServers: kafka.tlsBootstrapServers! })
        expect(['TLS_REQUIRED', 'CONNECTION_CLOSED']).toContain(error.code)
        expect(error.message).toMatch(/TLS/)
      })

      it(`${client}: a certificate for another host name`, async () => {
        const error = await failure({
          bootstrapServers: kafka.wrongHostTlsBootstrapServers!,
          tls: { ca: kafka.ca! },
        })
        expect(error).toMatchObject({ name: 'TlsError', code: 'TLS_CERTIFICATE_INVALID', retriable: false })
      })

      it(`${client}: a certificate that nobody vouches for`, async () => {
        const error = await failure({ bootstrapServers: kafka.tlsBootstrapServers!, tls: true })
        expect(error).toMatchObject({ name: 'TlsError', code: 'TLS_CERTIFICATE_INVALID' })
      })

      it(`${client}: a wrong password`, async () => {
        const error = await failure({
          bootstrapServers: kafka.saslBootstrapServers!,
          sasl: { mechanism: 'PLAIN', username: 'alice', password: 'wrong' },
        })
        expect(error).toMatchObject({
          name: 'AuthenticationError',
          code: 'SASL_AUTHENTICATION_FAILED',
          retriable: false,
        })
        expect(error.message).not.toContain('wrong')
      })
    }

    it('an unknown topic, while others go on', async () => {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `known-${randomUUID()}`
      await using admin = client.admin()
      await admin.createTopics([{ name: topic, numPartitions: 2, replicationFactor: 1 }])
      await using producer = client.producer({ maxBlockMs: 1500 })
      const unknown = failureOf(producer.send({ topic: `unknown-${randomUUID()}`, value: 'x' }))
      const others = await producer.sendMany(
        [1, 2, 3].map((n) => ({ topic, partition: 1, value: String(n) })),
      )
      expect(others).toEqual([{ topic, partition: 1, baseOffset: 0, count: 3 }])
      expect(await unknown).toMatchObject({ name: 'BrokerError', code: 'UNKNOWN_TOPIC_OR_PARTITION' })

      await using consumer = client.consumer({ defaultApiTimeoutMs: 1500 })
      expect(await failureOf(consumer.partitionsFor(`unknown-${randomUUID()}`))).toMatchObject({
        name: 'BrokerError',
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
      })
      const [described] = await admin.describeTopics([`unknown-${randomUUID()}`])
      expect(described!.error).toMatchObject({ name: 'BrokerError', code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    })

    it('a partition out of range, a record that is too large, a negative offset', async () => {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `small-${randomUUID()}`
      await using admin = client.admin()
      await admin.createTopics([{ name: topic, numPartitions: 2, replicationFactor: 1 }])
      await using producer = client.producer({ maxRequestSize: 1000 })
      expect(await failureOf(producer.send({ topic, partition: 2, value: 'x' }))).toMatchObject({
        name: 'InvalidArgumentError',
        message: `topic ${topic} has no partition 2: allowed are 0 to 1`,
      })
      expect(await failureOf(producer.send({ topic, value: 'x'.repeat(1000) }))).toMatchObject({
        name: 'RecordTooLargeError',
        code: 'RECORD_TOO_LARGE',
      })
      expect((await producer.send({ topic, value: 'x'.repeat(800) })).offset).toBe(0)

      await using consumer = client.consumer()
      for (const offset of [-1, 0.5, Number.NaN, 2 ** 53]) {
        expect(() => consumer.assign([{ topic, partition: 0, offset }])).toThrow(/offset/)
      }
      consumer.assign([{ topic, partition: 0 }])
      expect(() => consumer.seek({ topic, partition: 0, offset: -1 })).toThrow(/offset.*-1/)
      expect(await failureOf(consumer.endOffsets([{ topic, partition: 7 }]))).toMatchObject({
        name: 'InvalidArgumentError',
      })
    })
  },
  { needs: 'listeners' },
)

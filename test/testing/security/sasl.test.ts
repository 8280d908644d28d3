import { afterEach, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { apiVersions } from '../../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { saslAuthenticate } from '../../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/apis/sasl-handshake.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { type StartKafkaOptions, startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { failureOf } from '../../support/promises.ts'
import { encode, finalMessage, loginPlain, loginScram, sendToken } from '../support/sasl-client.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

const users = { alice: 'alice-secret', bob: 'p,=word' }

async function start(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const kafka = await startKafka({ topics: ['t'], sasl: { users }, ...options })
  running.push(kafka)
  return kafka
}

async function connect(kafka: TestKafka): Promise<RawConnection> {
  const [host, port] = kafka.bootstrapServers.split(':')
  const connection = await connectRaw({ host: host!, port: Number(port), timeoutMs: 5_000 })
  running.push(connection)
  return connection
}

function principals(kafka: TestKafka): string[] {
  return [...kafka.cluster.brokers.get(1)!.connections].map(({ principal }) => principal)
}

const closed = { code: 'CONNECTION_CLOSED' }

describe('a broker with SASL', () => {
  it('lets in who has the password, as a user of that name', async () => {
    const kafka = await start()
    const connection = await connect(kafka)
    expect(await loginPlain(connection, 'alice', 'alice-secret')).toMatchObject({
      errorCode: 0,
      said: '',
      sessionLifetimeMs: 0n,
    })
    expect(principals(kafka)).toEqual(['User:alice'])
    expect((await connection.send(metadata, 12, {})).decoded!.clusterId).toBe(kafka.cluster.clusterId)
  })

  it('lets in clients of ours', async () => {
    const kafka = await start()
    const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'alice-secret' } as const
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, sasl })
    const producer = client.producer()
    running.push(producer)
    expect(await producer.send({ topic: 't', value: 'x' })).toMatchObject({ offset: 0 })

    const stranger = new Kafka({
      bootstrapServers: kafka.bootstrapServers,
      sasl: { ...sasl, password: 'guess' },
    }).producer()
    running.push(stranger)
    expect(await failureOf(stranger.send({ topic: 't', value: 'x' }))).toMatchObject({
      code: 'SASL_AUTHENTICATION_FAILED',
      message: expect.stringContaining('Authentication failed: Invalid username or password'),
    })
  })

  it.each([
    ['\0alice\0guess', 'Authentication failed: Invalid username or password'],
    ['\0nobody\0guess', 'Authentication failed: Invalid username or password'],
    ['\0__proto__\0guess', 'Authentication failed: Invalid username or password'],
    ['\0\0guess', 'Authentication failed: username not specified'],
    ['\0alice\0', 'Authentication failed: password not specified'],
    [
      'bob\0alice\0alice-secret',
      'Authentication failed: Client requested an authorization id that is different from username',
    ],
    ['alice', 'Invalid SASL/PLAIN response: expected 3 tokens, got 1'],
  ])('refuses %j in the words of Kafka, and hangs up', async (token, errorMessage) => {
    const connection = await connect(await start())
    await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(await sendToken(connection, token)).toMatchObject({
      errorCode: errors.SASL_AUTHENTICATION_FAILED,
      errorMessage,
    })
    expect(await failureOf(connection.receive())).toMatchObject(closed)
  })

  it('refuses mechanisms that it has not, and names those that it has', async () => {
    const kafka = await start({ sasl: { users, mechanisms: ['SCRAM-SHA-512'] } })
    const connection = await connect(kafka)
    const { decoded } = await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(decoded).toMatchObject({
      errorCode: errors.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['SCRAM-SHA-512'],
    })
    expect(await failureOf(connection.receive())).toMatchObject(closed)
  })

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('lets in by %s, and proves itself', async (name) => {
    const kafka = await start()
    const connection = await connect(kafka)
    expect(await loginScram(connection, name, 'bob', 'p,=word')).toMatchObject({ errorCode: 0 })
    expect(principals(kafka)).toEqual(['User:bob'])
  })

  it('refuses by SCRAM without telling why', async () => {
    const kafka = await start()
    const refused = {
      errorCode: errors.SASL_AUTHENTICATION_FAILED,
      errorMessage:
        'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256',
    }
    for (const [user, password] of [
      ['alice', 'guess'],
      ['nobody', 'guess'],
      ['alice,m=x', 'alice-secret'],
    ] as const) {
      const connection = await connect(kafka)
      expect(await loginScram(connection, 'SCRAM-SHA-256', user, password)).toMatchObject(refused)
      expect(await failureOf(connection.receive())).toMatchObject(closed)
    }
  })

  it('hears of somebody with another nonce that the exchange is not his', async () => {
    const connection = await connect(await start())
    await connection.send(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })
    const first = await sendToken(connection, 'n,,n=alice,r=abc')
    const { message } = finalMessage(
      'SCRAM-SHA-256',
      'alice-secret',
      'n=alice,r=abc',
      first.said.replace('r=abc', 'r=abd'),
    )
    expect(await sendToken(connection, message)).toMatchObject({
      errorCode: errors.SASL_AUTHENTICATION_FAILED,
    })
  })

  it('takes tokens without a header after SaslHandshake version 0', async () => {
    const kafka = await start()
    const connection = await connect(kafka)
    await connection.send(saslHandshake, 0, { mechanism: 'PLAIN' })
    const token = encode('\0alice\0alice-secret')
    const frame = new Uint8Array(4 + token.length)
    new DataView(frame.buffer).setInt32(0, token.length)
    frame.set(token, 4)
    expect(await connection.sendBytes(frame, { expectResponse: true })).toHaveLength(0)
    expect((await connection.send(metadata, 12, {})).decoded!.clusterId).toBe(kafka.cluster.clusterId)
  })

  it('refuses a token without a header by hanging up', async () => {
    const connection = await connect(await start())
    await connection.send(saslHandshake, 0, { mechanism: 'PLAIN' })
    const answer = connection.sendBytes(Uint8Array.of(0, 0, 0, 3, 0, 97, 0), { expectResponse: true })
    expect(await failureOf(answer)).toMatchObject(closed)
  })

  it('tells its versions before, once', async () => {
    const kafka = await start()
    const connection = await connect(kafka)
    expect((await connection.send(apiVersions, 4, {}, { apiVersion: 99 })).decoded).toMatchObject({
      errorCode: errors.UNSUPPORTED_VERSION,
    })
    expect((await connection.send(apiVersions, 0, {})).decoded!.errorCode).toBe(0)
    expect(await failureOf(connection.send(apiVersions, 0, {}))).toMatchObject(closed)
  })

  it('hangs up on who asks for something else before', async () => {
    const connection = await connect(await start())
    expect(await failureOf(connection.send(metadata, 12, {}))).toMatchObject(closed)
  })

  it('says so to who asks for something else in between, and hangs up', async () => {
    const connection = await connect(await start())
    await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    const { decoded } = await connection.send(metadata, 12, { topics: [{ name: 't' }] })
    expect(decoded!.topics).toMatchObject([{ name: 't', errorCode: errors.ILLEGAL_SASL_STATE }])
    expect(await failureOf(connection.receive())).toMatchObject(closed)
  })

  it('says so to who is in already and begins anew', async () => {
    const connection = await connect(await start())
    await loginPlain(connection, 'alice', 'alice-secret')
    const { decoded } = await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(decoded).toMatchObject({ errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] })
    expect(await sendToken(connection, '\0alice\0alice-secret')).toMatchObject({
      errorCode: errors.ILLEGAL_SASL_STATE,
      errorMessage: 'SaslAuthenticate request received after successful authentication',
    })
    expect((await connection.send(metadata, 12, {})).error).toBeNull()
  })

  it('on a listener without it says that there is none', async () => {
    const kafka = await startKafka()
    running.push(kafka)
    const connection = await connect(kafka)
    const { decoded } = await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(decoded).toMatchObject({ errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] })
    const token = await connection.send(saslAuthenticate, 0, { authBytes: encode('x') })
    expect(token.decoded!.errorCode).toBe(errors.ILLEGAL_SASL_STATE)
    expect(principals(kafka)).toEqual(['User:ANONYMOUS'])
  })
})

describe('a session with an end (KIP-368)', () => {
  const limited = { configs: { 'connections.max.reauth.ms': 60_000 } }

  it('is told of, and goes on for who comes again in time', async () => {
    const kafka = await start(limited)
    const connection = await connect(kafka)
    expect((await loginPlain(connection, 'alice', 'alice-secret')).sessionLifetimeMs).toBe(60_000n)
    await kafka.advanceClock(50_000)
    expect((await loginPlain(connection, 'alice', 'alice-secret')).sessionLifetimeMs).toBe(60_000n)
    await kafka.advanceClock(50_000)
    expect((await connection.send(metadata, 12, {})).error).toBeNull()
  })

  it('is over with the next request for who does not', async () => {
    const kafka = await start(limited)
    const connection = await connect(kafka)
    await loginPlain(connection, 'alice', 'alice-secret')
    await kafka.advanceClock(60_001)
    expect(connection.closed).toBeNull()
    expect(await failureOf(connection.send(metadata, 12, {}))).toMatchObject(closed)
  })

  it('may not be gone on with by another user', async () => {
    const kafka = await start(limited)
    const connection = await connect(kafka)
    await loginPlain(connection, 'alice', 'alice-secret')
    expect(await loginPlain(connection, 'bob', 'p,=word')).toMatchObject({
      errorCode: errors.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication from User.alice: User.bob',
    })
    expect(await failureOf(connection.receive())).toMatchObject(closed)
  })

  it('may not be gone on with by another mechanism', async () => {
    const kafka = await start(limited)
    const connection = await connect(kafka)
    await loginPlain(connection, 'alice', 'alice-secret')
    const login = loginScram(connection, 'SCRAM-SHA-256', 'alice', 'alice-secret')
    expect(await failureOf(login)).toMatchObject(closed)
  })

  it('is not begun anew more than once a second', async () => {
    const kafka = await start(limited)
    const connection = await connect(kafka)
    await loginPlain(connection, 'alice', 'alice-secret')
    await loginPlain(connection, 'alice', 'alice-secret')
    const { decoded } = await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(decoded!.errorCode).toBe(errors.ILLEGAL_SASL_STATE)
    await kafka.advanceClock(1_000)
    expect((await loginPlain(connection, 'alice', 'alice-secret')).errorCode).toBe(0)
  })
})

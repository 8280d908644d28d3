import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  connectRaw,
  type RawConnection,
  type RawConnectionOptions,
} from '../../src/network/raw-connection.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { ByteReader } from '../../src/protocol/byte-reader.ts'
import { requestHeader } from '../../src/protocol/headers.ts'
import { describeKafka } from '../support/real-kafka/index.ts'
import { makeTestCertificates, type TestCertificates } from '../support/real-kafka/test-certificates.ts'
import {
  int32,
  responseFrame,
  type ScriptedBroker,
  type ScriptedBrokerOptions,
  sized,
  startScriptedBroker,
} from '../support/scripted-broker.ts'

const started: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop()
})

async function start(
  brokerOptions: ScriptedBrokerOptions = {},
  options: Partial<RawConnectionOptions> = {},
): Promise<{ broker: ScriptedBroker; connection: RawConnection }> {
  const broker = await startScriptedBroker(brokerOptions)
  started.push(() => broker.stop())
  const connection = await connectRaw({ host: broker.host, port: broker.port, ...options })
  started.push(() => connection.close())
  return { broker, connection }
}

/** A peer that answers each chunk by `reply`. */
function echo(reply: (chunk: Buffer) => Uint8Array | null): ScriptedBrokerOptions {
  return {
    onConnection: (socket: Socket) => {
      socket.on('data', (chunk: Buffer) => {
        const bytes = reply(chunk)
        if (bytes !== null) socket.write(bytes)
      })
    },
  }
}

describe('a raw connection', () => {
  it('sends a request without asking for versions first, and gives the frame and what it says', async () => {
    const { broker, connection } = await start({}, { clientId: 'tester' })
    const answer = await connection.send(metadata, 12, { topics: null })
    expect(broker.requests).toMatchObject([
      { api: 'Metadata', version: 12, clientId: 'tester', correlationId: 0 },
    ])
    expect(answer).toMatchObject({ correlationId: 0, version: 12, error: null, trailingBytes: 0 })
    expect(answer.decoded?.brokers).toMatchObject([{ port: broker.port }])
    expect(new ByteReader(answer.frame).int32()).toBe(0)
  })

  it('sends the header that the caller wants', async () => {
    const seen: Buffer[] = []
    const { connection } = await start(
      echo((chunk) => {
        seen.push(chunk)
        return responseFrame(metadata, { version: 9, correlationId: 77 }, {})
      }),
    )
    const answer = await connection.send(
      metadata,
      9,
      { topics: null },
      {
        clientId: null,
        correlationId: 77,
        headerVersion: 2,
        headerTags: [{ tag: 5, data: Uint8Array.of(1, 2) }],
        apiKey: 999,
        apiVersion: 55,
        bodyBytes: Uint8Array.of(0xca, 0xfe),
      },
    )
    expect(answer.correlationId).toBe(77)
    const reader = new ByteReader(seen[0]!, 4)
    expect(requestHeader.read(reader, 2)).toEqual({
      requestApiKey: 999,
      requestApiVersion: 55,
      correlationId: 77,
      clientId: null,
      unknownTaggedFields: [{ tag: 5, data: Buffer.from([1, 2]) }],
    })
    expect(seen[0]!.subarray(reader.offset).toString('hex')).toBe('cafe')
    expect(seen[0]!.readInt32BE()).toBe(seen[0]!.length - 4)
  })

  it('refuses tagged fields in a header that has none', async () => {
    const { connection } = await start()
    const headerTags = [{ tag: 1, data: new Uint8Array(0) }]
    await expect(connection.send(metadata, 4, {}, { headerTags })).rejects.toThrow(
      'header version 1 has no tagged fields, version 2 has',
    )
  })

  it('sends bytes as they are and gives back frames as they come', async () => {
    const { connection } = await start(
      echo((chunk) => Buffer.concat([sized(chunk), sized(Buffer.from('more'))])),
    )
    const frame = await connection.sendBytes(Buffer.from('anything'), { expectResponse: true })
    expect(Buffer.from(frame!).toString()).toBe('anything')
    expect(Buffer.from(await connection.receive()).toString()).toBe('more')
  })

  it('waits for no answer where there is none', async () => {
    const { broker, connection } = await start()
    expect(await connection.send(produce, 9, { acks: 0 }, { expectResponse: false })).toBeNull()
    await broker.received(produce)
    expect((await connection.send(metadata, 4, { topics: [] })).error).toBeNull()
  })

  it('gives an answer that does not decode with the reason', async () => {
    const { connection } = await start(echo(() => sized(Buffer.concat([int32(0), Buffer.from([0x7f])]))))
    const answer = await connection.send(metadata, 4, { topics: [] })
    expect(answer).toMatchObject({ decoded: null, correlationId: 0 })
    expect(answer.error?.code).toBe('TRUNCATED')
    const short = await start(echo(() => sized(Buffer.from([1]))))
    expect(await short.connection.send(metadata, 4, { topics: [] })).toMatchObject({
      decoded: null,
      correlationId: -1,
    })
  })

  it('has a deadline on every wait, and a late answer goes to who asks next', async () => {
    const sockets: Socket[] = []
    const { connection } = await start({ onConnection: (socket) => void sockets.push(socket) })
    await expect(connection.send(metadata, 4, { topics: [] }, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    })
    const late = connection.receive()
    sockets[0]!.write(sized(Buffer.from('late')))
    expect(Buffer.from(await late).toString()).toBe('late')
    const signal = AbortSignal.timeout(20)
    await expect(connection.receive({ signal })).rejects.toBe(await aborted(signal))
  })

  it('tells who waits that the broker has gone, and everybody after', async () => {
    const { broker, connection } = await start(echo(() => null))
    const waiting = connection.receive()
    broker.disconnect()
    await expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await expect(connection.send(metadata, 4, {})).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('leaves no socket after close', async () => {
    const { broker, connection } = await start(echo(() => null))
    const waiting = connection.receive()
    const over = expect(waiting).rejects.toThrow('closed by this client')
    await connection.close()
    await connection.close()
    await over
    await broker.until(() => broker.openConnections === 0)
    expect(connection.closed?.message).toContain('closed by this client')
  })

  it('closes on a frame that is larger than allowed', async () => {
    const { connection } = await start(
      echo(() => Buffer.from('HTTP/1.1')),
      { receiveMessageMaxBytes: 1000 },
    )
    await expect(connection.sendBytes(Buffer.from('x'), { expectResponse: true })).rejects.toThrow(
      'frame of 1213486160 bytes, allowed are 0 to 1000',
    )
  })

  it('is refused where nobody listens, and given up after its time', async () => {
    const broker = await startScriptedBroker()
    await broker.stop()
    const to = { host: broker.host, port: broker.port }
    await expect(connectRaw(to)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' })
    const connect = () => new Promise<never>(() => {})
    await expect(connectRaw({ ...to, connect, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    })
  })
})

describe('a raw connection over TLS', () => {
  let folder: string
  let certificates: TestCertificates

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raw-tls-'))
    certificates = await makeTestCertificates(folder)
  })

  afterAll(async () => {
    await rm(folder, { recursive: true })
  })

  /** A scripted broker behind a port that speaks TLS with the key and certificate in `file`. */
  async function startTls(
    file: string,
  ): Promise<{ broker: ScriptedBroker; port: number; open: () => number }> {
    const broker = await startScriptedBroker()
    started.push(() => broker.stop())
    const pem = await readFile(file)
    const sockets = new Set<TLSSocket>()
    const server = createServer({ key: pem, cert: pem }, (socket) => {
      sockets.add(socket)
      const inner = connectTcp(broker.port, broker.host)
      socket.pipe(inner).pipe(socket)
      socket.on('error', () => inner.destroy()).on('close', () => sockets.delete(socket))
      inner.on('error', () => socket.destroy())
    })
    // A client that does not trust us hangs up in the handshake.
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    started.push(async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return { broker, port: address.port, open: () => sockets.size }
  }

  it('sends and is answered, checks the name, and closes', async () => {
    const { broker, port, open } = await startTls(certificates.brokerFile)
    for (const host of ['localhost', '127.0.0.1']) {
      const connection = await connectRaw({ host, port, tls: { ca: certificates.ca }, clientId: 'secure' })
      started.push(() => connection.close())
      // Longer than a TLS record of 16 kB.
      const topics = [{ name: 'a'.repeat(20_000) }]
      const answer = await connection.send(metadata, 12, { topics })
      expect(answer).toMatchObject({ error: null, trailingBytes: 0 })
      expect(answer.decoded?.brokers).toMatchObject([{ port: broker.port }])
      expect(broker.requests.at(-1)).toMatchObject({ api: 'Metadata', clientId: 'secure', body: { topics } })
      expect(open()).toBe(1)
      await connection.close()
      await vi.waitFor(() => expect(open()).toBe(0))
    }
  })

  it('is refused by a certificate of nobody that it trusts, or of another host', async () => {
    const trusted = await startTls(certificates.brokerFile)
    const wrongHost = await startTls(certificates.wrongHostFile)
    const host = 'localhost'
    await expect(connectRaw({ host, port: trusted.port, tls: true })).rejects.toMatchObject({
      name: 'TlsError',
      code: 'TLS_CERTIFICATE_INVALID',
    })
    const tls = { ca: certificates.ca }
    await expect(connectRaw({ host, port: wrongHost.port, tls })).rejects.toMatchObject({
      name: 'TlsError',
      code: 'TLS_CERTIFICATE_INVALID',
    })
    expect(trusted.broker.requests).toEqual([])
  })

  it('fails in the handshake with a port that speaks plain text', async () => {
    const broker = await startScriptedBroker(echo(() => Buffer.from('HTTP/1.1 400 Bad Request')))
    started.push(() => broker.stop())
    await expect(connectRaw({ host: broker.host, port: broker.port, tls: true })).rejects.toMatchObject({
      code: 'TLS_HANDSHAKE_FAILED',
    })
  })
})

async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await once(signal, 'abort')
  return signal.reason
}

describeKafka('a raw connection to a real broker', (kafka) => {
  async function connect(): Promise<RawConnection> {
    const [host, port] = kafka.bootstrapServers.split(',')[0]!.split(':')
    const connection = await connectRaw({ host: host!, port: Number(port), clientId: `raw-${randomUUID()}` })
    started.push(() => connection.close())
    return connection
  }

  it('is answered ApiVersions at every version, and one that it does not have by version 0', async () => {
    const connection = await connect()
    for (let version = 0; version <= 4; version++) {
      const answer = await connection.send(apiVersions, version, {
        clientSoftwareName: 'raw',
        clientSoftwareVersion: '1',
      })
      expect(answer).toMatchObject({ version, error: null, trailingBytes: 0 })
      expect(answer.decoded?.errorCode).toBe(0)
    }
    const refused = await connection.send(apiVersions, 4, {}, { apiVersion: 99 })
    expect(refused).toMatchObject({ version: 0, trailingBytes: 0, decoded: { errorCode: 35 } })
  })

  it('is answered Metadata at every version that it offers', async () => {
    const connection = await connect()
    const offered = (await connection.send(apiVersions, 0, {})).decoded!.apiKeys.find(
      ({ apiKey }) => apiKey === metadata.key,
    )!
    expect(offered.maxVersion).toBeGreaterThan(offered.minVersion)
    for (
      let version = offered.minVersion;
      version <= Math.min(offered.maxVersion, metadata.versions.max);
      version++
    ) {
      const answer = await connection.send(metadata, version, { topics: version === 0 ? [] : null })
      expect(answer).toMatchObject({ version, error: null, trailingBytes: 0 })
      expect(answer.decoded?.brokers.length).toBeGreaterThan(0)
    }
  })
})

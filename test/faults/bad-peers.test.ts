import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterOptions } from '../../src/cluster/cluster.ts'
import { Deadline } from '../../src/deadline.ts'
import type { KafkaError } from '../../src/errors.ts'
import { dial } from '../../src/network/dial.ts'
import type { Connect } from '../../src/network/transport.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { clusterOptions } from '../support/network-options.ts'
import { failureOf } from '../support/promises.ts'
import { freePorts } from '../support/real-kafka/free-ports.ts'
import {
  int32,
  responseFrame,
  type ScriptedBroker,
  type ScriptedRequest,
  sized,
  startScriptedBroker,
} from '../support/scripted-broker.ts'

// Each of these peers is met by a whole client. What is asserted is always the same: a distinct error, in time, with
// nothing left behind; and the client goes on with a broker that behaves.

const brokers: ScriptedBroker[] = []
const clusters: Cluster[] = []

afterEach(async () => {
  for (const cluster of clusters.splice(0)) cluster.close()
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()))
})

async function scripted(onConnection?: (socket: Socket) => void): Promise<ScriptedBroker> {
  const broker = await startScriptedBroker(onConnection === undefined ? {} : { onConnection })
  brokers.push(broker)
  return broker
}

function clusterAt(address: string, options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster(clusterOptions([address], options))
  clusters.push(cluster)
  return cluster
}

/** What a request to this address fails with. `forMs` is its deadline, for errors that are worth another try. */
async function errorFrom(
  address: string,
  options: Partial<ClusterOptions> = {},
  forMs = 200,
): Promise<KafkaError> {
  const sockets: Duplex[] = []
  const connect: Connect = async (target) => {
    const socket = await dial(target)
    sockets.push(socket)
    return socket
  }
  const cluster = clusterAt(address, { connect, ...options })
  const start = performance.now()
  const error = await failureOf(cluster.request(heartbeat, {}, { to: 'any', deadline: new Deadline(forMs) }))
  expect(performance.now() - start).toBeLessThan(forMs + 1_000)
  cluster.close()
  await new Promise((resolve) => setImmediate(resolve))
  expect(sockets.filter((socket) => !socket.destroyed)).toEqual([])
  return error as KafkaError
}

describe('an address', () => {
  it('with nobody there', async () => {
    const [port] = await freePorts(1)
    expect(await errorFrom(`127.0.0.1:${port}`)).toMatchObject({
      name: 'ConnectionError',
      code: 'CONNECTION_REFUSED',
      retriable: true,
      message: `127.0.0.1:${port}: connection refused: nobody listens there`,
    })
  })

  it('whose name is unknown', async () => {
    const error = await errorFrom('no-such-host.invalid:9092')
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'DNS_LOOKUP_FAILED', retriable: true })
    expect(error.message).toContain('no-such-host.invalid:9092: the name has no address')
  })

  it('that swallows everything', async () => {
    const peer = await scripted((socket) => socket.pause())
    const options = { socketConnectionSetupTimeoutMs: 50, socketConnectionSetupTimeoutMaxMs: 50 }
    expect(await errorFrom(peer.address, options)).toMatchObject({
      name: 'ConnectionError',
      code: 'CONNECTION_TIMEOUT',
      message: `${peer.address}: no connection within 50 ms`,
    })
  })

  it('with a port that cannot be', async () => {
    expect(await errorFrom('127.0.0.1:70000')).toMatchObject({ code: 'CONNECTION_FAILED' })
  })
})

describe('a peer that is no Kafka', () => {
  it('but an HTTP server', async () => {
    const server = createServer((_, response) => response.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      expect(await errorFrom(`127.0.0.1:${port}`)).toMatchObject({
        code: 'NOT_KAFKA',
        message: `127.0.0.1:${port} speaks HTTP, not Kafka`,
        retriable: false,
      })
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('but speaks TLS, even byte by byte', async () => {
    const peer = await scripted((socket) => {
      socket.setNoDelay(true)
      // A fatal alert: unexpected message.
      for (const [i, byte] of [21, 3, 3, 0, 2, 2, 10].entries()) {
        setTimeout(() => socket.write(Buffer.from([byte])), i * 3)
      }
    })
    expect(await errorFrom(peer.address)).toMatchObject({
      name: 'TlsError',
      code: 'TLS_REQUIRED',
      retriable: false,
      message: `${peer.address} speaks TLS, but the option tls is not set`,
    })
    expect(peer.accepted).toBe(1)
  })

  it('but sends garbage', async () => {
    const peer = await scripted((socket) => socket.write(Buffer.from('\x7f\x00\x00\x01 what is this')))
    expect(await errorFrom(peer.address)).toMatchObject({ name: 'ProtocolError', code: 'MALFORMED' })
  })

  it('and hangs up at once', async () => {
    const peer = await scripted((socket) => socket.end())
    expect(await errorFrom(peer.address)).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: expect.stringMatching(/does this port expect TLS|EPIPE|ECONNRESET/),
      retriable: true,
    })
  })

  it('and does not speak TLS', async () => {
    const silent = await scripted((socket) => socket.pause())
    expect(await errorFrom(silent.address, { tls: true, socketConnectionSetupTimeoutMs: 100 })).toMatchObject(
      {
        code: 'CONNECTION_TIMEOUT',
      },
    )
    const http = await scripted((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    )
    expect(await errorFrom(http.address, { tls: true })).toMatchObject({
      name: 'TlsError',
      code: 'TLS_HANDSHAKE_FAILED',
      retriable: false,
      message: expect.stringContaining('does this port speak TLS?'),
    })
    const closing = await scripted((socket) => socket.once('data', () => socket.destroy()))
    expect(await errorFrom(closing.address, { tls: true })).toMatchObject({
      name: 'TlsError',
      code: 'TLS_HANDSHAKE_FAILED',
      // A broker that is about to stop does the same.
      retriable: true,
    })
  })

  it('and cannot be reached with these keys', async () => {
    const peer = await scripted()
    expect(
      await errorFrom(peer.address, { tls: { cert: 'not a certificate', key: 'no key' } }),
    ).toMatchObject({
      name: 'InvalidOptionError',
      message: expect.stringContaining('the option tls cannot be used'),
    })
    expect(peer.accepted).toBe(0)
  })
})

describe('an answer', () => {
  let peer: ScriptedBroker

  beforeEach(async () => {
    peer = await scripted()
  })

  /** The error when Heartbeat is answered with these bytes. */
  async function answeredBy(
    reply: (request: ScriptedRequest) => Uint8Array | null,
    options: Partial<ClusterOptions> = {},
    forMs?: number,
  ): Promise<KafkaError> {
    peer.on(heartbeat, (request) => reply(request as unknown as ScriptedRequest))
    return await errorFrom(peer.address, options, forMs)
  }

  const whole = (request: ScriptedRequest) => responseFrame(heartbeat, request, { throttleTimeMs: 0 })

  it.each([
    ['of a huge length', () => int32(0x7fffffff), /frame of 2147483647 bytes, allowed are 0 to 1000000/],
    ['of a negative length', () => int32(-1), /frame of -1 bytes/],
    ['one byte larger than allowed', () => int32(1_000_001), /frame of 1000001 bytes/],
    [
      'with the wrong correlation id',
      (request: ScriptedRequest) => whole({ ...request, correlationId: 77 }),
      /correlation id 77, expected was 1 \(Heartbeat\)/,
    ],
  ])('%s ends the connection', async (_, reply, message) => {
    const error = await answeredBy(reply)
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'MALFORMED', retriable: false })
    expect(error.message).toMatch(message)
    expect(error.message.startsWith(`${peer.address} sent an answer that cannot be read: `)).toBe(true)
    expect(peer.seen(heartbeat)).toHaveLength(1)
  })

  it('of no length has no correlation id', async () => {
    expect(await answeredBy(() => int32(0))).toMatchObject({
      code: 'TRUNCATED',
      message: `${peer.address} sent an answer that cannot be read: an answer of 0 bytes has no correlation id`,
    })
  })

  it('whose body is cut short says in which answer, and is said once', async () => {
    const error = await answeredBy((request) => sized(whole(request).subarray(4, -3)))
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'TRUNCATED' })
    expect(error.message).toMatch(/sent an answer to Heartbeat that cannot be read: /)
    expect(error.message.match(/cannot be read/g)).toHaveLength(1)
  })

  it('to ApiVersions that cannot be read names the broker', async () => {
    peer.on(apiVersions, ({ correlationId }) =>
      sized(Buffer.concat([int32(correlationId), Buffer.from([0])])),
    )
    const error = await errorFrom(peer.address)
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'TRUNCATED' })
    expect(error.message).toContain(`${peer.address} sent an answer to ApiVersions that cannot be read`)
  })

  it('cut in its middle by the end of the connection', async () => {
    const error = await answeredBy((request) => {
      request.socket.end(whole(request).subarray(0, 9))
      return null
    })
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', retriable: true })
    expect(error.message).toContain('closed by the broker in the middle of an answer')
  })

  it('of which only the beginning comes', async () => {
    const error = await answeredBy((request) => whole(request).subarray(0, 9), { requestTimeoutMs: 80 })
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'REQUEST_TIMEOUT', api: 'Heartbeat' })
    expect(error.message).toContain('no answer to Heartbeat in time, only its beginning')
  })

  it('that nobody asked for ends the connection, and the next request takes another', async () => {
    peer.on(heartbeat, (request) =>
      Buffer.concat([whole(request as unknown as ScriptedRequest), sized(int32(9))]),
    )
    const cluster = clusterAt(peer.address)
    const ask = () => cluster.request(heartbeat, {}, { to: 'any', deadline: new Deadline(2_000) })
    await ask()
    await peer.until(() => peer.openConnections === 0)
    await ask()
    expect(peer.accepted).toBe(2)
  })

  it('never read by anybody is no matter to the others', async () => {
    peer.on(heartbeat, () => null)
    peer.on(findCoordinator, () => ({ nodeId: 4 }), { min: 3, max: 3 })
    const cluster = clusterAt(peer.address, { requestTimeoutMs: 60 })
    const late = failureOf(
      cluster.request(heartbeat, {}, { to: 'any', deadline: new Deadline(400), purpose: 'group' }),
    )
    const others = Array.from({ length: 20 }, () =>
      cluster.request(findCoordinator, { key: 'g' }, { to: 'any', deadline: new Deadline(2_000) }),
    )
    expect((await Promise.all(others)).map((answer) => answer.nodeId)).toEqual(others.map(() => 4))
    expect(await late).toMatchObject({ code: 'REQUEST_TIMEOUT' })
  })
})

it('a broker with no version in common is no matter of another try', async () => {
  const peer = await scripted()
  peer.on(heartbeat, () => ({}), { min: 90, max: 91 })
  expect(await errorFrom(peer.address, {}, 5_000)).toMatchObject({
    name: 'UnsupportedVersionError',
    code: 'UNSUPPORTED_VERSION',
    retriable: false,
  })
  expect(peer.accepted).toBe(1)
})

it('a broker that offers versions upside down offers none', async () => {
  const peer = await scripted()
  peer.on(apiVersions, () => ({ apiKeys: [{ apiKey: heartbeat.key, minVersion: 4, maxVersion: 0 }] }))
  expect(await errorFrom(peer.address)).toMatchObject({ name: 'UnsupportedVersionError' })
})

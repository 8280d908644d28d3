import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Connection, type ConnectionOptions } from '../../src/network/connection.ts'
import { handshake } from '../../src/network/handshake.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { failureOf, gate } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'

let broker: ScriptedBroker
const open = new Set<Connection>()

beforeEach(async () => {
  broker = await startScriptedBroker()
  broker.on(heartbeat, () => ({}))
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const connection of open) connection.close()
  open.clear()
  await broker.stop()
})

async function dialed(options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const socket = connect(broker.port, broker.host)
  await once(socket, 'connect')
  const connection = new Connection(socket, {
    host: broker.host,
    port: broker.port,
    clientId: 'tests',
    requestTimeoutMs: 5_000,
    receiveMessageMaxBytes: 1_000_000,
    onClose: () => {},
    ...options,
  })
  open.add(connection)
  return connection
}

async function ready(options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const connection = await dialed(options)
  await handshake(connection, null)
  return connection
}

describe('a connection', () => {
  it('matches the answers of pipelined requests in order', async () => {
    broker.on(findCoordinator, ({ body, version }) =>
      version >= 4 ? { coordinators: body.coordinatorKeys.map((key) => ({ key, nodeId: Number(key) })) } : {},
    )
    const connection = await ready()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        connection.send(findCoordinator, { coordinatorKeys: [String(i)] }),
      ),
    )
    expect(answers.map((answer) => answer.coordinators[0]?.nodeId)).toEqual(answers.map((_, i) => i))
    expect(connection.inFlight).toBe(0)
  })

  it('tells the broker the client id and the name of this software', async () => {
    await ready()
    const [request] = broker.requests
    expect(request).toMatchObject({ api: 'ApiVersions', version: 4, clientId: 'tests' })
    expect(request?.body).toMatchObject({ clientSoftwareName: 'kafkawire' })
  })

  it('writes the requests of one tick in one go', async () => {
    const socket = connect(broker.port, broker.host)
    await once(socket, 'connect')
    const connection = new Connection(socket, {
      host: broker.host,
      port: broker.port,
      clientId: 'tests',
      requestTimeoutMs: 5_000,
      receiveMessageMaxBytes: 1_000_000,
      onClose: () => {},
    })
    open.add(connection)
    await handshake(connection, null)
    const uncork = vi.spyOn(socket, 'uncork')
    await Promise.all([
      connection.send(heartbeat, {}),
      connection.send(heartbeat, {}),
      connection.send(heartbeat, {}),
    ])
    expect(uncork).toHaveBeenCalledTimes(1)
  })

  it('uses the highest version that both sides speak, and no higher one than the caller wants', async () => {
    broker.on(heartbeat, () => ({}), { min: 1, max: 3 })
    const connection = await ready()
    await connection.send(heartbeat, {})
    await connection.send(heartbeat, {}, { maxVersion: 2 })
    expect(broker.seen(heartbeat).map((request) => request.version)).toEqual([3, 2])
  })

  it('says so when there is no version in common, and goes on', async () => {
    broker.on(heartbeat, () => ({}), { min: 90, max: 99 })
    broker.withdraw(metadata)
    broker.on(findCoordinator, () => ({}))
    const connection = await ready()
    expect(await failureOf(connection.send(heartbeat, {}))).toMatchObject({
      name: 'UnsupportedVersionError',
      code: 'UNSUPPORTED_VERSION',
      api: 'Heartbeat',
      message: `Heartbeat: we speak 0-4, ${broker.address} offers 90-99`,
    })
    expect(await failureOf(connection.send(metadata, {}))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringContaining('does not offer it'),
    })
    expect(connection.offers(metadata)).toBe(false)
    await connection.send(findCoordinator, {})
  })

  it('survives a request that cannot be encoded', async () => {
    const connection = await ready()
    const broken = connection.send(heartbeat, { generationId: 2 ** 40 })
    const other = connection.send(heartbeat, { generationId: 7 })
    expect(await failureOf(broken)).toMatchObject({ name: 'ProtocolError', code: 'UNENCODABLE' })
    await other
    expect(broker.seen(heartbeat).map((request) => request.body.generationId)).toEqual([7])
  })

  it('fails what is in flight when the broker hangs up, once and with the same cause', async () => {
    broker.on(findCoordinator, () => null)
    const onClose = vi.fn()
    const connection = await ready({ onClose })
    const waiting = [connection.send(findCoordinator, {}), connection.send(findCoordinator, {})].map(
      failureOf,
    )
    await broker.received(findCoordinator, 2)
    broker.disconnect()
    const [first, second] = await Promise.all(waiting)
    expect(first).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION_CLOSED', retriable: true })
    expect(second).toBe(first)
    expect(onClose).toHaveBeenCalledExactlyOnceWith(first)
    expect(connection.state).toBe('closed')
  })

  it('guesses at SASL when the broker hangs up at the first request', async () => {
    broker.on(findCoordinator, ({ socket }) => {
      socket.end()
      return null
    })
    const connection = await ready()
    expect(await failureOf(connection.send(findCoordinator, {}))).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: expect.stringContaining('does this listener expect SASL?'),
    })
    const second = await ready()
    await second.send(heartbeat, {})
    const error = (await failureOf(second.send(findCoordinator, {}))) as Error
    expect(error.message).not.toContain('SASL')
  })

  it('fails what is in flight when it is closed, and what is sent after', async () => {
    broker.on(findCoordinator, () => null)
    const connection = await ready()
    const waiting = failureOf(connection.send(findCoordinator, {}))
    const unwritten = failureOf(connection.sendUnanswered(heartbeat, {}))
    connection.close()
    const closed = { name: 'ConnectionError', code: 'CONNECTION_CLOSED' }
    expect(await waiting).toMatchObject(closed)
    expect(await unwritten).toMatchObject(closed)
    expect(await failureOf(connection.send(heartbeat, {}))).toMatchObject(closed)
    expect(await failureOf(connection.sendUnanswered(heartbeat, {}))).toMatchObject(closed)
    await broker.until(() => broker.openConnections === 0)
  })

  it('gives up a peer that does not answer in time, with all that waits behind', async () => {
    // Never, and so nothing behind it either: a broker answers in order.
    broker.on(findCoordinator, () => new Promise(() => {}))
    const connection = await ready({ requestTimeoutMs: 2_000 })
    const before = connection.send(heartbeat, {}, { timeoutMs: 10_000 })
    const late = failureOf(connection.send(findCoordinator, {}, { timeoutMs: 40 }))
    const last = failureOf(connection.send(heartbeat, {}))
    const error = await late
    expect(error).toMatchObject({
      name: 'TimeoutError',
      code: 'REQUEST_TIMEOUT',
      api: 'FindCoordinator',
      broker: broker.address,
      retriable: true,
    })
    expect(await last).toBe(error)
    await before
  })

  it('takes an answer that is there when the process wakes up late', async () => {
    const { opened, open: letGo } = gate()
    broker.on(findCoordinator, async () => {
      await opened
      return {}
    })
    const connection = await ready()
    const answer = connection.send(findCoordinator, {}, { timeoutMs: 1_000 })
    await broker.received(findCoordinator)
    letGo()
    // Let the broker's side write, then look at the clock long after the deadline, as after a freeze.
    await new Promise((resolve) => setImmediate(resolve))
    const until = performance.now() + 1_100
    while (performance.now() < until);
    await answer
    expect(connection.state).toBe('ready')
  })

  it('waits longer than a timer can when it is told to', async () => {
    const connection = await ready()
    await connection.send(heartbeat, {}, { timeoutMs: 2 ** 40 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(connection.state).toBe('ready')
  })

  it('lets go of the socket after the last answer when it is drained', async () => {
    const { opened, open: letGo } = gate()
    broker.on(findCoordinator, async () => {
      await opened
      return {}
    })
    const connection = await ready()
    const answer = connection.send(findCoordinator, {})
    connection.drain()
    expect(connection.state).toBe('draining')
    expect(connection.isUsable(60_000)).toBe(false)
    expect(await failureOf(connection.send(heartbeat, {}))).toMatchObject({ code: 'CONNECTION_CLOSED' })
    letGo()
    await answer
    expect(connection.state).toBe('closed')
  })

  it('writes what has no answer before it is drained', async () => {
    broker.on(produce, () => null)
    const connection = await ready()
    const written = connection.sendUnanswered(produce, { acks: 0, timeoutMs: 1 })
    connection.drain()
    await written
    await broker.received(produce)
    expect(connection.state).toBe('closed')
  })

  it('closes at once when it is drained with nothing in flight', async () => {
    const connection = await ready()
    connection.drain()
    expect(connection.state).toBe('closed')
  })
})

describe('throttling', () => {
  it('holds requests back for as long as the broker says, and keeps their order', async () => {
    broker.on(produce, () => null)
    broker.on(findCoordinator, () => ({ throttleTimeMs: 250 }))
    const connection = await ready()
    await connection.send(findCoordinator, {})
    const answered = performance.now()
    const first = connection.sendUnanswered(produce, { acks: 0, timeoutMs: 1 })
    const second = connection.send(heartbeat, {})
    const third = connection.sendUnanswered(produce, { acks: 0, timeoutMs: 2 })
    await Promise.all([first, second, third])
    const { at } = await broker.received(produce)
    expect(at - answered).toBeGreaterThan(180)
    await broker.received(produce, 2)
    expect(broker.requests.slice(-3).map((request) => request.api)).toEqual([
      'Produce',
      'Heartbeat',
      'Produce',
    ])
  })

  it('goes by the longest time that it was told', async () => {
    let throttleTimeMs = 300
    broker.on(findCoordinator, () => {
      const answer = { throttleTimeMs }
      throttleTimeMs = 1
      return answer
    })
    const connection = await ready()
    await Promise.all([connection.send(findCoordinator, {}), connection.send(findCoordinator, {})])
    const answered = performance.now()
    await connection.send(heartbeat, {})
    expect(performance.now() - answered).toBeGreaterThan(200)
  })

  it('does not take the time that it holds a request back for the broker being late', async () => {
    broker.on(findCoordinator, () => ({ throttleTimeMs: 200 }))
    const connection = await ready({ requestTimeoutMs: 5_000 })
    await connection.send(findCoordinator, {})
    await connection.send(heartbeat, {}, { timeoutMs: 100 })
    expect(connection.state).toBe('ready')
  })

  it('is not silenced for days by a broker that says so', async () => {
    broker.on(findCoordinator, () => ({ throttleTimeMs: 0x7fffffff }))
    const connection = await ready({ requestTimeoutMs: 100 })
    await connection.send(findCoordinator, {})
    await connection.send(heartbeat, {})
    expect(broker.seen(heartbeat)).toHaveLength(1)
  })

  it('ends with the connection', async () => {
    broker.on(findCoordinator, () => ({ throttleTimeMs: 60_000 }))
    const connection = await ready({ requestTimeoutMs: 60_000 })
    await connection.send(findCoordinator, {})
    const held = failureOf(connection.send(heartbeat, {}))
    await new Promise((resolve) => setImmediate(resolve))
    connection.close()
    expect(await held).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })
})

describe('requests without an answer', () => {
  it('make for a timeout when the peer takes nothing more', async () => {
    const silent = await startScriptedBroker({ onConnection: (socket) => socket.pause() })
    const socket = connect(silent.port, silent.host)
    await once(socket, 'connect')
    const connection = new Connection(socket, {
      host: silent.host,
      port: silent.port,
      clientId: 'tests',
      requestTimeoutMs: 100,
      receiveMessageMaxBytes: 1_000_000,
      onClose: () => {},
    })
    connection.negotiated(new Map([[heartbeat.key, { min: 0, max: 3 }]]), false)
    const large = 'x'.repeat(32_000)
    const writes = Array.from({ length: 1_000 }, () =>
      failureOf(connection.sendUnanswered(heartbeat, { groupId: large })),
    )
    const errors = await Promise.all(writes)
    expect(errors[0]).toMatchObject({ code: 'REQUEST_TIMEOUT', api: 'Heartbeat' })
    expect(new Set(errors).size).toBe(1)
    await silent.stop()
  })
})

describe('staleness', () => {
  it('is a matter of the clocks at the moment of use', async () => {
    const connection = await ready()
    expect(connection.isUsable(1_000)).toBe(true)
    const monotonic = performance.now()
    const wall = Date.now()
    const now = vi.spyOn(performance, 'now').mockReturnValue(monotonic + 1_001)
    expect(connection.isUsable(1_000)).toBe(false)
    expect(connection.isUsable(2_000)).toBe(true)
    now.mockReturnValue(monotonic)
    // A machine that slept: its monotonic clock stood still.
    vi.spyOn(Date, 'now').mockReturnValue(wall + 10_000)
    expect(connection.isUsable(1_000)).toBe(false)
  })

  it('does not spare a connection that waits for an answer', async () => {
    broker.on(findCoordinator, () => null)
    const connection = await ready()
    const waiting = failureOf(connection.send(findCoordinator, {}))
    const wall = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(wall + 10_000)
    expect(connection.isUsable(1_000)).toBe(false)
    connection.close()
    await waiting
  })

  it('comes with the end of the SASL session', async () => {
    const connection = await dialed()
    connection.negotiated(new Map(), true)
    connection.authenticated(10_000)
    expect(connection.isUsable(60_000)).toBe(true)
    const monotonic = performance.now()
    const now = vi.spyOn(performance, 'now').mockReturnValue(monotonic + 8_000)
    expect(connection.isUsable(60_000)).toBe(true)
    now.mockReturnValue(monotonic + 9_600)
    expect(connection.isUsable(60_000)).toBe(false)
  })
})

import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Broker, type NetworkOptions } from '../../src/network/broker.ts'
import { dial } from '../../src/network/dial.ts'
import type { ConnectTarget } from '../../src/network/transport.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { networkOptions } from '../support/network-options.ts'
import { failureOf, gate } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'
import { watchTimers } from '../support/timers.ts'

let peer: ScriptedBroker
const opened: Broker[] = []

beforeEach(async () => {
  peer = await startScriptedBroker()
  peer.on(heartbeat, () => ({}))
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const broker of opened.splice(0)) broker.close()
  await peer.stop()
})

function broker(options: Partial<NetworkOptions> = {}): Broker {
  const made = new Broker(peer.host, peer.port, networkOptions(options))
  opened.push(made)
  return made
}

/** A transport that counts its calls and notes when they came. */
function counted(connect = dial): { connect: typeof dial; times: number[] } {
  const times: number[] = []
  return {
    times,
    connect: (target) => {
      times.push(performance.now())
      return connect(target)
    },
  }
}

const refuse = () => Promise.reject(new Error('no way'))

describe('opening', () => {
  it('is one attempt for all who ask at the same time', async () => {
    const one = broker()
    const connections = await Promise.all(Array.from({ length: 10 }, () => one.connection('main')))
    expect(new Set(connections).size).toBe(1)
    expect(peer.accepted).toBe(1)
    expect(one.ready('main')).toBe(connections[0])
  })

  it('gives each purpose a connection of its own', async () => {
    const one = broker()
    const main = await one.connection('main')
    expect(one.ready('fetch')).toBeNull()
    const fetching = await one.connection('fetch')
    expect(fetching).not.toBe(main)
    expect(await one.connection('main')).toBe(main)
    expect(peer.accepted).toBe(2)
  })

  it('fails for all who wait when it fails, and can be tried again', async () => {
    const { connect, times } = counted()
    let fails = true
    const one = broker({
      connect: (target) => (fails ? connect(target).then(() => refuse()) : connect(target)),
    })
    const [first, second] = await Promise.all([
      failureOf(one.connection('main')),
      failureOf(one.connection('main')),
    ])
    expect(first).toBe(second)
    fails = false
    expect((await one.connection('main')).state).toBe('ready')
    expect(times).toHaveLength(2)
  })

  it("wraps what a transport of the user's own says", async () => {
    const cause = new Error('the tunnel is closed')
    const one = broker({ connect: () => Promise.reject(cause) })
    expect(await failureOf(one.connection('main'))).toMatchObject({
      name: 'ConnectionError',
      code: 'CONNECTION_FAILED',
      message: `${peer.address}: the tunnel is closed`,
      retriable: true,
      cause,
    })
  })

  it('ends in time with a transport that knows nothing of the signal, and throws away what comes late', async () => {
    const { opened: late, open: letGo } = gate()
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const one = broker({
      socketConnectionSetupTimeoutMs: 40,
      connect: async () => {
        await late
        return stream
      },
    })
    expect(await failureOf(one.connection('main'))).toMatchObject({
      code: 'CONNECTION_TIMEOUT',
      message: `${peer.address}: no connection within 40 ms`,
    })
    letGo()
    await vi.waitFor(() => expect(stream.destroyed).toBe(true))
  })

  it('ends in time with a peer that accepts and never answers', async () => {
    peer.on(apiVersions, () => null)
    const one = broker({ socketConnectionSetupTimeoutMs: 60 })
    const start = performance.now()
    expect(await failureOf(one.connection('main'))).toMatchObject({
      name: 'ConnectionError',
      code: 'CONNECTION_TIMEOUT',
      retriable: true,
      broker: peer.address,
    })
    expect(performance.now() - start).toBeLessThan(1_000)
    await peer.until(() => peer.openConnections === 0)
  })

  it('gives each failure in a row twice the time, up to the bound (KIP-601)', async () => {
    peer.on(apiVersions, () => null)
    const one = broker({ socketConnectionSetupTimeoutMs: 20, socketConnectionSetupTimeoutMaxMs: 50 })
    const messages: string[] = []
    for (let i = 0; i < 3; i++) messages.push(((await failureOf(one.connection('main'))) as Error).message)
    expect(messages.map((message) => /\d+ ms$/.exec(message)?.[0])).toEqual(['20 ms', '40 ms', '50 ms'])
  })
})

describe('the reconnect backoff', () => {
  it('grows with each failure and is jittered', async () => {
    const { connect, times } = counted(refuse)
    const one = broker({ connect, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 80 })
    for (let i = 0; i < 5; i++) await failureOf(one.connection('main'))
    const waits = times.slice(1).map((at, i) => at - times[i]!)
    for (const [i, plain] of [20, 40, 80, 80].entries()) {
      expect(waits[i]).toBeGreaterThan(plain * 0.8 - 2)
      expect(waits[i]).toBeLessThan(plain * 1.2 + 60)
    }
    expect(one.isBackingOff).toBe(true)
  })

  it('starts anew after a success', async () => {
    let fails = true
    const { connect, times } = counted((target: ConnectTarget) => (fails ? refuse() : dial(target)))
    const one = broker({ connect, reconnectBackoffMs: 30, reconnectBackoffMaxMs: 100_000 })
    for (let i = 0; i < 3; i++) await failureOf(one.connection('main'))
    fails = false
    const connection = await one.connection('main')
    expect(one.isBackingOff).toBe(false)
    connection.close()
    await one.connection('main')
    expect(times[4]! - times[3]!).toBeLessThan(100)
  })

  it('holds back a broker that hangs up at each request', async () => {
    peer.on(heartbeat, ({ socket }) => {
      socket.destroy()
      return null
    })
    const { connect, times } = counted()
    const one = broker({ connect, reconnectBackoffMs: 60, reconnectBackoffMaxMs: 60 })
    for (let i = 0; i < 2; i++) await failureOf((await one.connection('main')).send(heartbeat, {}))
    expect(times[1]! - times[0]!).toBeGreaterThan(45)
  })
})

describe('replacing a connection', () => {
  it('comes before anything is written to one that has been idle for too long', async () => {
    const one = broker({ connectionsMaxIdleMs: 1_000 })
    const old = await one.connection('main')
    const now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => now + 1_001)
    expect(one.ready('main')).toBeNull()
    const fresh = await one.connection('main')
    await fresh.send(heartbeat, {})
    expect(fresh).not.toBe(old)
    expect(old.state).toBe('closed')
    expect(peer.seen(heartbeat).map((request) => request.connection)).toEqual([2])
  })

  it('lets the old one still have its answers', async () => {
    const { opened: late, open: letGo } = gate()
    peer.on(heartbeat, async () => {
      await late
      return {}
    })
    const one = broker({ connectionsMaxIdleMs: 1_000 })
    const old = await one.connection('main')
    const answer = old.send(heartbeat, {})
    const wall = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(wall + 5_000)
    const fresh = await one.connection('main')
    expect(fresh).not.toBe(old)
    expect(old.state).toBe('draining')
    expect(one.inFlight).toBe(1)
    letGo()
    await answer
    expect(old.state).toBe('closed')
    expect(one.inFlight).toBe(0)
  })

  it('happens when it is closed by the broker', async () => {
    const one = broker()
    const old = await one.connection('main')
    peer.disconnect()
    await vi.waitFor(() => expect(old.state).toBe('closed'))
    const fresh = await one.connection('main')
    await fresh.send(heartbeat, {})
    expect(one.isUnconnected).toBe(false)
    one.drain()
    expect(one.isUnconnected).toBe(true)
    expect((await one.connection('main')).state).toBe('ready')
  })
})

describe('close', () => {
  const closed = { name: 'ConnectionError', code: 'CONNECTION_CLOSED', retriable: false }

  it('ends an attempt that waits for its turn, and leaves no timer', async () => {
    const timers = watchTimers()
    const { connect, times } = counted(refuse)
    const one = broker({ connect, reconnectBackoffMs: 60_000, reconnectBackoffMaxMs: 60_000 })
    await failureOf(one.connection('main'))
    const waiting = failureOf(one.connection('main'))
    expect(timers.size).toBe(1)
    one.close()
    expect(await waiting).toMatchObject(closed)
    expect(times).toHaveLength(1)
    expect(timers.size).toBe(0)
  })

  it('ends an attempt that is connecting', async () => {
    const one = broker({
      connect: (target) =>
        new Promise((_, reject) => {
          target.signal.addEventListener('abort', () => reject(target.signal.reason))
        }),
    })
    const waiting = failureOf(one.connection('main'))
    one.close()
    expect(await waiting).toMatchObject(closed)
  })

  it('ends an attempt in the middle of its handshake', async () => {
    peer.on(apiVersions, () => null)
    const one = broker()
    const waiting = failureOf(one.connection('main'))
    await peer.received(apiVersions)
    one.close()
    expect(await waiting).toMatchObject(closed)
    await peer.until(() => peer.openConnections === 0)
  })

  it('leaves no connection at whatever moment of opening it comes', async () => {
    peer.on(saslHandshake, () => ({}))
    // Between the end of the handshake and the connection being had there are microtasks: close in each of them.
    for (let ticks = 0; ticks < 30; ticks++) {
      let left = ticks
      const step = () => (left-- > 0 ? queueMicrotask(step) : one.close())
      const sasl = { name: 'MINE', authenticate: async () => queueMicrotask(step) }
      const one = broker({ sasl })
      const outcome = one.connection('main').then(
        (connection) => connection,
        (error: unknown) => error,
      )
      await outcome
      await new Promise((resolve) => setImmediate(resolve))
      expect(one.ready('main')).toBeNull()
      await peer.until(() => peer.openConnections === 0)
    }
  })

  it('fails what is in flight, on connections that are being replaced too', async () => {
    peer.on(heartbeat, () => null)
    const one = broker({ connectionsMaxIdleMs: 1_000 })
    const old = failureOf((await one.connection('main')).send(heartbeat, {}))
    const wall = Date.now()
    const now = vi.spyOn(Date, 'now').mockReturnValue(wall + 5_000)
    const fresh = await one.connection('main')
    now.mockRestore()
    const recent = failureOf(fresh.send(heartbeat, {}))
    await peer.received(heartbeat, 2)
    one.close()
    expect(await old).toMatchObject(closed)
    expect(await recent).toMatchObject(closed)
    await peer.until(() => peer.openConnections === 0)
  })

  it('is for good', async () => {
    const one = broker()
    one.close()
    expect(await failureOf(one.connection('main'))).toMatchObject({ name: 'IllegalStateError' })
    expect(peer.accepted).toBe(0)
  })

  it('leaves no socket and no timer', async () => {
    const timers = watchTimers()
    const one = broker()
    const connection = await one.connection('main')
    await connection.send(heartbeat, {})
    one.close()
    await peer.until(() => peer.openConnections === 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(timers.size).toBe(0)
  })
})

it('can be reached over any stream of bytes', async () => {
  const one = broker({ connect: async ({ host, port }) => connectTcp({ host, port }) })
  await (await one.connection('main')).send(heartbeat, {})
  expect(peer.seen(heartbeat)).toHaveLength(1)
})

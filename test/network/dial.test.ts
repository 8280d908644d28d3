import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dial } from '../../src/network/dial.ts'
import { failureOf } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'

const peers: ScriptedBroker[] = []

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()))
})

async function silentPeer(): Promise<ScriptedBroker> {
  const peer = await startScriptedBroker({ onConnection: (socket) => socket.resume() })
  peers.push(peer)
  return peer
}

const never = new AbortController().signal

describe('dialing', () => {
  it('gives a socket that nobody listens to yet', async () => {
    const { host, port } = await silentPeer()
    const socket = await dial({ host, port, tls: null, signal: never })
    expect(socket.readyState).toBe('open')
    expect(['error', 'close', 'connect'].map((event) => socket.listenerCount(event))).toEqual([0, 0, 0])
    socket.destroy()
  })

  it('by a name tries its addresses', async () => {
    const { port } = await silentPeer()
    const socket = await dial({ host: 'localhost', port, tls: null, signal: never })
    expect(socket.remotePort).toBe(port)
    socket.destroy()
  })

  it('reaches IPv6 addresses', async () => {
    const server = createServer((socket) => socket.destroy())
    const isThere = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(0, '::1', () => resolve(true))
    })
    // A machine without IPv6 must say so in the client's words, too.
    const address = server.address()
    const port = isThere && typeof address === 'object' && address !== null ? address.port : 1
    const attempt = dial({ host: '::1', port, tls: null, signal: never })
    if (isThere) (await attempt).destroy()
    else expect(await failureOf(attempt)).toMatchObject({ name: 'ConnectionError' })
    server.close()
  })

  it('ends with the signal, for its reason or wrapped in ours, and leaves no socket', async () => {
    const peer = await silentPeer()
    const { host, port } = peer
    for (const tls of [null, true] as const) {
      const controller = new AbortController()
      const attempt = failureOf(dial({ host, port, tls, signal: controller.signal }))
      const cause = new Error('enough')
      controller.abort(cause)
      expect(await attempt).toMatchObject({
        name: 'ConnectionError',
        code: 'CONNECTION_FAILED',
        message: `${peer.address}: connecting was given up`,
        cause,
      })
    }
    const aborted = AbortSignal.abort(new Error('never mind'))
    expect(await failureOf(dial({ host, port, tls: null, signal: aborted }))).toMatchObject({
      code: 'CONNECTION_FAILED',
    })
    await peer.until(() => peer.openConnections === 0)
  })

  it('never takes host or port from the TLS options', async () => {
    const [peer, other] = [await silentPeer(), await silentPeer()]
    const controller = new AbortController()
    const tls = { host: other.host, port: other.port }
    const attempt = failureOf(dial({ host: peer.host, port: peer.port, tls, signal: controller.signal }))
    await peer.until(() => peer.accepted === 1)
    controller.abort()
    await attempt
    expect(other.accepted).toBe(0)
  })
})

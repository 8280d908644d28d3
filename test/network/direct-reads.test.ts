import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dial } from '../../src/network/dial.ts'
import { readInto } from '../../src/network/direct-reads.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { type ScriptedBroker, sized, startScriptedBroker } from '../support/scripted-broker.ts'

const peers: ScriptedBroker[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(peers.splice(0).map((peer) => peer.stop()))
})

/** Both ends of a connection. */
async function connected(): Promise<{ ours: Socket; theirs: Socket }> {
  let accept!: (socket: Socket) => void
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve
  })
  const peer = await startScriptedBroker({ onConnection: (socket) => accept(socket) })
  peers.push(peer)
  const ours = await dial({
    host: peer.host,
    port: peer.port,
    tls: null,
    signal: new AbortController().signal,
  })
  sockets.push(ours)
  return { ours, theirs: await accepted }
}

describe('a plain socket', () => {
  it('is a stream like any other as long as nobody reads it directly', async () => {
    const { ours, theirs } = await connected()
    const sent = Buffer.alloc(300_000, 'abc')
    theirs.end(sent)
    const chunks: Buffer[] = []
    for await (const chunk of ours) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
  })

  it('reads large frames into their place, small ones out of memory that is used again', async () => {
    const { ours, theirs } = await connected()
    const reader = new FrameReader(10_000_000)
    const frames: Uint8Array[] = []
    let intoPlace = 0
    readInto(ours, {
      missing: () => reader.missing,
      took: (bytes, isLent) => {
        if (!isLent) intoPlace += bytes.length
        reader.push(bytes, (frame) => frames.push(frame), isLent)
      },
    })
    const bodies = [3, 5_000_000, 0, 100, 40_000, 7].map((size, i) => Buffer.alloc(size, i + 1))
    const ended = once(ours, 'end')
    theirs.end(Buffer.concat(bodies.map(sized)))
    await ended
    expect(frames.map(({ length }) => length)).toEqual(bodies.map(({ length }) => length))
    expect(frames.every((frame, i) => bodies[i]!.equals(frame))).toBe(true)
    expect(intoPlace).toBeGreaterThan(4_000_000)
  })
})

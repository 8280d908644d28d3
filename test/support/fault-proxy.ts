import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { dial } from '../../src/network/dial.ts'
import type { Connect } from '../../src/network/transport.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'

/** What becomes of a request on its way, or of its answer. */
export type ProxyFault =
  /** `before`: it does not arrive; `after`: it does, and its answer does not; `halfway`: half of the answer does. */
  | { readonly kind: 'disconnect'; readonly when: 'before' | 'after' | 'halfway' }
  /** Nothing more comes through, and the connection stays. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  | { readonly kind: 'delay'; readonly when: 'before' | 'after'; readonly ms: number }

const longestFrame = 100_000_000

/**
 * Stands between a client and the brokers of a real cluster, and treats their requests and answers badly: a client whose
 * option `connect` it is goes through it to every broker. Requests that have no answer (acks=0) are not for it.
 */
export class FaultProxy implements AsyncDisposable {
  /** Whether faults happen. */
  isOn = true
  readonly #faultOf: (apiKey: number) => ProxyFault | null
  readonly #doors = new Map<number, Promise<Server>>()
  readonly #sockets = new Set<Socket>()

  /** @param faultOf asked about each request, in the order in which they come. */
  constructor(faultOf: (apiKey: number) => ProxyFault | null) {
    this.#faultOf = faultOf
  }

  readonly connect: Connect = async (target) => {
    const door = await this.#doorTo(target.port)
    return await dial({ ...target, host: '127.0.0.1', port: (door.address() as AddressInfo).port })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const door of await Promise.all(this.#doors.values())) {
      const closed = once(door, 'close')
      door.close()
      await closed
    }
  }

  #doorTo(port: number): Promise<Server> {
    let door = this.#doors.get(port)
    if (door === undefined) {
      door = this.#open(port)
      this.#doors.set(port, door)
    }
    return door
  }

  async #open(port: number): Promise<Server> {
    const server = createServer((client) => this.#serve(client, port))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  #serve(client: Socket, port: number): void {
    const broker = connect(port, '127.0.0.1')
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    /** Of the requests whose answers are still to come. */
    const faults: (ProxyFault | null)[] = []
    let isStill = false
    const hangUp = () => {
      isStill = true
      client.end()
      broker.destroy()
    }
    eachFrame(client, async (frame) => {
      const fault = this.isOn ? this.#faultOf((frame[0]! << 8) | frame[1]!) : null
      if (fault?.when === 'before') {
        if (fault.kind === 'delay') await sleep(fault.ms)
        else if (fault.kind === 'disconnect') hangUp()
        else isStill = true
      }
      if (isStill) return
      faults.push(fault?.when === 'before' ? null : fault)
      broker.write(framed(frame))
    })
    eachFrame(broker, async (frame) => {
      const fault = faults.shift() ?? null
      if (isStill) return
      if (fault?.kind === 'delay') await sleep(fault.ms)
      if (fault?.kind === 'drop') isStill = true
      const bytes = framed(frame)
      if (fault?.kind === 'disconnect') {
        if (fault.when === 'halfway') client.write(bytes.subarray(0, bytes.length >>> 1))
        hangUp()
      }
      if (!isStill) client.write(bytes)
    })
  }
}

/** Handles the frames of a socket one after the other. */
function eachFrame(socket: Socket, handle: (frame: Buffer) => Promise<void>): void {
  const frames = new FrameReader(longestFrame)
  let last = Promise.resolve()
  socket.on('data', (chunk: Buffer) => {
    frames.push(chunk, (frame) => {
      // A copy: the reader may use its memory again before the turn of this frame has come.
      const mine = Buffer.from(frame)
      last = last.then(() => handle(mine))
    })
  })
}

function framed(frame: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

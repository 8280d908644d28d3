import type { Duplex } from 'node:stream'
import { ConnectionError, InvalidOptionError, TlsError } from '../../errors.ts'
import type { Listening } from '../broker/listener.ts'
import type { ListenerOption } from '../options.ts'
import { memoryPipe } from './memory-pipe.ts'
import type { Accept, Transport } from './transport.ts'

/** What a client asks of its `connect` option. */
export interface MemoryConnectTarget {
  readonly host: string
  readonly port: number
  /** Null: plain text, which is all that there is in memory. */
  readonly tls: unknown
  readonly signal: AbortSignal
}

interface Door {
  readonly accept: Accept
  readonly ends: Set<Duplex>
}

/** No sockets: clients and brokers of one process hold the two ends of a pipe. Ports are numbers and nothing else. */
export class MemoryTransport implements Transport {
  readonly #doors = new Map<number, Door>()
  #nextPort = 20_000

  async listen(_host: string, wanted: number, option: ListenerOption, accept: Accept): Promise<Listening> {
    if (option.tls !== undefined) {
      throw new InvalidOptionError(
        `the listener ${option.name} has the option tls, which needs the transport tcp: in memory there is no TLS`,
      )
    }
    const port = wanted === 0 ? this.#freePort() : wanted
    if (this.#doors.has(port)) {
      throw new InvalidOptionError(`the port ${port} is taken by another broker of this cluster`)
    }
    const door: Door = { accept, ends: new Set() }
    this.#doors.set(port, door)
    return {
      port,
      close: async () => {
        this.#doors.delete(port)
        for (const end of door.ends) end.destroy()
      },
    }
  }

  /** Opens a connection to a broker: what clients take as their option `connect`. */
  readonly connect = async ({ host, port, tls, signal }: MemoryConnectTarget): Promise<Duplex> => {
    const broker = `${host}:${port}`
    // As a socket takes a moment: whoever asks is not answered before the call returns.
    await new Promise((resolve) => setImmediate(resolve))
    if (signal.aborted) throw signal.reason
    const door = this.#doors.get(port)
    if (door === undefined) {
      const cause = Object.assign(new Error(`connect ECONNREFUSED ${broker}`), { code: 'ECONNREFUSED' })
      const message = `${broker}: connection refused: nobody listens there`
      throw new ConnectionError('CONNECTION_REFUSED', message, { broker, cause })
    }
    if (tls !== null && tls !== undefined) {
      throw new TlsError(
        'TLS_HANDSHAKE_FAILED',
        `${broker}: no TLS handshake: this broker is in memory and speaks no TLS: leave the option tls out`,
        { broker },
      )
    }
    const [client, server] = memoryPipe()
    door.ends.add(server)
    server.once('close', () => door.ends.delete(server))
    door.accept(server, '/127.0.0.1', null)
    return client
  }

  #freePort(): number {
    while (this.#doors.has(this.#nextPort)) this.#nextPort++
    return this.#nextPort++
  }
}

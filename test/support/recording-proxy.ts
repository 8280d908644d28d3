import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Bytes that passed through the proxy. */
export interface RecordedChunk {
  /** Counts connections from 1. */
  readonly connection: number
  readonly from: 'client' | 'server'
  /** Milliseconds since the proxy was made. */
  readonly at: number
  readonly bytes: Buffer
}

/**
 * A TCP proxy that keeps what both sides say. A broker behind it is to advertise the proxy's address, or clients go past
 * it after their first Metadata answer.
 */
export class RecordingProxy implements AsyncDisposable {
  readonly host = '127.0.0.1'
  /** In the order in which they came. */
  readonly chunks: RecordedChunk[] = []
  /** Port of the broker on 127.0.0.1; connections before it is set are refused. */
  target: number | null = null
  readonly #startedAt = performance.now()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #connections = 0

  constructor() {
    this.#server = createServer((client) => this.#serve(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.host)
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #serve(client: Socket): void {
    this.#watch(client)
    if (this.target === null) {
      client.destroy()
      return
    }
    const connection = ++this.#connections
    const server = connect(this.target, this.host)
    this.#watch(server)
    this.#forward(connection, 'client', client, server)
    this.#forward(connection, 'server', server, client)
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #forward(connection: number, from: 'client' | 'server', source: Socket, sink: Socket): void {
    source.on('data', (bytes: Buffer) => {
      this.chunks.push({ connection, from, at: performance.now() - this.#startedAt, bytes })
      sink.write(bytes)
    })
    source.on('end', () => sink.end())
    source.on('close', () => sink.destroy())
  }
}

export async function startRecordingProxy(): Promise<RecordingProxy> {
  const proxy = new RecordingProxy()
  await proxy.listen()
  return proxy
}

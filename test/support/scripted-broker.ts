import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { ByteReader } from '../../src/protocol/byte-reader.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import {
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from '../../src/protocol/headers.ts'
import type { Api } from '../../src/protocol/message.ts'
import { api as apiByKey } from '../../src/protocol/registry.ts'
import type { FieldMap, StructInput, StructOf } from '../../src/protocol/schema.ts'
import type { VersionRange } from '../../src/protocol/version-range.ts'

export interface ScriptedRequest<Q extends FieldMap = FieldMap> {
  readonly api: string
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: StructOf<Q>
  readonly socket: Socket
  /** Counts the broker's connections from 1. */
  readonly connection: number
  /** Milliseconds of `performance.now()`. */
  readonly at: number
}

/** A body to be encoded, bytes for the wire as they are, or null for no answer at all. */
export type Reply<S extends FieldMap = FieldMap> = StructInput<S> | Uint8Array | null

type Handler = (request: ScriptedRequest) => Reply | Promise<Reply>

export interface ScriptedBrokerOptions {
  /** Given each connection instead of the protocol: the test is all of the peer. */
  readonly onConnection?: (socket: Socket) => void
  /** Node id in its own Metadata answers. Default 1. */
  readonly nodeId?: number
}

/**
 * A broker whose every answer the test decides. ApiVersions offers what has a handler, and Metadata names this broker
 * alone, unless the test has other plans for them.
 */
export class ScriptedBroker {
  readonly nodeId: number
  readonly host = '127.0.0.1'
  readonly requests: ScriptedRequest[] = []
  /** Connections accepted so far. */
  accepted = 0
  readonly #server: Server
  #port = 0
  readonly #sockets = new Set<Socket>()
  readonly #handlers = new Map<string, Handler>()
  readonly #offered = new Map<number, VersionRange>()
  readonly #watchers = new Set<() => void>()

  constructor(options: ScriptedBrokerOptions) {
    this.nodeId = options.nodeId ?? 1
    this.#server = createServer((socket) => {
      this.accepted++
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#tell()
      })
      if (options.onConnection !== undefined) options.onConnection(socket)
      else this.#serve(socket, this.accepted)
      this.#tell()
    })
    this.on(apiVersions, () => ({
      apiKeys: [...this.#offered].map(([apiKey, { min, max }]) => ({
        apiKey,
        minVersion: min,
        maxVersion: max,
      })),
    }))
    this.on(metadata, () => ({ brokers: [this.node()], controllerId: this.nodeId }))
  }

  /** Stays what it was after `stop`. */
  get port(): number {
    return this.#port
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size
  }

  /** This broker as Metadata lists it. */
  node(): { nodeId: number; host: string; port: number } {
    return { nodeId: this.nodeId, host: this.host, port: this.port }
  }

  /** Answers this API with `handler` from now on, and offers it at these versions (default: all). */
  on<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    handler: (request: ScriptedRequest<Q>) => Reply<S> | Promise<Reply<S>>,
    versions: VersionRange = api.stableVersions,
  ): void {
    this.#handlers.set(api.name, handler as unknown as Handler)
    this.#offered.set(api.key, versions)
  }

  /** No longer offers the API. */
  withdraw(api: Api<FieldMap, FieldMap>): void {
    this.#offered.delete(api.key)
  }

  /** Requests of this API so far. */
  seen<Q extends FieldMap>(api: Api<Q, FieldMap>): ScriptedRequest<Q>[] {
    return this.requests.filter((request) => request.api === api.name) as unknown as ScriptedRequest<Q>[]
  }

  /** The `count`th request of this API, waiting for it. */
  async received<Q extends FieldMap>(api: Api<Q, FieldMap>, count = 1): Promise<ScriptedRequest<Q>> {
    await this.until(() => this.seen(api).length >= count)
    return this.seen(api)[count - 1]!
  }

  /** Waits until `condition` holds; it is looked at after each request, connection and end of one at this broker. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, this.host)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Hangs up on everybody; new connections are still welcome. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.disconnect()
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #serve(socket: Socket, connection: number): void {
    const frames = new FrameReader(100_000_000)
    // Answers leave in the order of the requests, whichever is known first, as with a real broker.
    let turn: Promise<unknown> = Promise.resolve()
    const onFrame = (frame: Uint8Array) => {
      const { request, api } = parse(frame, socket, connection)
      this.requests.push(request)
      const handler = this.#handlers.get(api.name)
      const reply = Promise.resolve(handler === undefined ? null : handler(request))
      turn = Promise.all([turn, reply]).then(([, value]) => {
        if (value === null || socket.destroyed) return
        socket.write(value instanceof Uint8Array ? value : responseFrame(api, request, value))
      })
      turn.catch((error: Error) => socket.destroy(error))
      this.#tell()
    }
    socket.on('data', (chunk: Uint8Array) => {
      try {
        frames.push(chunk, onFrame)
      } catch {
        // No Kafka client; a real broker hangs up on it, too.
        socket.destroy()
      }
    })
  }
}

export async function startScriptedBroker(options: ScriptedBrokerOptions = {}): Promise<ScriptedBroker> {
  const broker = new ScriptedBroker(options)
  await broker.listen()
  return broker
}

/** A response frame with its size. */
export function responseFrame(
  api: Api<FieldMap, FieldMap>,
  { version, correlationId }: { version: number; correlationId: number },
  body: StructInput<FieldMap>,
): Uint8Array {
  const header = responseHeader.encode(responseHeaderVersion(api, version), { correlationId })
  return sized(Buffer.concat([header, api.response.encode(version, body)]))
}

/** `bytes` as a frame: with their size before them. */
export function sized(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function parse(
  frame: Uint8Array,
  socket: Socket,
  connection: number,
): { request: ScriptedRequest; api: Api } {
  const reader = new ByteReader(frame)
  const api = apiByKey(reader.int16())
  const version = reader.int16()
  reader.offset = 0
  const { correlationId, clientId } = requestHeader.read(reader, requestHeaderVersion(api, version))
  const body = api.request.read(reader, version)
  const request = {
    api: api.name,
    version,
    correlationId,
    clientId,
    body,
    socket,
    connection,
    at: performance.now(),
  }
  return { request, api }
}

import { type Duplex, duplexPair } from 'node:stream'
import { ConnectionError } from '../../src/errors.ts'
import type { Connect } from '../../src/network/transport.ts'
import { ByteReader } from '../../src/protocol/byte-reader.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { requestHeader, requestHeaderVersion, responseHeaderVersion } from '../../src/protocol/headers.ts'
import { api as apiOf } from '../../src/protocol/registry.ts'
import type { FieldMap, StructInput } from '../../src/protocol/schema.ts'

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that gives nothing is one that does not answer
type Answer = StructInput<FieldMap> | void

export interface ScriptedRequest {
  /** Node id of the broker that got it. */
  readonly node: number
  readonly api: string
  readonly version: number
  /** The decoded body. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What a broker answers, by Kafka's name of the API. Nothing: it keeps silent. */
export type Handlers = Record<string, (request: ScriptedRequest, cluster: ScriptedCluster) => Answer>

export interface ScriptedClusterOptions {
  /** Node ids; default `[1]`. */
  readonly nodes?: readonly number[]
  /** Highest version offered of an API; default what we speak. An API with -1 is not offered. */
  readonly maxVersions?: Readonly<Record<string, number>>
}

/** Brokers in memory that answer by script: ApiVersions by itself, Metadata with their addresses unless told otherwise. */
export class ScriptedCluster {
  readonly requests: ScriptedRequest[] = []
  readonly bootstrapServers = 'node1:9092'
  readonly nodes: number[]
  /** Nodes that refuse connections. */
  readonly down = new Set<number>()
  controllerId: number
  readonly #handlers: Handlers
  readonly #maxVersions: Readonly<Record<string, number>>
  readonly #streams = new Set<Duplex>()

  constructor(handlers: Handlers, options: ScriptedClusterOptions = {}) {
    this.nodes = [...(options.nodes ?? [1])]
    this.controllerId = this.nodes[0]!
    this.#handlers = handlers
    this.#maxVersions = options.maxVersions ?? {}
  }

  /** Connections that the client has not closed. */
  get openConnections(): number {
    return this.#streams.size
  }

  /** The requests of one API so far. */
  of(api: string): ScriptedRequest[] {
    return this.requests.filter((request) => request.api === api)
  }

  readonly connect: Connect = async ({ host }) => {
    const node = Number(host.replace('node', ''))
    if (this.down.has(node)) throw new ConnectionError('CONNECTION_REFUSED', `${host} is down`)
    const [near, far] = duplexPair()
    this.#streams.add(far)
    near.on('close', () => {
      this.#streams.delete(far)
      far.destroy()
    })
    const frames = new FrameReader(1_000_000)
    far.on('data', (chunk: Uint8Array) => frames.push(chunk, (frame) => this.#onFrame(node, far, frame)))
    return near
  }

  #onFrame(node: number, stream: Duplex, frame: Uint8Array): void {
    const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
    const api = apiOf(view.readInt16BE(0))
    const version = view.readInt16BE(2)
    const reader = new ByteReader(frame)
    const header = requestHeader.read(reader, requestHeaderVersion(api, version))
    const request = { node, api: api.name, version, body: api.request.read(reader, version) }
    this.requests.push(request)
    const answer = this.#answer(request)
    if (answer === undefined) return
    const body = api.response.encode(version, answer)
    const flexible = responseHeaderVersion(api, version) === 1
    const head = Buffer.alloc(flexible ? 9 : 8)
    head.writeInt32BE(head.length - 4 + body.length, 0)
    head.writeInt32BE(header.correlationId, 4)
    stream.write(Buffer.concat([head, body]))
  }

  #answer(request: ScriptedRequest): Answer {
    if (request.api === 'ApiVersions') return { apiKeys: this.#apiKeys() }
    const handler = this.#handlers[request.api]
    if (handler !== undefined) return handler(request, this)
    if (request.api === 'Metadata') return this.metadata()
    throw new Error(`no answer to ${request.api} is scripted`)
  }

  #apiKeys() {
    const names = new Set([...Object.keys(this.#handlers), 'ApiVersions', 'Metadata'])
    return [...names]
      .map((name) => apiOf(name))
      .map(({ key, name, versions }) => ({
        apiKey: key,
        minVersion: versions.min,
        maxVersion: this.#maxVersions[name] ?? versions.max,
      }))
      .filter(({ maxVersion }) => maxVersion >= 0)
  }

  /** An answer to Metadata with the nodes that there are, and these topics. */
  metadata(topics: readonly object[] = []): StructInput<FieldMap> {
    return {
      clusterId: 'scripted',
      controllerId: this.controllerId,
      brokers: this.nodes.map((nodeId) => ({ nodeId, host: `node${nodeId}`, port: 9092 })),
      topics,
    }
  }

  /** An answer to FindCoordinator: this node for each key. */
  coordinator(request: ScriptedRequest, nodeOf: (key: string) => number): StructInput<FieldMap> {
    const keys = request.body.coordinatorKeys as string[]
    return {
      coordinators: keys.map((key) => ({
        key,
        nodeId: nodeOf(key),
        host: `node${nodeOf(key)}`,
        port: 9092,
        errorCode: 0,
        errorMessage: null,
      })),
    }
  }
}

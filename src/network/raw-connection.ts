import type { Duplex } from 'node:stream'
import { Deadline } from '../deadline.ts'
import { ConnectionError, InvalidArgumentError, messageOf } from '../errors.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { ByteWriter } from '../protocol/byte-writer.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { responseBodyVersion } from '../protocol/explain/response-version.ts'
import { FrameReader } from '../protocol/frame-reader.ts'
import {
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from '../protocol/headers.ts'
import type { Api } from '../protocol/message.ts'
import type { FieldMap, StructInput, StructOf, UnknownTaggedField } from '../protocol/schema.ts'
import { dial } from './dial.ts'
import type { Connect, TlsOptions } from './transport.ts'

export interface RawConnectionOptions {
  readonly host: string
  readonly port: number
  /**
   * As in the options of the client; null for plain text.
   *
   * @default null
   */
  readonly tls?: TlsOptions | null
  /** Opens the byte pipe. @default TCP */
  readonly connect?: Connect
  /**
   * In the header of requests that name no other.
   *
   * @default null
   */
  readonly clientId?: string | null
  /**
   * Milliseconds that connecting, writing and each answer may take, where a call gives none.
   *
   * @default 30000
   */
  readonly timeoutMs?: number
  /**
   * Largest answer accepted, in bytes. When as much has come unasked for, no more is read until somebody asks.
   *
   * @default 100 MiB
   */
  readonly receiveMessageMaxBytes?: number
  readonly signal?: AbortSignal
}

export interface RawCallOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface RawSendOptions extends RawCallOptions {
  /** @default that of the connection */
  readonly clientId?: string | null
  /** @default counting up from 0 */
  readonly correlationId?: number
  /** 0 to 2. @default the one that goes with API and version */
  readonly headerVersion?: number
  /** API key in the header, where it is to differ from that of the body. */
  readonly apiKey?: number
  /** Version in the header, where it is to differ from that of the body. */
  readonly apiVersion?: number
  /** Tagged fields of the header; only in header version 2. */
  readonly headerTags?: readonly UnknownTaggedField[]
  /** Bytes instead of the encoded body. */
  readonly bodyBytes?: Uint8Array
  /** False for what has no answer, as Produce with acks=0. @default true */
  readonly expectResponse?: boolean
}

/** An answer, as it came and as it reads. */
export interface RawAnswer<S extends FieldMap> {
  /** Without its size. */
  readonly frame: Uint8Array
  readonly correlationId: number
  /** Version that the body was read as. */
  readonly version: number
  /** Null where it does not decode; `error` then says why. */
  readonly decoded: StructOf<S> | null
  readonly error: ProtocolError | null
  /** Bytes of the frame after the decoded message. */
  readonly trailingBytes: number
}

/** About what an empty frame that is kept takes. */
const frameOverheadBytes = 100

interface Receiver {
  resolve(frame: Uint8Array): void
  reject(error: Error): void
}

/**
 * A connection for testing brokers and proxies: sends any API at any version without asking for versions first, with a
 * header of one's own, or bare bytes. Nothing is negotiated, authenticated, retried or throttled.
 */
export class RawConnection implements AsyncDisposable {
  readonly broker: string
  readonly #stream: Duplex
  readonly #options: RawConnectionOptions
  readonly #frames: FrameReader
  readonly #maxBytes: number
  /** Frames that nobody has asked for yet; only one of the two lists has anything in it. */
  readonly #received: Uint8Array[] = []
  readonly #receivers: Receiver[] = []
  #receivedBytes = 0
  #nextCorrelationId = 0
  #closed: Error | null = null

  constructor(stream: Duplex, options: RawConnectionOptions) {
    this.broker = `${options.host}:${options.port}`
    this.#stream = stream
    this.#options = options
    this.#maxBytes = options.receiveMessageMaxBytes ?? 100 * 1024 * 1024
    this.#frames = new FrameReader(this.#maxBytes)
    stream.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    stream.on('end', () =>
      this.#fail(
        this.#lost(`closed by the broker${this.#frames.midFrame ? ' in the middle of an answer' : ''}`),
      ),
    )
    stream.on('error', (error: Error) => this.#fail(this.#lost(messageOf(error), error)))
    stream.on('close', () => this.#fail(this.#lost('closed')))
  }

  /** Why it is over; null while it is open. */
  get closed(): Error | null {
    return this.#closed
  }

  /** Sends a request and gives the answer; null with `expectResponse: false`. */
  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
    options: RawSendOptions & { readonly expectResponse: false },
  ): Promise<null>
  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
    options?: RawSendOptions,
  ): Promise<RawAnswer<S>>
  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
    options: RawSendOptions = {},
  ): Promise<RawAnswer<S> | null> {
    const expectResponse = options.expectResponse ?? true
    const frame = await this.sendBytes(this.#encode(api, version, body, options), {
      ...options,
      expectResponse,
    })
    return frame === null ? null : decodeAnswer(api, version, frame)
  }

  /** Sends bytes as they are, size included; with `expectResponse` gives the next frame, without its size. */
  async sendBytes(
    bytes: Uint8Array,
    options: RawCallOptions & { readonly expectResponse?: boolean } = {},
  ): Promise<Uint8Array | null> {
    const deadline = this.#deadline(options)
    deadline.throwIfAborted()
    if (this.#closed !== null) throw this.#closed
    // Asked for before anything is written: the answer of one who asks later must not come to one who asked before.
    const answer = options.expectResponse ? this.#next(deadline, 'an answer') : null
    // Heard in any case: with the write failing nobody waits for it any more.
    answer?.catch(() => {})
    await this.#write(bytes, deadline)
    return answer === null ? null : await answer
  }

  /** The next frame that the broker sends, without its size. */
  async receive(options: RawCallOptions = {}): Promise<Uint8Array> {
    return await this.#next(this.#deadline(options), 'a frame')
  }

  /** Closes the socket; whoever waits gets a ConnectionError. */
  close(): Promise<void> {
    const isOver = this.#stream.closed
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.#stream.once('close', () => resolve()))
    this.#fail(this.#lost('closed by this client'))
    return isOver
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #encode<Q extends FieldMap>(
    api: Api<Q, FieldMap>,
    version: number,
    body: StructInput<Q>,
    options: RawSendOptions,
  ): Uint8Array {
    const headerVersion = options.headerVersion ?? requestHeaderVersion(api, version)
    const { headerTags, clientId = this.#options.clientId ?? null } = options
    if (headerTags !== undefined && !requestHeader.isFlexible(headerVersion)) {
      throw new InvalidArgumentError(`header version ${headerVersion} has no tagged fields, version 2 has`)
    }
    const writer = new ByteWriter()
    writer.int32(0)
    requestHeader.write(writer, headerVersion, {
      requestApiKey: options.apiKey ?? api.key,
      requestApiVersion: options.apiVersion ?? version,
      correlationId: options.correlationId ?? this.#takeCorrelationId(),
      clientId,
      unknownTaggedFields: headerTags,
    })
    if (options.bodyBytes === undefined) api.request.write(writer, version, body)
    const head = writer.toBytes()
    const tail = options.bodyBytes ?? new Uint8Array(0)
    const bytes = new Uint8Array(head.length + tail.length)
    bytes.set(head)
    bytes.set(tail, head.length)
    new DataView(bytes.buffer).setInt32(0, bytes.length - 4)
    return bytes
  }

  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId
    this.#nextCorrelationId = (id + 1) & 0x7fffffff
    return id
  }

  #deadline({ timeoutMs, signal }: RawCallOptions): Deadline {
    return new Deadline(timeoutMs ?? this.#options.timeoutMs ?? 30_000, signal)
  }

  async #write(bytes: Uint8Array, deadline: Deadline): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(this.#lost(messageOf(error), error)) : resolve()))
    })
    await deadline.race(written, `${this.broker}: writing ${bytes.length} bytes`, 'REQUEST_TIMEOUT')
  }

  async #next(deadline: Deadline, what: string): Promise<Uint8Array> {
    const frame = this.#received.shift()
    if (frame !== undefined) {
      this.#receivedBytes -= frame.length + frameOverheadBytes
      if (this.#receivedBytes < this.#maxBytes) this.#stream.resume()
      return frame
    }
    if (this.#closed !== null) throw this.#closed
    const { promise, receiver } = this.#receiver()
    this.#receivers.push(receiver)
    try {
      return await deadline.race(promise, `${this.broker}: waiting for ${what}`, 'REQUEST_TIMEOUT')
    } catch (error) {
      // A late answer is for whoever calls `receive` next, and not lost on one who has gone.
      const at = this.#receivers.indexOf(receiver)
      if (at >= 0) this.#receivers.splice(at, 1)
      throw error
    }
  }

  #receiver(): { promise: Promise<Uint8Array>; receiver: Receiver } {
    let receiver: Receiver | undefined
    const promise = new Promise<Uint8Array>((resolve, reject) => {
      receiver = { resolve, reject }
    })
    return { promise, receiver: receiver! }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed !== null) return
    try {
      this.#frames.push(chunk, (frame) => {
        const receiver = this.#receivers.shift()
        if (receiver !== undefined) return receiver.resolve(frame)
        this.#received.push(frame)
        this.#receivedBytes += frame.length + frameOverheadBytes
      })
      // A peer that talks without being asked must not fill the memory.
      if (this.#receivedBytes >= this.#maxBytes) this.#stream.pause()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(messageOf(error)))
    }
  }

  /** The one way down; the first reason stays. */
  #fail(error: Error): void {
    if (this.#closed !== null) return
    this.#closed = error
    this.#stream.destroy()
    for (const receiver of this.#receivers.splice(0)) receiver.reject(error)
  }

  #lost(reason: string, cause?: unknown): ConnectionError {
    return new ConnectionError('CONNECTION_CLOSED', `${this.broker}: ${reason}`, {
      broker: this.broker,
      cause,
    })
  }
}

/** Opens a connection that is left alone: no ApiVersions, no SASL. Throws as connecting a client does. */
export async function connectRaw(options: RawConnectionOptions): Promise<RawConnection> {
  const { host, port, tls = null, connect = dial, timeoutMs = 30_000, signal } = options
  const deadline = new Deadline(timeoutMs, signal)
  deadline.throwIfAborted()
  const gaveUp = new AbortController()
  const dialed = connect({ host, port, tls, signal: gaveUp.signal })
  try {
    const stream = await deadline.race(dialed, `${host}:${port}: connecting`, 'REQUEST_TIMEOUT')
    return new RawConnection(stream, options)
  } catch (error) {
    gaveUp.abort(error)
    // One that comes after all, from a `connect` that heeds no signal, is nobody's.
    dialed.then(
      (stream) => stream.destroy(),
      () => {},
    )
    throw error
  }
}

/** What the frame of an answer, without its size, reads as. */
export function decodeAnswer<S extends FieldMap>(
  api: Api<FieldMap, S>,
  asked: number,
  frame: Uint8Array,
): RawAnswer<S> {
  const version = responseBodyVersion(api, asked, frame, 4)
  const reader = new ByteReader(frame)
  try {
    const { correlationId } = responseHeader.read(reader, responseHeaderVersion(api, version))
    try {
      const decoded = api.response.read(reader, version)
      return { frame, correlationId, version, decoded, error: null, trailingBytes: reader.remaining }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { frame, correlationId, version, decoded: null, error, trailingBytes: 0 }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { frame, correlationId: -1, version, decoded: null, error, trailingBytes: 0 }
  }
}

import type { Duplex } from 'node:stream'
import { longestTimerMs } from '../deadline.ts'
import { ConnectionError, messageOf, TimeoutError, TlsError, UnsupportedVersionError } from '../errors.ts'
import type { NetworkMetrics, NodeMetrics } from '../metrics/network-metrics.ts'
import { KafkaError, ProtocolError } from '../protocol/errors.ts'
import { FrameReader } from '../protocol/frame-reader.ts'
import { decodeResponseFrame, encodeRequestFrame } from '../protocol/headers.ts'
import type { Api } from '../protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../protocol/schema.ts'
import { formatVersions, highestCommonVersion, type VersionRange } from '../protocol/version-range.ts'
import { type ConnectionState, step } from './connection-state.ts'
import { readInto } from './direct-reads.ts'
import { InFlight, type PendingRequest } from './in-flight.ts'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  /** Milliseconds without an answer after which the peer counts as stalled and the connection is closed. */
  readonly requestTimeoutMs: number
  /** Largest response accepted, in bytes. */
  readonly receiveMessageMaxBytes: number
  readonly onClose: (error: Error) => void
  /** What is counted; undefined: nothing. */
  readonly metrics?: NetworkMetrics | undefined
}

export interface SendOptions {
  /** Milliseconds for the answer, where the API itself waits longer than `requestTimeoutMs` (JoinGroup, Fetch). */
  readonly timeoutMs?: number
  /** Highest version to use, below the highest common one. */
  readonly maxVersion?: number
}

/** The body of a request, or a function that makes it once the version is known. */
export type Body<Q extends FieldMap> = StructInput<Q> | ((version: number) => StructInput<Q>)

/** Requests without an answer that the socket has not taken yet. */
interface PendingWrite {
  /** Monotonic milliseconds at which the peer counts as stalled. */
  readonly deadlineAt: number
  readonly api: string
  settle(error: Error | null): void
}

/**
 * One socket to one broker: requests are pipelined and answers matched in order.
 *
 * There is one way down, `close`, taken once: it fails whatever waits with the same cause. Requests are written at the
 * end of the current microtask, so that those of one tick leave in one system call.
 */
export class Connection {
  readonly broker: string
  readonly host: string
  readonly port: number
  readonly #options: ConnectionOptions
  readonly #stream: Duplex
  readonly #frames: FrameReader
  readonly #inFlight = new InFlight()
  readonly #traffic: NodeMetrics | undefined
  #state: ConnectionState = 'negotiating'
  /** Version ranges that the broker offers, by API key. Empty until negotiated. */
  #offered: ReadonlyMap<number, VersionRange> = new Map()
  #features: ReadonlyMap<string, number> = new Map()
  #nextCorrelationId = 0
  #outgoing: Uint8Array[] = []
  /** Who waits for the socket to take what is in `#outgoing`, or has been given to it. */
  readonly #unwritten = new Set<PendingWrite>()
  /** Those of them whose bytes are still in `#outgoing`. */
  #queued: PendingWrite[] = []
  #flushScheduled = false
  /** No writes before this point (KIP-219), monotonic milliseconds. */
  #throttledUntil = 0
  #throttleTimer: NodeJS.Timeout | undefined
  #deadlineTimer: NodeJS.Timeout | undefined
  #deadlineTimerAt = Number.POSITIVE_INFINITY
  /** The first bytes of the peer, up to four: they say when it is no Kafka. */
  #greeting: Uint8Array = new Uint8Array(0)
  /** Whether a request has been answered since the connection was ready. */
  #served = false
  #lastUsedMonotonic = performance.now()
  #lastUsedWall = Date.now()
  /** When the broker ends the SASL session, monotonic milliseconds (KIP-368). */
  #sessionEndsAt = Number.POSITIVE_INFINITY

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.#options = options
    this.host = options.host
    this.port = options.port
    this.broker = `${options.host}:${options.port}`
    this.#stream = stream
    this.#frames = new FrameReader(options.receiveMessageMaxBytes)
    this.#traffic = options.metrics?.node(this.broker)
    options.metrics?.connectionsOpened.record(1, performance.now())
    readInto(stream, { missing: () => this.#frames.missing, took: this.#onData })
    stream.on('end', () => this.#onEnd())
    stream.on('error', (error: Error) => this.#onError(error))
    stream.on('close', () => this.close(this.#lost('closed')))
  }

  get state(): ConnectionState {
    return this.#state
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Whether a request may be sent now: ready, and not so old that the other side has surely given it up. */
  isUsable(maxIdleMs: number): boolean {
    if (this.#state !== 'ready') return false
    const now = performance.now()
    if (now >= this.#sessionEndsAt) return false
    // Decided at use and not by a timer: the timers of a frozen process (a serverless function) do not run, while its
    // sockets die. The wall clock says the same of a machine that slept, whose monotonic clock stood still. What is in
    // flight changes nothing: its answers are still waited for, but nothing new is put behind it.
    const idle = now - this.#lastUsedMonotonic
    const wall = Date.now() - this.#lastUsedWall
    return idle < maxIdleMs && wall < maxIdleMs
  }

  /** Highest version of `api` that both sides speak. */
  version(api: Api<FieldMap, FieldMap>, maxVersion = Number.POSITIVE_INFINITY): number {
    const offered = this.#offered.get(api.key)
    const ours = { min: api.stableVersions.min, max: Math.min(api.stableVersions.max, maxVersion) }
    const version = offered === undefined ? null : highestCommonVersion(ours, offered)
    if (version !== null) return version
    const theirs = offered === undefined ? 'does not offer it' : `offers ${formatVersions(offered)}`
    throw new UnsupportedVersionError(
      `${api.name}: we speak ${formatVersions(ours)}, ${this.broker} ${theirs}`,
      {
        api: api.name,
        broker: this.broker,
      },
    )
  }

  offers(api: Api<FieldMap, FieldMap>): boolean {
    return this.#offered.has(api.key)
  }

  /** Level of a feature that the cluster has finalized (KIP-584); 0: none, or not told. */
  feature(name: string): number {
    return this.#features.get(name) ?? 0
  }

  negotiated(
    offered: ReadonlyMap<number, VersionRange>,
    authenticates: boolean,
    features: ReadonlyMap<string, number> = new Map(),
  ): void {
    this.#offered = offered
    this.#features = features
    this.#state = step(this.#state, authenticates ? 'authenticating' : 'ready')
  }

  /** @param sessionLifetimeMs milliseconds until the broker wants a new authentication; 0: never. */
  authenticated(sessionLifetimeMs: number): void {
    // A new connection is opened well before the broker closes this one (Java reauthenticates at 85 to 95 %).
    if (sessionLifetimeMs > 0) {
      this.#sessionEndsAt = performance.now() + sessionLifetimeMs * (0.85 + Math.random() * 0.1)
    }
    this.#state = step(this.#state, 'ready')
  }

  /** Sends a request at the highest common version and gives the decoded answer. */
  send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: Body<Q>,
    options?: SendOptions,
  ): Promise<StructOf<S>> {
    return new Promise((resolve, reject) => {
      const version = this.version(api, options?.maxVersion)
      this.#write(api, version, body, {
        timeoutMs: options?.timeoutMs,
        onResponse: (frame) => {
          const response = decodeResponseFrame(api, version, frame)
          this.#throttle(response)
          resolve(response)
        },
        onError: reject,
      })
    })
  }

  /**
   * Sends at a version that the caller has chosen, before there is a negotiated one; gives what `read` makes of the
   * answer's frame. Its throwing is the end of the connection, like any answer that cannot be read.
   */
  sendRaw<Q extends FieldMap, T>(
    api: Api<Q, FieldMap>,
    version: number,
    body: StructInput<Q>,
    read: (frame: Uint8Array) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#write(api, version, body, {
        timeoutMs: undefined,
        onResponse: (frame) => resolve(read(frame)),
        onError: reject,
      })
    })
  }

  /**
   * Sends a request that has no answer (Produce with acks=0). Resolves once the socket has taken it; that taking longer
   * than an answer may is the end of the connection.
   */
  sendUnanswered<Q extends FieldMap>(
    api: Api<Q, FieldMap>,
    body: Body<Q>,
    options?: SendOptions,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const version = this.version(api, options?.maxVersion)
      if (this.#state !== 'ready') return reject(this.#lost('closed before the request was written'))
      this.#enqueue(api, version, this.#takeCorrelationId(), body)
      const deadlineAt = this.#deadlineAt(options?.timeoutMs)
      const settle = (error: Error | null) => (error === null ? resolve() : reject(error))
      const write: PendingWrite = { deadlineAt, api: api.name, settle }
      this.#unwritten.add(write)
      this.#queued.push(write)
      if (deadlineAt < this.#deadlineTimerAt) this.#armDeadline(deadlineAt)
    })
  }

  /** No new requests; closes by itself when all is written and the last answer is in. */
  drain(): void {
    if (this.#state !== 'ready') return
    this.#state = step(this.#state, 'draining')
    this.#closeIfDrained()
  }

  #closeIfDrained(): void {
    if (this.#state !== 'draining' || this.#inFlight.size > 0 || this.#unwritten.size > 0) return
    this.close(this.#lost('no longer used'))
  }

  /** The one way down. The first call wins; later ones change nothing. */
  close(error: Error = this.#lost('closed by this client')): void {
    if (this.#state === 'closed') return
    this.#state = step(this.#state, 'closed')
    clearTimeout(this.#deadlineTimer)
    clearTimeout(this.#throttleTimer)
    this.#outgoing = []
    this.#queued = []
    // The listeners of the stream stay: a destroyed socket may still tell of an error, and nobody listening would end
    // the process.
    this.#stream.destroy()
    this.#options.metrics?.connectionsClosed.record(1, performance.now())
    this.#options.onClose(error)
    for (let request = this.#inFlight.shift(); request; request = this.#inFlight.shift())
      request.onError(error)
    for (const write of this.#unwritten) write.settle(error)
    this.#unwritten.clear()
  }

  #write<Q extends FieldMap>(
    api: Api<Q, FieldMap>,
    version: number,
    body: Body<Q>,
    waiter: {
      timeoutMs: number | undefined
      onResponse(frame: Uint8Array): void
      onError(error: Error): void
    },
  ): void {
    if (this.#state === 'closed' || this.#state === 'draining') {
      return waiter.onError(this.#lost('closed before the request was written'))
    }
    // Encoding comes first: a value that cannot be encoded must not leave a waiter behind.
    const correlationId = this.#takeCorrelationId()
    this.#enqueue(api, version, correlationId, body)
    const deadlineAt = this.#deadlineAt(waiter.timeoutMs)
    this.#inFlight.push({
      correlationId,
      api: api.name,
      sentAt: this.#lastUsedMonotonic,
      deadlineAt,
      onResponse: waiter.onResponse,
      onError: waiter.onError,
    })
    if (deadlineAt < this.#deadlineTimerAt) this.#armDeadline(deadlineAt)
  }

  /** The time that a throttled request is held back here is not the broker's. */
  #deadlineAt(timeoutMs = this.#options.requestTimeoutMs): number {
    return Math.max(performance.now(), this.#throttledUntil) + timeoutMs
  }

  /** Correlation ids are int32 and wrap; order is what matches answers, the id only proves it. */
  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId
    this.#nextCorrelationId = (id + 1) & 0x7fffffff
    return id
  }

  #enqueue<Q extends FieldMap>(
    api: Api<Q, FieldMap>,
    version: number,
    correlationId: number,
    body: Body<Q>,
  ): void {
    const value = typeof body === 'function' ? body(version) : body
    let bytes = 0
    for (const chunk of encodeRequestFrame(api, version, correlationId, this.#options.clientId, value)) {
      this.#outgoing.push(chunk)
      bytes += chunk.length
    }
    this.#touch()
    this.#traffic?.sent(bytes, this.#lastUsedMonotonic)
    if (!this.#flushScheduled) {
      this.#flushScheduled = true
      queueMicrotask(() => this.#flush())
    }
  }

  /** Writes now what else would be written at the end of the microtasks. */
  flush(): void {
    this.#flush()
  }

  #flush(): void {
    this.#flushScheduled = false
    if (this.#state === 'closed' || this.#outgoing.length === 0) return
    const wait = this.#throttledUntil - performance.now()
    if (wait > 0) {
      this.#throttleTimer ??= setTimeout(() => {
        this.#throttleTimer = undefined
        this.#flush()
      }, wait)
      return
    }
    const chunks = this.#outgoing
    this.#outgoing = []
    const last = chunks.length - 1
    this.#stream.cork()
    for (let i = 0; i < last; i++) this.#stream.write(chunks[i])
    if (this.#queued.length === 0) {
      this.#stream.write(chunks[last])
    } else {
      const written = this.#queued
      this.#queued = []
      this.#stream.write(chunks[last], (error) => {
        // An error closes the connection, which tells all who wait.
        if (error) return this.close(this.#lost(messageOf(error), error))
        for (const write of written) if (this.#unwritten.delete(write)) write.settle(null)
        this.#closeIfDrained()
      })
    }
    this.#stream.uncork()
  }

  /**
   * Answers come in any order of their times, and the longest counts. It is bounded, so that no peer can silence a
   * connection for days: a broker that wants more holds the answers back by itself.
   */
  #throttle(response: Readonly<Record<string, unknown>>): void {
    const ms = response.throttleTimeMs
    if (typeof ms !== 'number' || ms <= 0) return
    const until = performance.now() + Math.min(ms, this.#options.requestTimeoutMs)
    this.#throttledUntil = Math.max(this.#throttledUntil, until)
  }

  readonly #onData = (chunk: Uint8Array, isLent: boolean): void => {
    if (this.#state === 'closed') return
    if (this.#greeting.length < 4) {
      this.#greeting = Buffer.concat([this.#greeting, chunk.subarray(0, 4 - this.#greeting.length)])
      const foreign = notKafka(this.#greeting, this.broker)
      if (foreign !== null) return this.close(foreign)
    }
    this.#touch()
    try {
      this.#frames.push(chunk, this.#onFrame, isLent)
    } catch (error) {
      this.close(this.#broken(error))
    }
  }

  readonly #onFrame = (frame: Uint8Array): void => {
    const request = this.#inFlight.first
    if (request === undefined) throw new ProtocolError('MALFORMED', 'an answer that no request asked for')
    if (frame.length < 4)
      throw new ProtocolError('TRUNCATED', `an answer of ${frame.length} bytes has no correlation id`)
    const correlationId = (frame[0]! << 24) | (frame[1]! << 16) | (frame[2]! << 8) | frame[3]!
    // Out of step means that every later answer would be taken for another one.
    if (correlationId !== request.correlationId) {
      const expected = `${request.correlationId} (${request.api})`
      throw new ProtocolError(
        'MALFORMED',
        `answer with correlation id ${correlationId}, expected was ${expected}`,
      )
    }
    this.#inFlight.shift()
    // With the four bytes of its length, as requests are counted.
    this.#traffic?.answered(frame.length + 4, request, this.#lastUsedMonotonic)
    try {
      request.onResponse(frame)
    } catch (error) {
      const broken = this.#broken(error, request)
      request.onError(broken)
      return this.close(broken)
    }
    if (this.#state === 'ready') this.#served = true
    this.#closeIfDrained()
  }

  #onError(error: Error): void {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code.startsWith('ERR_SSL_')) {
      // TLS 1.3: the client is done before the server has looked at its certificate.
      const hint = /CERTIFICATE/.test(code) ? ': does this listener want a certificate of the client?' : ''
      const message = `${this.broker}: TLS failed: ${error.message}${hint}`
      return this.close(new TlsError('TLS_HANDSHAKE_FAILED', message, { broker: this.broker, cause: error }))
    }
    this.close(this.#lost(`${messageOf(error)}${this.#hint()}`, error))
  }

  #onEnd(): void {
    const cut = this.#frames.midFrame ? ' in the middle of an answer' : ''
    this.close(this.#lost(`closed by the broker${cut}${this.#hint()}`))
  }

  /** Why a broker may hang up on us without a word, from how far the conversation had come. */
  #hint(): string {
    if (this.#greeting.length === 0)
      return ' before any answer: does this port expect TLS, or is it no Kafka?'
    if (this.#state === 'ready' && this.#inFlight.size > 0 && !this.#served) {
      return ' at the first request: does this listener expect SASL?'
    }
    return ''
  }

  #touch(): void {
    this.#lastUsedMonotonic = performance.now()
    this.#lastUsedWall = Date.now()
  }

  #armDeadline(at: number): void {
    clearTimeout(this.#deadlineTimer)
    this.#deadlineTimerAt = at
    this.#deadlineTimer = setTimeout(
      () => {
        // After a freeze this timer comes before the answers that already lie in the socket: let these in first.
        setImmediate(() => this.#checkDeadlines())
      },
      Math.min(Math.max(1, at - performance.now()), longestTimerMs),
    )
  }

  #checkDeadlines(): void {
    this.#deadlineTimerAt = Number.POSITIVE_INFINITY
    let earliest: PendingRequest | PendingWrite | undefined = this.#inFlight.earliest()
    for (const write of this.#unwritten) {
      if (earliest === undefined || write.deadlineAt < earliest.deadlineAt) earliest = write
    }
    if (earliest === undefined || this.#state === 'closed') return
    if (earliest.deadlineAt > performance.now()) return this.#armDeadline(earliest.deadlineAt)
    // The answers behind the late one cannot be told apart from it: the connection as a whole is given up.
    this.close(
      new TimeoutError(
        'REQUEST_TIMEOUT',
        `${this.broker}: no answer to ${earliest.api} in time${this.#frames.midFrame ? ', only its beginning' : ''}`,
        {
          broker: this.broker,
          api: earliest.api,
        },
      ),
    )
  }

  #lost(reason: string, cause?: unknown): ConnectionError {
    return new ConnectionError('CONNECTION_CLOSED', `${this.broker}: ${reason}`, {
      broker: this.broker,
      cause,
    })
  }

  #broken(error: unknown, request?: PendingRequest): Error {
    if (!(error instanceof ProtocolError)) return error instanceof Error ? error : new Error(String(error))
    const what = request === undefined ? 'an answer' : `an answer to ${request.api}`
    const wrapped = new ProtocolError(
      error.code,
      `${this.broker} sent ${what} that cannot be read: ${error.message}`,
    )
    wrapped.cause = error
    return wrapped
  }
}

/** What the first bytes of a peer say when it is no Kafka at all; null when they may be one. */
function notKafka(greeting: Uint8Array, broker: string): KafkaError | null {
  // A TLS alert or handshake record: type 21 or 22, then version 3.x.
  if ((greeting[0] === 21 || greeting[0] === 22) && greeting[1] === 3) {
    return new TlsError('TLS_REQUIRED', `${broker} speaks TLS, but the option tls is not set`, { broker })
  }
  if (String.fromCharCode(...greeting) === 'HTTP')
    return new KafkaError('NOT_KAFKA', `${broker} speaks HTTP, not Kafka`, { broker })
  return null
}

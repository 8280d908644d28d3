import type { Duplex } from 'node:stream'
import { Backoff } from '../backoff.ts'
import { sleep } from '../deadline.ts'
import { ConnectionError, IllegalStateError, KafkaError, messageOf } from '../errors.ts'
import type { NetworkMetrics } from '../metrics/network-metrics.ts'
import { Connection } from './connection.ts'
import { handshake } from './handshake.ts'
import type { SaslMechanism } from './sasl/mechanism.ts'
import type { Connect, TlsOptions } from './transport.ts'

/**
 * What a connection is for. A broker answers a connection's requests in order, so what waits long on purpose stands in
 * the way of all that comes behind it: fetches, and joins of a group, have a connection of their own.
 */
export type Purpose = 'main' | 'fetch' | 'group'

/** How to reach brokers; the names are those of the client options. */
export interface NetworkOptions {
  readonly clientId: string
  readonly connect: Connect
  readonly tls: TlsOptions | null
  readonly sasl: SaslMechanism | null
  readonly requestTimeoutMs: number
  readonly connectionsMaxIdleMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly socketConnectionSetupTimeoutMs: number
  readonly socketConnectionSetupTimeoutMaxMs: number
  readonly receiveMessageMaxBytes: number
  /** What is counted of the connections; undefined: nothing. */
  readonly metrics?: NetworkMetrics | undefined
}

/** Connections to one broker, one for each purpose, opened when first wanted. */
export class Broker {
  readonly host: string
  readonly port: number
  /** `host:port`. */
  readonly address: string
  readonly #options: NetworkOptions
  readonly #slots = new Map<Purpose, Slot>()
  #closed = false

  constructor(host: string, port: number, options: NetworkOptions) {
    this.host = host
    this.port = port
    this.address = `${host}:${port}`
    this.#options = options
  }

  /** The connection for this purpose if it can be written to at once, else null. */
  ready(purpose: Purpose): Connection | null {
    return this.#slots.get(purpose)?.usable() ?? null
  }

  /** The connection for this purpose, opened if there is none. Concurrent callers share one attempt. */
  connection(purpose: Purpose): Promise<Connection> {
    if (this.#closed) return Promise.reject(new IllegalStateError(`${this.address}: the client is closed`))
    let slot = this.#slots.get(purpose)
    if (slot === undefined) {
      slot = new Slot(this.host, this.port, this.#options)
      this.#slots.set(purpose, slot)
    }
    return slot.connection()
  }

  /** Requests in flight over all connections. */
  get inFlight(): number {
    let sum = 0
    for (const slot of this.#slots.values()) sum += slot.inFlight
    return sum
  }

  /** Whether an attempt to connect failed last, and its backoff is not over. */
  get isBackingOff(): boolean {
    for (const slot of this.#slots.values()) if (slot.isBackingOff) return true
    return false
  }

  /** Whether there is no connection, and none on its way. */
  get isUnconnected(): boolean {
    for (const slot of this.#slots.values()) if (!slot.isEmpty) return false
    return true
  }

  /** Lets go of the connections once their answers are in. They are opened again when wanted. */
  drain(): void {
    for (const slot of this.#slots.values()) slot.drain()
  }

  /** Closes the connections now; what is in flight fails. Nothing is opened any more. */
  close(): void {
    this.#closed = true
    for (const slot of this.#slots.values()) slot.close()
  }
}

/** One purpose's connection: none, being opened, or open. */
class Slot {
  readonly #host: string
  readonly #port: number
  readonly #options: NetworkOptions
  readonly #reconnect: Backoff
  #current: Connection | null = null
  #opening: Promise<Connection> | null = null
  /** Ends the attempt that is on its way. A new one each: a signal that outlives attempts would collect listeners. */
  #attempt: AbortController | null = null
  /** Connections that are replaced, and still owe answers. Held, so that close() ends them too. */
  readonly #draining = new Set<Connection>()
  #closed = false
  /** No new attempt before this point, monotonic milliseconds. */
  #notBefore = 0
  #failures = 0

  constructor(host: string, port: number, options: NetworkOptions) {
    this.#host = host
    this.#port = port
    this.#options = options
    this.#reconnect = new Backoff(options.reconnectBackoffMs, options.reconnectBackoffMaxMs)
  }

  get inFlight(): number {
    let sum = this.#current?.inFlight ?? 0
    for (const connection of this.#draining) sum += connection.inFlight
    return sum
  }

  get isEmpty(): boolean {
    return this.#current === null && this.#opening === null && this.#draining.size === 0
  }

  get isBackingOff(): boolean {
    return performance.now() < this.#notBefore
  }

  usable(): Connection | null {
    const current = this.#current
    if (current?.isUsable(this.#options.connectionsMaxIdleMs)) return current
    // A stale one may still owe answers: it ends after the last of them, while a new one takes over.
    if (current?.state === 'ready') this.drain()
    return null
  }

  connection(): Promise<Connection> {
    const usable = this.usable()
    if (usable !== null) return Promise.resolve(usable)
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  drain(): void {
    const current = this.#current
    if (current === null) return
    this.#current = null
    this.#draining.add(current)
    // With nothing in flight this closes it at once, and its onClose takes it out again.
    current.drain()
  }

  close(): void {
    this.#closed = true
    const broker = `${this.#host}:${this.#port}`
    const error = new ConnectionError('CONNECTION_CLOSED', `${broker}: the client is closed`, {
      broker,
      retriable: false,
    })
    this.#attempt?.abort(error)
    this.#current?.close(error)
    this.#current = null
    for (const connection of [...this.#draining]) connection.close(error)
  }

  async #open(): Promise<Connection> {
    const attempt = new AbortController()
    this.#attempt = attempt
    try {
      const wait = this.#notBefore - performance.now()
      if (wait > 0) await sleep(wait, attempt.signal)
      return await this.#openNow(attempt)
    } finally {
      this.#attempt = null
    }
  }

  async #openNow(attempt: AbortController): Promise<Connection> {
    const { signal } = attempt
    const { socketConnectionSetupTimeoutMs: first, socketConnectionSetupTimeoutMaxMs: most } = this.#options
    // KIP-601: the allowance doubles with each failure in a row.
    const timeoutMs = Math.min(first * 2 ** this.#failures, most)
    const timer = setTimeout(() => attempt.abort(this.#timedOut(timeoutMs)), timeoutMs)
    try {
      const connection = await this.#dial(signal)
      // close() may have come between the end of the handshake and here: nobody would close this connection then.
      if (signal.aborted) {
        connection.close()
        throw signal.reason
      }
      this.#reconnect.reset()
      this.#failures = 0
      this.#notBefore = 0
      // It may be closed already; then whoever sends finds out.
      if (connection.state === 'ready') this.#current = connection
      return connection
    } catch (error) {
      if (this.#failures < 30) this.#failures++
      this.#notBefore = performance.now() + this.#reconnect.next()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #dial(signal: AbortSignal): Promise<Connection> {
    const { connect, tls, sasl, ...options } = this.#options
    let stream: Duplex
    try {
      const dialing = connect({ host: this.#host, port: this.#port, tls, signal })
      stream = await unlessAborted(dialing, signal, (late) => {
        late.on('error', () => {})
        late.destroy()
      })
    } catch (error) {
      if (error instanceof KafkaError) throw error
      // A transport of the user's own has failed in its own words.
      const broker = `${this.#host}:${this.#port}`
      const message = `${broker}: ${messageOf(error)}`
      throw new ConnectionError('CONNECTION_FAILED', message, { broker, cause: error })
    }
    const connection = new Connection(stream, {
      host: this.#host,
      port: this.#port,
      clientId: options.clientId,
      requestTimeoutMs: options.requestTimeoutMs,
      receiveMessageMaxBytes: options.receiveMessageMaxBytes,
      onClose: () => this.#onClose(connection),
      metrics: options.metrics,
    })
    try {
      await unlessAborted(handshake(connection, sasl), signal, () => {})
      return connection
    } catch (error) {
      connection.close(error instanceof Error ? error : undefined)
      throw error
    }
  }

  #onClose(connection: Connection): void {
    this.#draining.delete(connection)
    if (this.#current !== connection) return
    this.#current = null
    // The next one does not come at once either: a broker that hangs up on each request must not be hammered.
    if (!this.#closed) this.#notBefore = performance.now() + this.#reconnect.next()
  }

  #timedOut(timeoutMs: number): ConnectionError {
    const broker = `${this.#host}:${this.#port}`
    const message = `${broker}: no connection within ${Math.round(timeoutMs)} ms`
    return new ConnectionError('CONNECTION_TIMEOUT', message, { broker })
  }
}

/**
 * `work`, or the signal's reason when that comes first: the functions behind it are the user's, and may know nothing of
 * the signal. What `work` gives after that goes to `discard`.
 */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, discard: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort)
        if (signal.aborted) discard(value)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort)
        reject(error)
      },
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

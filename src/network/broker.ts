import { Backoff } from '../backoff.ts'
import { ConnectionError, IllegalStateError } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
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
  readonly #closing = new AbortController()
  #current: Connection | null = null
  #opening: Promise<Connection> | null = null
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
    return this.#current?.inFlight ?? 0
  }

  get isBackingOff(): boolean {
    return performance.now() < this.#notBefore
  }

  usable(): Connection | null {
    const current = this.#current
    if (current?.isUsable(this.#options.connectionsMaxIdleMs)) return current
    // A stale one may still owe answers: it ends after the last of them, while a new one takes over.
    if (current?.state === 'ready') {
      this.#current = null
      current.drain()
    }
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
    this.#current?.drain()
    this.#current = null
  }

  close(): void {
    this.#closing.abort(
      new ConnectionError('CONNECTION_CLOSED', `${this.#host}:${this.#port}: the client is closed`, {
        retriable: false,
      }),
    )
    this.#current?.close()
    this.#current = null
  }

  async #open(): Promise<Connection> {
    await this.#waitForTurn()
    const timeout = new AbortController()
    const { socketConnectionSetupTimeoutMs: first, socketConnectionSetupTimeoutMaxMs: most } = this.#options
    // KIP-601: the allowance doubles with each failure in a row.
    const timeoutMs = Math.min(first * 2 ** this.#failures, most)
    const timer = setTimeout(() => timeout.abort(this.#timedOut(timeoutMs)), timeoutMs)
    try {
      const signal = AbortSignal.any([timeout.signal, this.#closing.signal])
      const connection = await this.#dial(signal)
      this.#reconnect.reset()
      this.#failures = 0
      this.#notBefore = 0
      this.#current = connection
      return connection
    } catch (error) {
      this.#failures++
      this.#notBefore = performance.now() + this.#reconnect.next()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #dial(signal: AbortSignal): Promise<Connection> {
    const { connect, tls, sasl, ...options } = this.#options
    const stream = await connect({ host: this.#host, port: this.#port, tls, signal })
    const connection = new Connection(stream, {
      host: this.#host,
      port: this.#port,
      clientId: options.clientId,
      requestTimeoutMs: options.requestTimeoutMs,
      receiveMessageMaxBytes: options.receiveMessageMaxBytes,
      onClose: () => {
        if (this.#current === connection) {
          this.#current = null
          // The next one does not come at once either: a broker that hangs up on each request must not be hammered.
          this.#notBefore = performance.now() + this.#reconnect.next()
        }
      },
    })
    const onAbort = () => connection.close(abortError(signal.reason, connection.broker))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal.aborted) onAbort()
      await handshake(connection, sasl)
      return connection
    } catch (error) {
      connection.close()
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #waitForTurn(): Promise<void> | undefined {
    const wait = this.#notBefore - performance.now()
    const { signal } = this.#closing
    if (signal.aborted) return Promise.reject(signal.reason)
    if (wait <= 0) return undefined
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }, wait)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #timedOut(timeoutMs: number): ConnectionError {
    const broker = `${this.#host}:${this.#port}`
    const message = `${broker}: no connection within ${Math.round(timeoutMs)} ms`
    return new ConnectionError('CONNECTION_TIMEOUT', message, { broker })
  }
}

function abortError(reason: unknown, broker: string): Error {
  if (reason instanceof KafkaError) return reason
  return new ConnectionError('CONNECTION_FAILED', `${broker}: connecting was given up`, {
    broker,
    cause: reason,
  })
}

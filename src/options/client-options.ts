import * as z from 'zod/mini'
import type { SaslMechanism } from '../network/sasl/mechanism.ts'
import type { Connect, TlsOptions } from '../network/transport.ts'

/** User name and password for SASL. */
export interface SaslPasswordOptions {
  /** `sasl.mechanism`. PLAIN sends the password as it is: use it over TLS. */
  mechanism: 'PLAIN'
  username: string
  password: string
}

/** What all clients have in common. Names and defaults are Java's, in camelCase. */
export interface ClientOptions {
  /** Where to find the cluster at first: `host:port`, several with commas between or as an array. */
  bootstrapServers: string | readonly string[]
  /** Sent with each request: shows in the broker's logs, metrics and quotas. Default `kafkawire`. */
  clientId?: string | undefined
  /** Off by default. `true`: TLS with the system's authorities; else what `tls.connect` of Node takes. */
  tls?: boolean | Exclude<TlsOptions, true> | undefined
  /** Off by default. A mechanism with its credentials, or a mechanism of your own. */
  sasl?: SaslPasswordOptions | SaslMechanism | undefined
  /** Opens a byte pipe to a broker. Default: TCP, with TLS where asked for. */
  connect?: Connect | undefined
  /** Longest wait for the answer to one request, in milliseconds. Default 30000. */
  requestTimeoutMs?: number | undefined
  /** Longest time for a call that has no deadline of its own, its retries included, in milliseconds. Default 60000. */
  defaultApiTimeoutMs?: number | undefined
  /** Wait before the first retry, in milliseconds; doubles with each. Default 100. */
  retryBackoffMs?: number | undefined
  /** Longest wait before a retry, in milliseconds. Default 1000. */
  retryBackoffMaxMs?: number | undefined
  /** Wait before the first attempt to connect again, in milliseconds; doubles with each. Default 50. */
  reconnectBackoffMs?: number | undefined
  /** Longest wait before an attempt to connect again, in milliseconds. Default 1000. */
  reconnectBackoffMaxMs?: number | undefined
  /** Longest time for connecting, TLS and SASL included, in milliseconds; doubles with each failure. Default 10000. */
  socketConnectionSetupTimeoutMs?: number | undefined
  /** Bound of that doubling, in milliseconds. Default 30000. */
  socketConnectionSetupTimeoutMaxMs?: number | undefined
  /** A connection that was idle for longer is replaced before it is used again, in milliseconds. Default 540000. */
  connectionsMaxIdleMs?: number | undefined
  /** Metadata that is older is fetched again when used, in milliseconds. Default 300000. */
  metadataMaxAgeMs?: number | undefined
  /** Whether to go back to `bootstrapServers` when no known broker answers (KIP-899). Default `rebootstrap`. */
  metadataRecoveryStrategy?: 'rebootstrap' | 'none' | undefined
  /** Name of the rack or zone that this client is in (KIP-392, KIP-881). Default: none. */
  clientRack?: string | undefined
  /** Largest response that is accepted, in bytes. Default 100000000. */
  receiveMessageMaxBytes?: number | undefined
}

const int32Max = 0x7fffffff

export const milliseconds = z.int().check(z.minimum(0), z.maximum(Number.MAX_SAFE_INTEGER))
/** What goes into an int32 field or a timer. */
export const shortMilliseconds = z.int().check(z.minimum(0), z.maximum(int32Max))
export const positiveInt32 = z.int().check(z.minimum(1), z.maximum(int32Max))

export function functionOption<T>() {
  return z.custom<T>((value) => typeof value === 'function', 'a function')
}

/** An object with all of these methods. */
export function objectWith<T>(...methods: (keyof T & string)[]) {
  return z.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    `an object with ${methods.join(', ')}()`,
  )
}

const address = /^\s*(?:[A-Za-z][A-Za-z0-9_]*:\/\/)?(?:\[[0-9A-Fa-f:.%a-z]+\]|[^:\s[\]/]+):(\d{1,5})\s*$/

function areAddresses(list: readonly string[]): boolean {
  return (
    list.length > 0 &&
    list.every((one) => {
      const port = Number(address.exec(one)?.[1])
      return port >= 1 && port <= 65535
    })
  )
}

const bootstrapServers = z.custom<string | readonly string[]>(
  (value) =>
    typeof value === 'string'
      ? areAddresses(splitAddresses(value))
      : Array.isArray(value) && value.every((one) => typeof one === 'string') && areAddresses(value),
  'host:port, several with commas between or as an array',
)

const passwordOptions = z.strictObject({
  mechanism: z.literal('PLAIN'),
  username: z.string(),
  password: z.string(),
})

/** Fields that are in the options of every client. */
export const clientFields = {
  bootstrapServers,
  clientId: z._default(z.string(), 'kafkawire'),
  tls: z._default(
    z.union([
      z.boolean(),
      z.custom<Exclude<TlsOptions, true>>(
        (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
        'options of tls.connect',
      ),
    ]),
    false,
  ),
  sasl: z.optional(z.union([passwordOptions, objectWith<SaslMechanism>('authenticate')])),
  connect: z.optional(functionOption<Connect>()),
  requestTimeoutMs: z._default(positiveInt32, 30_000),
  defaultApiTimeoutMs: z._default(shortMilliseconds, 60_000),
  retryBackoffMs: z._default(shortMilliseconds, 100),
  retryBackoffMaxMs: z._default(shortMilliseconds, 1000),
  reconnectBackoffMs: z._default(shortMilliseconds, 50),
  reconnectBackoffMaxMs: z._default(shortMilliseconds, 1000),
  socketConnectionSetupTimeoutMs: z._default(positiveInt32, 10_000),
  socketConnectionSetupTimeoutMaxMs: z._default(positiveInt32, 30_000),
  connectionsMaxIdleMs: z._default(milliseconds, 540_000),
  metadataMaxAgeMs: z._default(milliseconds, 300_000),
  metadataRecoveryStrategy: z._default(z.enum(['rebootstrap', 'none']), 'rebootstrap'),
  clientRack: z._default(z.string(), ''),
  receiveMessageMaxBytes: z._default(positiveInt32, 100_000_000),
}

export const clientOptions = z.strictObject(clientFields)

export type ParsedClientOptions = z.output<typeof clientOptions>

export function splitAddresses(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Addresses as the schema has let them through. A listener's name before `://` is dropped. */
export function parseAddresses(servers: string | readonly string[]): Address[] {
  const list = typeof servers === 'string' ? splitAddresses(servers) : servers
  return list.map((one) => {
    const text = one.trim().replace(/^[A-Za-z][A-Za-z0-9_]*:\/\//, '')
    const colon = text.lastIndexOf(':')
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) }
  })
}

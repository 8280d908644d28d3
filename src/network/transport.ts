import type { Duplex } from 'node:stream'
import type { ConnectionOptions as NodeTlsOptions } from 'node:tls'

/** `true`: TLS with the system's authorities; else what `tls.connect` of Node takes (ca, cert, key, servername, ...). */
export type TlsOptions = true | NodeTlsOptions

export interface ConnectTarget {
  readonly host: string
  readonly port: number
  /** Null: plain text. */
  readonly tls: TlsOptions | null
  /** Aborted when the attempt has taken too long, or nobody waits for it any more. */
  readonly signal: AbortSignal
}

/**
 * Opens a byte pipe to a broker, ready to be written to (TLS included). The default dials TCP; a proxy, a tunnel or a
 * broker in memory are other functions of this type.
 */
export type Connect = (target: ConnectTarget) => Promise<Duplex>

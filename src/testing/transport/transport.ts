import type { Duplex } from 'node:stream'
import type { Listening } from '../broker/listener.ts'
import type { ListenerOption } from '../options.ts'

/**
 * Gets the byte pipe, TLS taken off, the client's address as Kafka shows it (`/127.0.0.1`), and the principal that its
 * certificate names, null where it gave none.
 */
export type Accept = (stream: Duplex, clientHost: string, principal: string | null) => void

/** How connections come to brokers. */
export interface Transport {
  /** Takes connections in at `port`, or a free one for 0. */
  listen(host: string, port: number, option: ListenerOption, accept: Accept): Promise<Listening>
}

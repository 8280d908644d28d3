import type { ListenerOption } from '../options.ts'

/** An address of one broker. */
export interface Listener {
  readonly option: ListenerOption
  /** What clients are told to connect to. */
  readonly host: string
  readonly port: number
}

/** What a transport does for brokers: take connections in at an address. */
export interface Listening {
  /** The port, chosen by the system where 0 was asked for. */
  readonly port: number
  /** No new connections; those that are there are up to the broker. */
  close(): Promise<void>
}

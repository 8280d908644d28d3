import * as z from 'zod/mini'
import { type ClientOptions, clientFields, milliseconds } from '../options/client-options.ts'

/** Options of the admin client. Names and defaults are those of Java's AdminClientConfig, in camelCase. */
export interface AdminOptions extends ClientOptions {
  /** A connection that was idle for longer is replaced before it is used again, in milliseconds. Default 300000. */
  connectionsMaxIdleMs?: number | undefined
}

export const adminOptions = z.strictObject({
  ...clientFields,
  // Java's admin client has a shorter one than its producer and consumer.
  connectionsMaxIdleMs: z._default(milliseconds, 300_000),
})

/** What every call of the admin client takes, last of all. */
export interface CallOptions {
  /** Longest time for the call, its retries included, in milliseconds. Default: the option `defaultApiTimeoutMs`. */
  timeoutMs?: number | undefined
  /** Ends the call early: it rejects with the signal's reason. What the brokers were told to do may still happen. */
  signal?: AbortSignal | undefined
}

/**
 * What a connection is about.
 * - `negotiating`: ApiVersions is on the wire; nothing else may be sent.
 * - `authenticating`: SASL messages alone.
 * - `ready`: open for requests.
 * - `draining`: no new requests; those in flight may still be answered.
 * - `closed`: over, with every waiter told so.
 */
export type ConnectionState = 'negotiating' | 'authenticating' | 'ready' | 'draining' | 'closed'

const next: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  negotiating: ['authenticating', 'ready', 'closed'],
  authenticating: ['ready', 'closed'],
  ready: ['draining', 'closed'],
  draining: ['closed'],
  closed: [],
}

/** The only way to change state. A step outside of the table is a bug of ours, so it throws. */
export function step(from: ConnectionState, to: ConnectionState): ConnectionState {
  if (!next[from].includes(to)) throw new Error(`a connection cannot go from ${from} to ${to}`)
  return to
}

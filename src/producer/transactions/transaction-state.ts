/**
 * Where a transactional producer stands (Java's `TransactionManager.State`).
 * - `UNINITIALIZED`: the transactional id has not been claimed yet.
 * - `INITIALIZING`: claiming it, or raising the epoch after an error: whoever had it before is fenced.
 * - `READY`: no transaction is open.
 * - `IN_TRANSACTION`: records and offsets may be sent.
 * - `COMMITTING_TRANSACTION`: what was sent is awaited, then the coordinator is told.
 * - `ABORTING_TRANSACTION`: what has not left is dropped, what is in flight awaited, then the coordinator is told.
 * - `ABORTABLE_ERROR`: something of the transaction has failed; it can only be aborted.
 * - `FATAL_ERROR`: the producer can only be closed.
 */
export type TransactionState =
  | 'UNINITIALIZED'
  | 'INITIALIZING'
  | 'READY'
  | 'IN_TRANSACTION'
  | 'COMMITTING_TRANSACTION'
  | 'ABORTING_TRANSACTION'
  | 'ABORTABLE_ERROR'
  | 'FATAL_ERROR'

const next: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  UNINITIALIZED: ['INITIALIZING', 'FATAL_ERROR'],
  INITIALIZING: ['READY', 'ABORTABLE_ERROR', 'FATAL_ERROR'],
  READY: ['IN_TRANSACTION', 'FATAL_ERROR'],
  IN_TRANSACTION: ['COMMITTING_TRANSACTION', 'ABORTING_TRANSACTION', 'ABORTABLE_ERROR', 'FATAL_ERROR'],
  COMMITTING_TRANSACTION: ['READY', 'ABORTABLE_ERROR', 'FATAL_ERROR'],
  // An epoch that has to be raised is raised once the transaction is over (KIP-360).
  ABORTING_TRANSACTION: ['READY', 'INITIALIZING', 'FATAL_ERROR'],
  ABORTABLE_ERROR: ['ABORTING_TRANSACTION', 'FATAL_ERROR'],
  FATAL_ERROR: [],
}

/** The only way to change state. A step outside of the table is a bug of ours, so it throws. */
export function step(from: TransactionState, to: TransactionState): TransactionState {
  if (!next[from].includes(to)) throw new Error(`a transactional producer cannot go from ${from} to ${to}`)
  return to
}

/** In which states each method may be called; the two errors are answered by themselves. */
export const allowedIn = {
  initTransactions: ['UNINITIALIZED'],
  beginTransaction: ['READY'],
  send: ['IN_TRANSACTION'],
  sendOffsetsToTransaction: ['IN_TRANSACTION'],
  commitTransaction: ['IN_TRANSACTION'],
  abortTransaction: ['IN_TRANSACTION', 'ABORTABLE_ERROR'],
} as const satisfies Readonly<Record<string, readonly TransactionState[]>>

export type TransactionMethod = keyof typeof allowedIn

import type { PartitionQueue, ProducerIdentity } from '../partition-queue.ts'
import type { Severity } from './transaction-errors.ts'

/** What the transaction has to say about each batch on its way out. */
export interface TransactionGate {
  readonly transactionalId: string
  readonly identity: ProducerIdentity | null
  /** Version 12 on makes a partition part of the transaction by being written to (KIP-890). */
  readonly maxProduceVersion: number
  /** Whether what is sent still counts: batches are repeated, and may be committed. */
  readonly goesOn: boolean
  /** Whether the batches of a partition may leave. False: its sender is woken when they may, or they are dropped. */
  admits(queue: PartitionQueue): boolean
  /**
   * A record will not be in the log, or may not.
   *
   * @param hadNumbers whether sequence numbers were given to it: what follows them would be refused.
   */
  failed(error: Error, hadNumbers: boolean): Severity
}

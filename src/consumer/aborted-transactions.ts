import { controlTypeOf } from '../protocol/records/control-record.ts'
import type { RecordBatch } from '../protocol/records/record-batch.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  /** Offset of the first record of the transaction. */
  readonly firstOffset: bigint
}

/**
 * Tells which batches of one fetch answer belong to aborted transactions (Java's `CompletedFetch`). The batches are to
 * be shown in the order of their offsets, each once.
 */
export class AbortedTransactions {
  /** By first offset; brokers do not promise that order. */
  readonly #begins: readonly AbortedTransaction[]
  #next = 0
  /** Producers that are inside of an aborted transaction at the batch shown last. */
  readonly #aborting = new Set<bigint>()

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#begins = [...transactions].sort((a, b) =>
      a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
    )
  }

  /** Whether the records of this batch are to be left out. Throws ProtocolError for a malformed end of transaction. */
  excludes(batch: RecordBatch): boolean {
    const { producerId } = batch
    if (producerId < 0n) return false
    const { lastOffset } = batch
    for (
      let begin = this.#begins[this.#next];
      begin !== undefined && begin.firstOffset <= lastOffset;
      begin = this.#begins[++this.#next]
    ) {
      this.#aborting.add(begin.producerId)
    }
    if (batch.isControl) {
      // The same producer's next transaction may be a committed one.
      if (this.#aborting.has(producerId) && isAbortMarker(batch)) this.#aborting.delete(producerId)
      return false
    }
    return batch.isTransactional && this.#aborting.has(producerId)
  }
}

function isAbortMarker(batch: RecordBatch): boolean {
  const cursor = batch.cursor()
  return cursor.next() && controlTypeOf(cursor.key()) === 'ABORT'
}

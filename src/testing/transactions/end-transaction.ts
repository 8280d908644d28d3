import type { ErrorName } from '../error-codes.ts'
import { lastClientEpoch, type ProducerIdentity, type TransactionMetadata } from './transaction-metadata.ts'

/** What is to become of a transaction that a client ends. */
export type EndDecision =
  | { readonly kind: 'refuse'; readonly error: ErrorName }
  /** It is over already: the answer got lost. */
  | { readonly kind: 'done' }
  | { readonly kind: 'end' }

const done: EndDecision = { kind: 'done' }
const end: EndDecision = { kind: 'end' }

function refuse(error: ErrorName): EndDecision {
  return { kind: 'refuse', error }
}

/** EndTxn up to version 4, which leaves the epoch as it is (Java's `endTransactionWithTV1`). */
export function decideEnd(
  metadata: TransactionMetadata,
  { producerId, producerEpoch }: ProducerIdentity,
  commit: boolean,
): EndDecision {
  if (metadata.producerId !== producerId) return refuse('INVALID_PRODUCER_ID_MAPPING')
  if (metadata.producerEpoch !== producerEpoch) return refuse('PRODUCER_FENCED')
  switch (metadata.state) {
    case 'Ongoing':
      return end
    case 'CompleteCommit':
      return commit ? done : refuse('INVALID_TXN_STATE')
    case 'CompleteAbort':
      return commit ? refuse('INVALID_TXN_STATE') : done
    default:
      return decideWhileEnding(metadata, commit)
  }
}

/**
 * EndTxn since version 5, which raises the epoch (KIP-890; Java's `endTransaction`). By the epoch a retry can be told from
 * the end of the next transaction, which may be aborted before it has any partition.
 */
export function decideEndRaisingEpoch(
  metadata: TransactionMetadata,
  { producerId, producerEpoch }: ProducerIdentity,
  commit: boolean,
): EndDecision {
  const { state } = metadata
  const retriesOverflow =
    metadata.previousProducerId === producerId &&
    producerEpoch === lastClientEpoch &&
    metadata.producerEpoch === 0
  const retriesEnd = metadata.producerEpoch === producerEpoch + 1
  const isRetry = retriesEnd || retriesOverflow
  const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort'
  const isCurrent = producerEpoch === metadata.producerEpoch
  if (metadata.producerId !== producerId && !retriesOverflow) return refuse('INVALID_PRODUCER_ID_MAPPING')
  const isValid = isComplete ? isRetry || isCurrent : metadata.isEnding ? retriesEnd : isCurrent
  if (!isValid) return refuse('PRODUCER_FENCED')
  if (state === 'Ongoing') return end
  if (isComplete) {
    if (isRetry) return commit === (state === 'CompleteCommit') ? done : refuse('INVALID_TXN_STATE')
    return commit ? refuse('INVALID_TXN_STATE') : end
  }
  if (state === 'Empty' && !commit) return end
  return decideWhileEnding(metadata, commit)
}

function decideWhileEnding({ state }: TransactionMetadata, commit: boolean): EndDecision {
  const same = state === (commit ? 'PrepareCommit' : 'PrepareAbort')
  return refuse(same ? 'CONCURRENT_TRANSACTIONS' : 'INVALID_TXN_STATE')
}

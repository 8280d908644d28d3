import type { ErrorName } from '../error-codes.ts'
import {
  lastClientEpoch,
  noProducerEpoch,
  noProducerId,
  type ProducerIdentity,
  type TransactionMetadata,
} from './transaction-metadata.ts'

/** What is to become of a transactional id that a producer initializes. */
export type InitDecision =
  | { readonly kind: 'refuse'; readonly error: ErrorName }
  /** A transaction is open: it is aborted, its producer fenced, and the client asks again. */
  | { readonly kind: 'fence' }
  /** The epochs are used up: another id. */
  | { readonly kind: 'rotate' }
  | { readonly kind: 'epoch'; readonly epoch: number; readonly lastEpoch: number }

/**
 * Java's `TransactionCoordinator.prepareInitProducerIdTransit` and `TransactionMetadata.prepareIncrementProducerEpoch`.
 *
 * @param expected what the producer has now, when it goes on after an error (KIP-360); null: it is a new one.
 */
export function decideInit(metadata: TransactionMetadata, expected: ProducerIdentity | null): InitDecision {
  if (expected !== null && !mayBe(metadata, expected)) return { kind: 'refuse', error: 'PRODUCER_FENCED' }
  if (metadata.isEnding) return { kind: 'refuse', error: 'CONCURRENT_TRANSACTIONS' }
  if (metadata.isOpen) return { kind: 'fence' }
  const { producerEpoch, lastProducerEpoch } = metadata
  if (metadata.epochsUsedUp && (expected === null || expected.producerEpoch === producerEpoch)) {
    return { kind: 'rotate' }
  }
  if (expected === null) return { kind: 'epoch', epoch: producerEpoch + 1, lastEpoch: noProducerEpoch }
  if (producerEpoch === noProducerEpoch || expected.producerEpoch === producerEpoch) {
    return { kind: 'epoch', epoch: producerEpoch + 1, lastEpoch: producerEpoch }
  }
  // The answer got lost and the producer asks again. Had another one come since, there would be no last epoch.
  if (expected.producerEpoch === lastProducerEpoch) {
    return { kind: 'epoch', epoch: producerEpoch, lastEpoch: lastProducerEpoch }
  }
  return { kind: 'refuse', error: 'PRODUCER_FENCED' }
}

function mayBe(metadata: TransactionMetadata, expected: ProducerIdentity): boolean {
  return (
    // Only just created: there is nobody to be fenced by.
    metadata.producerEpoch === noProducerEpoch ||
    expected.producerId === metadata.producerId ||
    // A retry of the request that gave it another id.
    (expected.producerId === metadata.previousProducerId &&
      metadata.previousProducerId !== noProducerId &&
      expected.producerEpoch >= lastClientEpoch)
  )
}

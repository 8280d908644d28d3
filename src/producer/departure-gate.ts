import { KafkaError } from '../protocol/errors.ts'
import type { PartitionQueue, ProducerIdentity } from './partition-queue.ts'
import type { IdentitySource } from './producer-identity.ts'
import type { TransactionGate } from './transactions/transaction-gate.ts'

export interface DepartureGateOwner {
  /** Batches that might not leave may do so now. */
  wakeAll(): void
  /** There will be no producer id, ... */
  onRefused(error: Error): void
  /** ... or none for now. */
  onUnavailable(): void
}

/** Whether batches may leave: not before they have a producer id to go under, nor outside of a transaction. */
export class DepartureGate {
  /** Null: the producer has no transactional id. */
  transactions: TransactionGate | null = null
  readonly #identities: IdentitySource
  readonly #owner: DepartureGateOwner
  #awaitsIdentity = false

  constructor(identities: IdentitySource, owner: DepartureGateOwner) {
    this.#identities = identities
    this.#owner = owner
  }

  /** Null: not idempotent. Only read once batches may leave. */
  get identity(): ProducerIdentity | null {
    return this.transactions === null ? this.#identities.current : this.transactions.identity
  }

  /** Gets the producer id early. Should that fail, it is tried again when a batch needs it. */
  prepare(): void {
    if (this.transactions === null) this.#identities.load().catch(() => {})
  }

  admits(queue: PartitionQueue): boolean {
    if (this.transactions !== null) return this.transactions.admits(queue)
    const renew = queue.needsNewProducerId(this.#identities.current)
    if (this.#identities.isReady && !renew) return true
    // One listener, however many partitions ask: each failure would else be followed by as many new questions.
    if (!this.#awaitsIdentity) {
      this.#awaitsIdentity = true
      this.#identities
        .load(renew)
        .finally(() => {
          this.#awaitsIdentity = false
        })
        .then(
          () => this.#owner.wakeAll(),
          (error: Error) => {
            if (error instanceof KafkaError && error.retriable) this.#owner.onUnavailable()
            else this.#owner.onRefused(error)
          },
        )
    }
    return false
  }
}

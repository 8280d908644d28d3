import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import { decideEnd, decideEndRaisingEpoch } from './end-transaction.ts'
import { decideInit } from './init-producer.ts'
import {
  lastClientEpoch,
  noProducerEpoch,
  noProducerId,
  type ProducerIdentity,
  type TopicPartition,
  TransactionMetadata,
  type TransactionState,
} from './transaction-metadata.ts'
import { writeMarkers } from './write-markers.ts'

export type IdentityOrError = ProducerIdentity | { readonly error: ErrorName }

/**
 * The transactions of a cluster (Java's `TransactionCoordinator`). Which broker coordinates which is up to `Coordinators`:
 * here nobody asks. A transaction that ends gets its markers at once, unless a partition has no leader.
 */
export class Transactions {
  readonly #cluster: KafkaCluster
  readonly #byId = new Map<string, TransactionMetadata>()
  /** How many hold the markers back. */
  #holds = 0

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
    cluster.onCoordinatorsMoved(() => this.#writeMissingMarkers())
  }

  [Symbol.iterator](): IterableIterator<TransactionMetadata> {
    return this.#byId.values()
  }

  /** Takes in what was known in an earlier run. A transaction that is open has what is left of its time. */
  restore(metadata: TransactionMetadata): void {
    this.#byId.set(metadata.transactionalId, metadata)
    if (metadata.isOpen) this.#startTimer(metadata, metadata.startedAtMs + metadata.timeoutMs - this.#now)
  }

  /** Those that `brokerId` coordinates. */
  *coordinatedBy(brokerId: number): Generator<TransactionMetadata, void, undefined> {
    for (const transactionalId of [...this.#byId.keys()]) {
      const metadata = this.get(transactionalId)
      if (metadata === undefined) continue
      if (this.#cluster.coordinators.isHere('transaction', transactionalId, brokerId)) yield metadata
    }
  }

  /** Forgets the id when it was not used for `transactional.id.expiration.ms`. */
  get(transactionalId: string): TransactionMetadata | undefined {
    const metadata = this.#byId.get(transactionalId)
    if (metadata === undefined || metadata.isOpen || metadata.isEnding) return metadata
    const expirationMs = this.#cluster.config.getNumber('transactional.id.expiration.ms')
    if (this.#now - metadata.updatedAtMs < expirationMs) return metadata
    this.#byId.delete(transactionalId)
    return undefined
  }

  /**
   * Fences whoever had the id, and gives the identity to go on with.
   *
   * @param expected what the producer has now, when it goes on after an error (KIP-360); null: it is a new one.
   */
  init(transactionalId: string, timeoutMs: number, expected: ProducerIdentity | null): IdentityOrError {
    const maxMs = this.#cluster.config.getNumber('transaction.max.timeout.ms')
    if (timeoutMs <= 0 || timeoutMs > maxMs) return { error: 'INVALID_TRANSACTION_TIMEOUT' }
    const metadata = this.get(transactionalId) ?? this.#create(transactionalId, timeoutMs)
    const decision = decideInit(metadata, expected)
    switch (decision.kind) {
      case 'refuse':
        return { error: decision.error }
      case 'fence':
        this.#fenceAndAbort(metadata)
        return { error: 'CONCURRENT_TRANSACTIONS' }
      case 'rotate':
        metadata.previousProducerId = metadata.producerId
        metadata.producerId = this.#cluster.nextProducerId()
        metadata.lastProducerEpoch = expected === null ? noProducerEpoch : metadata.producerEpoch
        metadata.producerEpoch = 0
        break
      case 'epoch':
        metadata.producerEpoch = decision.epoch
        metadata.lastProducerEpoch = decision.lastEpoch
        break
    }
    metadata.timeoutMs = timeoutMs
    metadata.startedAtMs = -1
    metadata.transactionVersion = 0
    this.#enter(metadata, 'Empty')
    return identityOf(metadata)
  }

  /** Makes partitions part of the transaction, which begins with the first. */
  add(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
    transactionVersion: number,
  ): ErrorName {
    const metadata = this.#find(transactionalId, identity)
    if (typeof metadata === 'string') return metadata
    if (metadata.isOpen && partitions.every((partition) => metadata.has(partition))) return 'NONE'
    if (!metadata.isOpen) this.#begin(metadata)
    for (const partition of partitions) metadata.add(partition)
    metadata.transactionVersion = transactionVersion
    metadata.updatedAtMs = this.#now
    return 'NONE'
  }

  /** Whether a partition is part of the open transaction (KIP-890); `TRANSACTION_ABORTABLE`: it is not. */
  verify(transactionalId: string, identity: ProducerIdentity, partition: TopicPartition): ErrorName {
    const metadata = this.#find(transactionalId, identity)
    if (typeof metadata === 'string') return metadata
    return metadata.has(partition) ? 'NONE' : 'TRANSACTION_ABORTABLE'
  }

  /**
   * @param transactionVersion 2: the epoch is raised, and the identity given is that for the next transaction (KIP-890).
   */
  end(
    transactionalId: string,
    identity: ProducerIdentity,
    commit: boolean,
    transactionVersion: number,
  ): IdentityOrError {
    if (transactionalId === '') return { error: 'INVALID_REQUEST' }
    const metadata = this.get(transactionalId)
    if (metadata === undefined) return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    const raisesEpoch = transactionVersion >= 2
    const decide = raisesEpoch ? decideEndRaisingEpoch : decideEnd
    const decision = decide(metadata, identity, commit)
    if (decision.kind === 'refuse') return { error: decision.error }
    if (decision.kind === 'done') return identityOf(metadata)
    // It may be aborted before anything was written.
    if (metadata.state !== 'Ongoing') metadata.startedAtMs = this.#now
    metadata.transactionVersion = transactionVersion
    if (raisesEpoch) {
      if (metadata.epochsUsedUp) metadata.nextProducerId = this.#cluster.nextProducerId()
      metadata.lastProducerEpoch = metadata.producerEpoch
      metadata.producerEpoch++
    }
    const { nextProducerId } = metadata
    const answer =
      nextProducerId === noProducerId
        ? identityOf(metadata)
        : { producerId: nextProducerId, producerEpoch: 0 }
    this.#end(metadata, commit)
    return answer
  }

  /**
   * Holds all markers back, as brokers that are slow would: what ends meanwhile stays in PrepareCommit or PrepareAbort.
   * Gives back how to let them go.
   */
  holdMarkers(): () => void {
    this.#holds++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds--
      this.#writeMissingMarkers()
    }
  }

  get #now(): number {
    return this.#cluster.clock.now()
  }

  #create(transactionalId: string, timeoutMs: number): TransactionMetadata {
    const { cluster, now } = { cluster: this.#cluster, now: this.#now }
    const metadata = new TransactionMetadata(transactionalId, cluster.nextProducerId(), timeoutMs, now)
    this.#byId.set(transactionalId, metadata)
    return metadata
  }

  #find(transactionalId: string, identity: ProducerIdentity): TransactionMetadata | ErrorName {
    if (transactionalId === '') return 'INVALID_REQUEST'
    const metadata = this.get(transactionalId)
    if (metadata === undefined || metadata.producerId !== identity.producerId) {
      return 'INVALID_PRODUCER_ID_MAPPING'
    }
    if (metadata.producerEpoch !== identity.producerEpoch) return 'PRODUCER_FENCED'
    return metadata.isEnding ? 'CONCURRENT_TRANSACTIONS' : metadata
  }

  #begin(metadata: TransactionMetadata): void {
    metadata.startedAtMs = this.#now
    this.#enter(metadata, 'Ongoing')
    this.#startTimer(metadata, metadata.timeoutMs)
  }

  #startTimer(metadata: TransactionMetadata, delayMs: number): void {
    metadata.timer = this.#cluster.clock.after(delayMs, () => {
      metadata.timer = null
      this.#fenceAndAbort(metadata)
    })
  }

  /**
   * The producer of an open transaction may not go on: a newer one has come, or it took too long. As long as no other has
   * initialized the id, it may do so and get the epoch that fenced it (KIP-588).
   */
  #fenceAndAbort(metadata: TransactionMetadata): void {
    metadata.lastProducerEpoch = metadata.producerEpoch
    metadata.producerEpoch++
    metadata.transactionVersion = 0
    this.#end(metadata, false)
  }

  #end(metadata: TransactionMetadata, commit: boolean): void {
    metadata.timer?.cancel()
    metadata.timer = null
    this.#enter(metadata, commit ? 'PrepareCommit' : 'PrepareAbort')
    this.#writeMarkers(metadata)
  }

  #writeMissingMarkers(): void {
    for (const metadata of this.#byId.values()) if (metadata.isEnding) this.#writeMarkers(metadata)
  }

  #writeMarkers(metadata: TransactionMetadata): void {
    if (this.#holds > 0 || !writeMarkers(this.#cluster, metadata)) return
    if (metadata.nextProducerId !== noProducerId) {
      metadata.previousProducerId = metadata.producerId
      metadata.producerId = metadata.nextProducerId
      metadata.nextProducerId = noProducerId
      metadata.producerEpoch = 0
      metadata.lastProducerEpoch = lastClientEpoch
    }
    this.#enter(metadata, metadata.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort')
  }

  #enter(metadata: TransactionMetadata, state: TransactionState): void {
    metadata.state = state
    metadata.updatedAtMs = this.#now
  }
}

function identityOf({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, producerEpoch }
}

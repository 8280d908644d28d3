import { IllegalStateError } from '../../errors.ts'
import type { DeliveredRange, OnDelivery, ProducerRecord, RecordMetadata } from '../producer-record.ts'
import type {
  ConsumedRecord,
  ConsumerGroupMetadata,
  GroupMember,
  TransactionOffset,
} from './transaction-offsets.ts'

/** How long a call may take, and what ends it. */
export interface TransactionOptions {
  /** Longest wait for each of the steps, in milliseconds. Default `maxBlockMs`. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The producer, as far as a transaction uses it. */
export interface TransactionalProducer<K, V> {
  send(
    record: ProducerRecord<K, V>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<RecordMetadata>
  sendMany(
    records: readonly ProducerRecord<K, V>[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<DeliveredRange[]>
  produce(record: ProducerRecord<K, V>, onDelivery?: OnDelivery): boolean
  drained(): Promise<void>
  sendOffsetsToTransaction(
    offsets: Iterable<TransactionOffset | ConsumedRecord>,
    group: ConsumerGroupMetadata | GroupMember,
    options?: TransactionOptions,
  ): Promise<void>
}

/**
 * What the function given to `producer.transaction` sends with. Nothing of it needs to be awaited: the commit waits for
 * all, and fails when anything has failed. Once that function has returned it is of no more use.
 */
export class Transaction<K, V> {
  readonly #producer: TransactionalProducer<K, V>
  #isOver = false

  constructor(producer: TransactionalProducer<K, V>) {
    this.#producer = producer
  }

  /** As `producer.send`. */
  send(
    record: ProducerRecord<K, V>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<RecordMetadata> {
    return this.#kept('send', () => this.#producer.send(record, options))
  }

  /** As `producer.sendMany`. */
  sendMany(
    records: readonly ProducerRecord<K, V>[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<DeliveredRange[]> {
    return this.#kept('sendMany', () => this.#producer.sendMany(records, options))
  }

  /** As `producer.produce`: false when it is time to wait for `drained()`. */
  produce(record: ProducerRecord<K, V>, onDelivery?: OnDelivery): boolean {
    this.#check('produce')
    return this.#producer.produce(record, onDelivery)
  }

  /** Resolves when `produce` may go on. */
  drained(): Promise<void> {
    return this.#kept('drained', () => this.#producer.drained())
  }

  /**
   * Commits offsets of a consumer group when the transaction is committed, and not when it is aborted (KIP-447).
   *
   * @param group the consumer, or what its `groupMetadata()` gave.
   * @param offsets those of the next records to read; or records that were consumed, which are then done.
   * @throws TransactionError abortable when the consumer is no member of the group any more.
   */
  sendOffsets(
    group: ConsumerGroupMetadata | GroupMember,
    offsets: Iterable<TransactionOffset | ConsumedRecord>,
    options?: TransactionOptions,
  ): Promise<void>
  sendOffsets(
    offsets: Iterable<TransactionOffset | ConsumedRecord>,
    group: ConsumerGroupMetadata | GroupMember,
    options?: TransactionOptions,
  ): Promise<void>
  sendOffsets(
    one: ConsumerGroupMetadata | GroupMember | Iterable<TransactionOffset | ConsumedRecord>,
    other: ConsumerGroupMetadata | GroupMember | Iterable<TransactionOffset | ConsumedRecord>,
    options?: TransactionOptions,
  ): Promise<void> {
    // A consumer can be iterated over, too, and takes no part in it here.
    const [group, offsets] = isGroup(one) ? [one, other] : [other, one]
    return this.#kept('sendOffsets', () =>
      this.#producer.sendOffsetsToTransaction(
        offsets as Iterable<TransactionOffset | ConsumedRecord>,
        group as ConsumerGroupMetadata | GroupMember,
        options,
      ),
    )
  }

  /** The function has returned. */
  end(): void {
    this.#isOver = true
  }

  /** A promise that nobody has to look at. */
  #kept<T>(method: string, work: () => Promise<T>): Promise<T> {
    const begin = async () => {
      this.#check(method)
      return await work()
    }
    const promise = begin()
    promise.catch(() => {})
    return promise
  }

  #check(method: string): void {
    if (this.#isOver) {
      throw new IllegalStateError(`${method}: this transaction is over; allowed: until its function returns`)
    }
  }
}

function isGroup(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('groupMetadata' in value || 'groupId' in value)
}

import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import { DeliveryError, IllegalStateError, TransactionError, UnsupportedVersionError } from '../../errors.ts'
import { produce } from '../../protocol/apis/produce.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { PartitionQueue, ProducerIdentity } from '../partition-queue.ts'
import {
  forgottenCodes,
  isFenced,
  type Severity,
  severityOf,
  type TransactionApi,
  transactionError,
} from './transaction-errors.ts'
import type { TransactionGate } from './transaction-gate.ts'
import {
  type ConsumedRecord,
  type ConsumerGroupMetadata,
  type GroupMember,
  groupOf,
  offsetsToCommit,
  type TransactionOffset,
} from './transaction-offsets.ts'
import { TransactionPartitions } from './transaction-partitions.ts'
import { type CoordinatorAbilities, TransactionRequests } from './transaction-requests.ts'
import { allowedIn, step, type TransactionMethod, type TransactionState } from './transaction-state.ts'

/** What the work on a transaction asks of the producer around it. */
export interface TransactionOwner {
  /** Lets everything leave; resolves when all of it is settled. */
  flush(): Promise<void>
  /** Fails what has not left, or waits for another attempt. What is in flight stays. */
  drop(error: KafkaError): void
  /** Resolves when no request with records is on its way, those of records that are settled included. */
  idle(): Promise<void>
  /** Batches that were not admitted may be now. */
  wake(): void
  /** What has failed of records without a promise or a callback is told by the transaction. */
  forgetFailures(): void
}

/** Without an end: the caller's own wait has one, and the producer's `close` ends the rest. */
const untilAnswered = () => new Deadline(Number.POSITIVE_INFINITY)

/** A later version would make partitions part of a transaction of its own accord (KIP-890). */
const highestProduceOfVersion1 = 11

type Completing = 'initTransactions' | 'commitTransaction' | 'abortTransaction'

/**
 * The transactions of one producer, one at a time (Java's TransactionManager). `transaction-state.ts` has the states, and
 * what follows what.
 *
 * Initializing, committing and aborting go on until they are answered, however long their caller waits: only the
 * coordinator knows how they ended. Called again, each joins what is under way.
 */
export class TransactionManager implements TransactionGate {
  readonly transactionalId: string
  readonly #requests: TransactionRequests
  readonly #owner: TransactionOwner
  #state: TransactionState = 'UNINITIALIZED'
  /** Why it is in one of the two error states. */
  #error: TransactionError | null = null
  #identity: ProducerIdentity | null = null
  #abilities: CoordinatorAbilities = { isVersion2: false, canRaiseEpoch: false }
  /** The coordinator may know of the transaction, so it has to be ended. */
  #isStarted = false
  /** Sequence numbers are missing in the log, or something may still come late: the next transaction needs a new epoch. */
  #needsNewEpoch = false
  /** The coordinator has ended the transaction already, or does not know the producer any more. */
  #isOver = false
  /** Groups that the coordinator was told of (before KIP-890). */
  readonly #groups = new Set<string>()
  readonly #partitions: TransactionPartitions
  readonly #sendingOffsets = new Set<Promise<void>>()
  #underWay: { readonly method: Completing; readonly done: Promise<void>; isTold: boolean } | null = null

  /** @param timeoutMs `transactionTimeoutMs`. */
  constructor(cluster: Cluster, transactionalId: string, timeoutMs: number, owner: TransactionOwner) {
    this.transactionalId = transactionalId
    this.#requests = new TransactionRequests(cluster, transactionalId, timeoutMs)
    this.#owner = owner
    this.#partitions = new TransactionPartitions(
      (queues) => this.#addPartitions(queues),
      () => owner.wake(),
    )
  }

  get state(): TransactionState {
    return this.#state
  }

  get identity(): ProducerIdentity | null {
    return this.#identity
  }

  get maxProduceVersion(): number {
    return this.#abilities.isVersion2 ? produce.versions.max : highestProduceOfVersion1
  }

  get goesOn(): boolean {
    return this.#state === 'IN_TRANSACTION' || this.#state === 'COMMITTING_TRANSACTION'
  }

  admits(queue: PartitionQueue): boolean {
    if (!this.goesOn) return false
    if (!this.#abilities.isVersion2) return this.#partitions.admits(queue)
    this.#isStarted = true
    return true
  }

  failed(error: Error, hadNumbers: boolean): Severity {
    if (hadNumbers) this.#needsNewEpoch = true
    return this.#failed('Produce', error)
  }

  /** @throws TransactionError or IllegalStateError when nothing may be sent now. */
  check(method: TransactionMethod): void {
    const { state, transactionalId } = { state: this.#state, transactionalId: this.transactionalId }
    const allowed: readonly TransactionState[] = allowedIn[method]
    if (allowed.includes(state)) return
    // A new one for each call: it has the stack of this one.
    if (this.#error !== null) {
      const { code, message, fatal, abortable, cause } = this.#error
      throw new TransactionError(code, message, { cause: cause ?? this.#error, fatal, abortable })
    }
    throw new IllegalStateError(
      `${method} of ${transactionalId} is not possible in state ${state}; allowed: ${allowed.join(', ')}`,
    )
  }

  init(deadline: Deadline): Promise<void> {
    return this.#complete('initTransactions', deadline, () => {
      this.#step('INITIALIZING')
      return this.#initialize(null)
    })
  }

  begin(): void {
    this.check('beginTransaction')
    this.#step('IN_TRANSACTION')
  }

  commit(deadline: Deadline): Promise<void> {
    return this.#complete('commitTransaction', deadline, async () => {
      this.#step('COMMITTING_TRANSACTION')
      await Promise.all([this.#owner.flush(), ...this.#settledOffsets()])
      await this.#partitions.idle()
      if (this.#error !== null) throw this.#error
      await this.#end(true)
      this.#finish()
    })
  }

  abort(deadline: Deadline): Promise<void> {
    return this.#complete('abortTransaction', deadline, async () => {
      const cause = this.#error
      this.#error = null
      this.#step('ABORTING_TRANSACTION')
      this.#drop(cause)
      this.#owner.forgetFailures()
      await Promise.all([this.#owner.flush(), ...this.#settledOffsets()])
      // A batch that has timed out is settled, while its request may still arrive. Written after the end, it would be part
      // of the next transaction, or of none that ever ends.
      await this.#owner.idle()
      await this.#partitions.idle()
      this.#owner.forgetFailures()
      this.#throwIfFatal()
      await this.#end(false)
      if (this.#needsNewEpoch) {
        this.#step('INITIALIZING')
        await this.#raiseEpoch()
      }
      this.#finish()
    })
  }

  /** Waits for what is under way, and aborts what has failed: what a `transaction()` that has timed out left behind. */
  async recover(deadline: Deadline): Promise<void> {
    const current = this.#underWay
    if (current !== null && !current.isTold) {
      const done = current.done.catch(() => {})
      await deadline.race(done, current.method, 'MAX_BLOCK_TIMEOUT')
      current.isTold = true
    }
    if (this.#state === 'ABORTABLE_ERROR') await this.abort(deadline)
  }

  /** Aborts what is open, waits for what is being completed. Never rejects. */
  async close(deadline: Deadline): Promise<void> {
    try {
      // Nothing is open yet.
      if (this.#state === 'INITIALIZING' && this.#underWay?.method === 'initTransactions') return
      await this.recover(deadline)
      if (this.#state === 'IN_TRANSACTION') await this.abort(deadline)
    } catch {
      // Closing says nothing of transactions: whoever waits for one is told there. The broker aborts what is left open.
    }
  }

  async sendOffsets(
    given: Iterable<TransactionOffset | ConsumedRecord>,
    member: ConsumerGroupMetadata | GroupMember,
    deadline: Deadline,
  ): Promise<void> {
    this.check('sendOffsetsToTransaction')
    const group = groupOf(member)
    const offsets = offsetsToCommit(given)
    if (offsets.length === 0) return
    const sending = this.#sendOffsets(group, offsets, deadline)
    this.#sendingOffsets.add(sending)
    const over = () => this.#sendingOffsets.delete(sending)
    sending.then(over, over)
    await deadline.race(sending, 'sendOffsetsToTransaction', 'MAX_BLOCK_TIMEOUT')
  }

  async #sendOffsets(
    group: ConsumerGroupMetadata,
    offsets: readonly TransactionOffset[],
    deadline: Deadline,
  ): Promise<void> {
    const { groupId } = group
    const identity = this.#identity!
    const { isVersion2 } = this.#abilities
    let api: TransactionApi = 'AddOffsetsToTxn'
    try {
      if (!isVersion2 && !this.#groups.has(groupId)) {
        // Before the answer: one that is lost leaves a transaction to be ended.
        this.#isStarted = true
        await this.#requests.addOffsets(identity, groupId, deadline)
        this.#groups.add(groupId)
      }
      this.#isStarted = true
      api = 'TxnOffsetCommit'
      await this.#requests.commitOffsets(identity, group, offsets, isVersion2, deadline)
    } catch (error) {
      // That the caller does not want to wait any longer says nothing about the producer.
      if (!deadline.signal?.aborted) this.#failed(api, error as Error)
      else if (this.goesOn) this.#abortable(error as Error)
      throw this.#error ?? error
    }
  }

  #settledOffsets(): Promise<unknown>[] {
    return [...this.#sendingOffsets].map((sending) => sending.catch(() => {}))
  }

  /**
   * Runs one of the three that complete something, or joins it. The caller's deadline ends its wait alone.
   *
   * @throws IllegalStateError, TransactionError; TimeoutError `MAX_BLOCK_TIMEOUT`: call it again to learn how it ended.
   */
  async #complete(method: Completing, deadline: Deadline, begin: () => Promise<void>): Promise<void> {
    let current = this.#underWay
    if (current === null || current.isTold) {
      this.check(method)
      deadline.throwIfAborted()
      const done = begin()
      // Who gave up waiting is not told, and the next call is.
      done.catch(() => {})
      current = { method, done, isTold: false }
      this.#underWay = current
    } else if (current.method !== method) {
      throw new IllegalStateError(
        `${method} of ${this.transactionalId} is not possible while ${current.method} is under way; allowed: ${current.method} again, to learn how it ends`,
      )
    }
    const failure = await deadline.race(
      current.done.then(
        () => null,
        (error: Error) => error,
      ),
      method,
      'MAX_BLOCK_TIMEOUT',
    )
    current.isTold = true
    if (failure !== null) throw failure
  }

  async #initialize(held: ProducerIdentity | null): Promise<void> {
    try {
      const { identity, abilities } = await this.#requests.init(held, untilAnswered())
      this.#identity = identity
      this.#abilities = abilities
    } catch (error) {
      // There is nothing that an abort could save: the id was not given.
      throw this.#fatal(error as Error)
    }
    this.#needsNewEpoch = false
    this.#step('READY')
  }

  /** KIP-360. A broker that cannot do it would let us fence whoever has taken our place meanwhile. */
  async #raiseEpoch(): Promise<void> {
    if (this.#abilities.canRaiseEpoch) return await this.#initialize(this.#identity)
    const reason =
      'records have failed, and these brokers (before 2.5) give no new epoch to go on with (KIP-360)'
    throw this.#fatal(new UnsupportedVersionError(reason, { api: 'InitProducerId' }))
  }

  async #end(committed: boolean): Promise<void> {
    if (this.#isOver || !this.#isStarted) return
    const { isVersion2, canRaiseEpoch } = this.#abilities
    try {
      const next = await this.#requests.end(this.#identity!, committed, isVersion2, untilAnswered())
      if (next !== this.#identity) {
        this.#identity = next
        this.#needsNewEpoch = false
      }
    } catch (error) {
      if (isFenced(error) && !isVersion2 && canRaiseEpoch)
        return await this.#afterFence(error as Error, committed)
      const severity = severityOf('EndTxn', error as Error, { canRaiseEpoch, isCommit: committed })
      if (severity === 'fatal') throw this.#fatal(error as Error)
      throw this.#abortable(error as Error)
    }
  }

  /**
   * Before KIP-890 a coordinator refuses the end of a transaction that it has aborted for having taken too long as if a
   * newer producer had come. It gives the next epoch in the first case alone (KIP-588), which Java does not ask for.
   */
  async #afterFence(error: Error, committed: boolean): Promise<void> {
    let renewed: { identity: ProducerIdentity; abilities: CoordinatorAbilities }
    try {
      renewed = await this.#requests.init(this.#identity, untilAnswered())
    } catch {
      throw this.#fatal(error)
    }
    this.#identity = renewed.identity
    this.#abilities = renewed.abilities
    this.#needsNewEpoch = false
    this.#isOver = true
    if (committed) throw this.#abortable(error, 'INVALID_TXN_STATE')
  }

  /** The next transaction may begin. */
  #finish(): void {
    this.#isStarted = false
    this.#isOver = false
    this.#groups.clear()
    this.#partitions.clear()
    if (this.#state !== 'READY') this.#step('READY')
  }

  async #addPartitions(queues: readonly PartitionQueue[]): Promise<void> {
    try {
      if (!this.goesOn) throw new IllegalStateError('the transaction takes no more partitions')
      const isWanted = () => this.goesOn
      await this.#requests.addPartitions(this.#identity!, queues, isWanted, untilAnswered())
      this.#isStarted = true
    } catch (error) {
      if (this.goesOn) this.#failed('AddPartitionsToTxn', error as Error)
      throw error
    }
  }

  #failed(api: TransactionApi, error: Error): Severity {
    const { canRaiseEpoch } = this.#abilities
    const severity = severityOf(api, error, { canRaiseEpoch })
    if (severity === 'fatal') {
      this.#fatal(error)
    } else if (this.goesOn) {
      const code = error instanceof KafkaError ? error.code : ''
      const isForgotten = api !== 'Produce' && forgottenCodes.has(code)
      if (isForgotten) this.#isOver = true
      // Of requests whose answer was given up something may come late; under a new epoch it is refused.
      if (isForgotten || (this.#isStarted && canRaiseEpoch)) this.#needsNewEpoch = true
      this.#abortable(error)
    }
    return severity
  }

  #abortable(error: Error, code?: string): TransactionError {
    this.#error = transactionError('abortable', this.transactionalId, error, code)
    this.#step('ABORTABLE_ERROR')
    this.#dropSoon()
    return this.#error
  }

  #fatal(error: Error): TransactionError {
    if (this.#state === 'FATAL_ERROR') return this.#error!
    this.#error = transactionError('fatal', this.transactionalId, error)
    this.#step('FATAL_ERROR')
    this.#dropSoon()
    return this.#error
  }

  #throwIfFatal(): void {
    if (this.#state === 'FATAL_ERROR') throw this.#error
  }

  /** Not at once: whoever tells of a failure may be in the middle of a list of batches. */
  #dropSoon(): void {
    const error = this.#error
    queueMicrotask(() => {
      if (this.#error === error) this.#drop(error)
    })
  }

  #drop(cause: Error | null): void {
    const reason = cause === null ? 'the transaction is being aborted' : cause.message
    this.#owner.drop(new DeliveryError('TRANSACTION_ABORTED', reason, 'no', { cause, abortable: true }))
  }

  #step(to: TransactionState): void {
    this.#state = step(this.#state, to)
  }
}

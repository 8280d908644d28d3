import type { Cluster } from '../cluster/cluster.ts'
import type { Deadline } from '../deadline.ts'
import { IllegalStateError } from '../errors.ts'
import type { TransactionGate } from './transactions/transaction-gate.ts'
import type { TransactionManager, TransactionOwner } from './transactions/transaction-manager.ts'

export interface ProducerTransactionsOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
}

export interface TransactionsOwner extends TransactionOwner {
  /** From now on batches leave in transactions alone. */
  admitBy(gate: TransactionGate): void
}

/** The way from a producer to its transactions, whose code is loaded when the first one needs it: most have none. */
export class ProducerTransactions {
  readonly #cluster: Cluster
  readonly #options: ProducerTransactionsOptions
  readonly #owner: TransactionsOwner
  #manager: TransactionManager | null = null
  #loading: Promise<TransactionManager> | null = null

  constructor(cluster: Cluster, options: ProducerTransactionsOptions, owner: TransactionsOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
  }

  load(): Promise<TransactionManager> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /**
   * What `initTransactions` has loaded.
   *
   * @throws IllegalStateError before it was called.
   */
  loaded(method: string): TransactionManager {
    if (this.#manager !== null) return this.#manager
    throw new IllegalStateError(
      `${method} of ${this.#options.transactionalId} is not possible in state UNINITIALIZED; allowed: after initTransactions, or in a transaction()`,
    )
  }

  /** @throws IllegalStateError or TransactionError outside of a transaction that goes on. */
  checkSend(): void {
    if (this.#manager?.state === 'IN_TRANSACTION') return
    this.loaded('send').check('send')
  }

  /** A record did not get as far as a batch. */
  refused(error: Error): void {
    this.#manager?.failed(error, false)
  }

  async close(deadline: Deadline): Promise<void> {
    await this.#manager?.close(deadline)
  }

  async #load(): Promise<TransactionManager> {
    const { TransactionManager } = await import('./transactions/transaction-manager.ts')
    const { transactionalId, transactionTimeoutMs } = this.#options
    const manager = new TransactionManager(this.#cluster, transactionalId, transactionTimeoutMs, this.#owner)
    this.#owner.admitBy(manager)
    this.#manager = manager
    return manager
  }
}

import { Deadline } from '../../deadline.ts'
import { TransactionError } from '../../errors.ts'
import { Transaction, type TransactionalProducer } from './transaction.ts'
import type { TransactionManager } from './transaction-manager.ts'

/**
 * One transaction from its begin to its end: committed when `work` returns, aborted when it throws.
 *
 * @param timeoutMs longest wait for each of the steps.
 */
export async function runTransaction<K, V, T>(
  manager: TransactionManager,
  producer: TransactionalProducer<K, V>,
  work: (transaction: Transaction<K, V>) => T | Promise<T>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<T> {
  const deadline = () => new Deadline(timeoutMs, signal)
  await manager.recover(deadline())
  if (manager.state === 'UNINITIALIZED') await manager.init(deadline())
  manager.begin()
  const transaction = new Transaction(producer)
  try {
    const result = await work(transaction)
    transaction.end()
    await manager.commit(deadline())
    return result
  } catch (error) {
    transaction.end()
    throw await afterFailure(manager, new Deadline(timeoutMs), error)
  }
}

/** Aborts what can be aborted. Gives what to throw: why it failed, unless the abort shows that the producer is done for. */
async function afterFailure(
  manager: TransactionManager,
  deadline: Deadline,
  error: unknown,
): Promise<unknown> {
  const { state } = manager
  // A commit whose answer is still awaited: how it ends is not known, and the next transaction waits for it.
  if (state !== 'IN_TRANSACTION' && state !== 'ABORTABLE_ERROR') return error
  try {
    // Not with the signal that may have led here.
    await manager.abort(deadline)
  } catch (failure) {
    if (failure instanceof TransactionError && failure.fatal) return failure
  }
  return error
}

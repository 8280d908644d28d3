import { describe, expect, it } from 'vitest'
import {
  allowedIn,
  step,
  type TransactionState,
} from '../../../src/producer/transactions/transaction-state.ts'

/** Java's `TransactionManager.State.isTransitionValid`, but for what is given as a reason. */
const legal: readonly (readonly [TransactionState, TransactionState])[] = [
  ['UNINITIALIZED', 'INITIALIZING'],
  ['INITIALIZING', 'READY'],
  ['INITIALIZING', 'ABORTABLE_ERROR'],
  ['READY', 'IN_TRANSACTION'],
  ['IN_TRANSACTION', 'COMMITTING_TRANSACTION'],
  ['IN_TRANSACTION', 'ABORTING_TRANSACTION'],
  ['IN_TRANSACTION', 'ABORTABLE_ERROR'],
  ['COMMITTING_TRANSACTION', 'READY'],
  ['COMMITTING_TRANSACTION', 'ABORTABLE_ERROR'],
  ['ABORTING_TRANSACTION', 'READY'],
  // Raising the epoch.
  ['ABORTING_TRANSACTION', 'INITIALIZING'],
  ['ABORTABLE_ERROR', 'ABORTING_TRANSACTION'],
]

const states: readonly TransactionState[] = [
  'UNINITIALIZED',
  'INITIALIZING',
  'READY',
  'IN_TRANSACTION',
  'COMMITTING_TRANSACTION',
  'ABORTING_TRANSACTION',
  'ABORTABLE_ERROR',
  'FATAL_ERROR',
]

describe('the states of a transactional producer', () => {
  it('follow each other as they do in Java, and in no other way', () => {
    for (const from of states) {
      for (const to of states) {
        const isFatal = to === 'FATAL_ERROR' && from !== 'FATAL_ERROR'
        const isLegal = isFatal || legal.some(([a, b]) => a === from && b === to)
        if (isLegal) expect(step(from, to)).toBe(to)
        else expect(() => step(from, to)).toThrow(`cannot go from ${from} to ${to}`)
      }
    }
  })

  it('let each be left by a method, or by the answer that is awaited', () => {
    const byMethod = new Set<TransactionState>(Object.values(allowedIn).flat())
    const byAnswer = ['INITIALIZING', 'COMMITTING_TRANSACTION', 'ABORTING_TRANSACTION']
    expect([...byMethod, ...byAnswer, 'FATAL_ERROR'].sort()).toEqual([...states].sort())
  })
})

import { describe, expect, it } from 'vitest'
import { allOrThrow } from '../../src/admin/results.ts'
import { KafkaError } from '../../src/errors.ts'

describe('allOrThrow', () => {
  it('gives the results back when no item failed', () => {
    const results = [{ name: 'a', error: null }]
    expect(allOrThrow(results)).toBe(results)
    expect(allOrThrow([])).toEqual([])
  })

  it('throws the very error of the only item that failed', () => {
    const error = new KafkaError('TOPIC_ALREADY_EXISTS', 'is there')
    expect(() => allOrThrow([{ error: null }, { error }])).toThrow(error)
    expect(error.cause).toBeUndefined()
  })

  it('throws the first error with those of the other items as its cause, and keeps its own', () => {
    const own = new Error('why')
    const first = new KafkaError('A', 'first', { cause: own })
    const second = new KafkaError('B', 'second')
    const results = [{ error: first }, { error: null }, { error: second }]
    for (const _ of ['once', 'again']) {
      expect(() => allOrThrow(results)).toThrow(first)
      expect(first.cause).toBeInstanceOf(AggregateError)
      expect(first.cause).toMatchObject({
        message: '1 more of 3 items failed',
        errors: [second],
        cause: own,
      })
    }
  })
})

import { describe, expect, test } from 'vitest'
import {
  consistentPartition,
  type PartitionLoad,
  partitionOfKey,
  StickyPartition,
  suitability,
} from '../../src/producer/partitioner.ts'
import { vectors } from '../support/vectors.ts'

interface PartitionerVector {
  readonly key: string
  readonly java: readonly number[]
  readonly consistent: readonly number[]
}

const keys = vectors<PartitionerVector>('partitioners')

function load(queued: readonly number[], leaderless: readonly number[] = []): PartitionLoad {
  const { available, leaderless: none } = suitability
  return suited(
    queued,
    queued.map((_, partition) => (leaderless.includes(partition) ? none : available)),
  )
}

function suited(queued: readonly number[], suits: readonly number[]): PartitionLoad {
  return {
    partitionCount: queued.length,
    hasLeader: (partition) => suits[partition] !== suitability.leaderless,
    suitability: (partition) => suits[partition]!,
    queued: (partition) => queued[partition]!,
  }
}

/** How often each partition is drawn when the lot goes evenly through all that it can be. */
function draws(state: PartitionLoad, adaptive: boolean, rounds = 100): number[] {
  let turn = 0
  const sticky = new StickyPartition(1, adaptive, () => turn++ / rounds)
  const counts = new Array<number>(state.partitionCount).fill(0)
  for (let i = 0; i < rounds; i++) {
    counts[sticky.next(state)]!++
    sticky.used(1)
  }
  return counts
}

describe('partitionOfKey', () => {
  test(`gives Java's partition for ${keys.length} keys and 1 to 50 partitions`, () => {
    expect(keys.length).toBeGreaterThan(0)
    for (const { key, java } of keys) {
      const bytes = Buffer.from(key, 'hex')
      expect(
        java.map((_, i) => partitionOfKey(bytes, i + 1)),
        key,
      ).toEqual(java)
    }
  })

  test('takes a string for its UTF-8, whatever was hashed before', () => {
    for (const key of ['a'.repeat(1_000), '', 'k1', '\u00e9\u4e16\ud83d\ude00', 'k1']) {
      expect(partitionOfKey(key, 37), key).toBe(partitionOfKey(Buffer.from(key), 37))
    }
  })
})

describe('consistentPartition', () => {
  test(`gives librdkafka's partition for ${keys.length} keys and 1 to 50 partitions`, () => {
    for (const { key, consistent } of keys) {
      const bytes = Buffer.from(key, 'hex')
      expect(
        consistent.map((_, i) => consistentPartition(bytes, i + 1)),
        key,
      ).toEqual(consistent)
    }
  })

  test('takes a string for its UTF-8, and null for an empty key', () => {
    expect(consistentPartition('caf\u00e9', 37)).toBe(consistentPartition(Buffer.from('caf\u00e9'), 37))
    expect(consistentPartition(null, 37)).toBe(consistentPartition('', 37))
  })
})

describe('the partition of records without a key', () => {
  test('stays the same until it got batchSize bytes, then is drawn anew', () => {
    const lots = [0.1, 0.6, 0.9]
    const sticky = new StickyPartition(100, false, () => lots.shift()!)
    const state = load([0, 0, 0, 0])
    expect(sticky.next(state)).toBe(0)
    sticky.used(99)
    expect(sticky.next(state)).toBe(0)
    sticky.used(1)
    expect(sticky.next(state)).toBe(2)
    sticky.used(100)
    expect(sticky.next(state)).toBe(3)
    expect(lots).toEqual([])
  })

  test('is drawn evenly when all queues are alike', () => {
    expect(draws(load([0, 0, 0, 0]), true)).toEqual([25, 25, 25, 25])
  })

  test('is drawn the less often the longer its queue is, and never not at all', () => {
    // Java's weights: longest + 1 - queued.
    expect(draws(load([0, 3, 4, 4]), true, 90)).toEqual([50, 20, 10, 10])
  })

  test('is drawn evenly whatever the queues are when adaptive partitioning is off', () => {
    expect(draws(load([0, 3, 4, 1]), false)).toEqual([25, 25, 25, 25])
  })

  test('is never one without a leader, unless none has one', () => {
    expect(draws(load([0, 0, 0], [1]), true)).toEqual([50, 0, 50])
    expect(draws(load([0, 0], [0, 1]), true)).toEqual([50, 50])
  })

  test('is near when one of those is, whatever its queue', () => {
    const { available, near } = suitability
    expect(draws(suited([0, 9, 9, 0], [available, near, near, available]), true)).toEqual([0, 50, 50, 0])
  })

  test('is blocked only when none is available', () => {
    const { available, blocked, leaderless } = suitability
    expect(draws(suited([0, 0, 0], [blocked, available, leaderless]), true)).toEqual([0, 100, 0])
    expect(draws(suited([0, 1, 0], [blocked, blocked, leaderless]), true, 90)).toEqual([60, 30, 0])
  })

  test('is left when its leader is gone', () => {
    const lots = [0, 0.99]
    const sticky = new StickyPartition(1_000, true, () => lots.shift()!)
    expect(sticky.next(load([0, 0]))).toBe(0)
    expect(sticky.next(load([0, 0], [0]))).toBe(1)
  })
})

import { describe, expect, test } from 'vitest'
import { murmur2, toPositive } from '../../src/protocol/murmur2.ts'
import { vectors } from '../support/vectors.ts'

interface PartitionerVector {
  key: string
  murmur2: number
  murmur2Positive: number
  java: number[]
}

const keys = vectors<PartitionerVector>('partitioners')

describe('murmur2', () => {
  test(`agrees with Java's hash and partition on ${keys.length} keys, 50 partition counts each`, () => {
    expect(keys.length).toBeGreaterThan(0)
    for (const { key, murmur2: expected, murmur2Positive, java } of keys) {
      const hash = murmur2(Buffer.from(key, 'hex'))
      expect(hash, key).toBe(expected)
      expect(toPositive(hash), key).toBe(murmur2Positive)
      expect(
        java.map((_, i) => toPositive(hash) % (i + 1)),
        key,
      ).toEqual(java)
    }
  })

  test('makes a hash positive by its sign bit, not by its absolute value', () => {
    expect(toPositive(-1)).toBe(0x7fffffff)
    expect(toPositive(-0x80000000)).toBe(0)
  })
})

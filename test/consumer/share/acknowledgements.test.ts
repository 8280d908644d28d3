import { describe, expect, it } from 'vitest'
import {
  type AcknowledgedRange,
  acknowledgeTypeIds,
  batchesOf,
} from '../../../src/consumer/share/acknowledgements.ts'

const { gap, accept, release, reject } = acknowledgeTypeIds

/** One range for each type, from `first` on. */
function each(first: number, ...types: number[]): AcknowledgedRange[] {
  return types.map((type, i) => ({ first: first + i, last: first + i, type }))
}

function batches(...ranges: AcknowledgedRange[]) {
  return batchesOf(ranges).map(({ firstOffset, lastOffset, acknowledgeTypes }) => [
    Number(firstOffset),
    Number(lastOffset),
    ...acknowledgeTypes,
  ])
}

describe('Batches of acknowledgements', () => {
  it('have one type for all offsets where it is the same', () => {
    expect(batches(...each(5, accept, accept, accept))).toEqual([[5, 7, accept]])
  })

  it('have a type for each offset where these differ', () => {
    expect(batches(...each(0, accept, release, release, reject))).toEqual([
      [0, 3, accept, release, release, reject],
    ])
  })

  it('end where offsets are missing', () => {
    expect(batches(...each(0, accept), ...each(2, accept))).toEqual([
      [0, 0, accept],
      [2, 2, accept],
    ])
  })

  it('are in the order of offsets, whatever the order of acknowledging', () => {
    expect(batches(...each(9, release), ...each(0, accept, gap))).toEqual([
      [0, 1, accept, gap],
      [9, 9, release],
    ])
  })

  it('leave long runs of one type to themselves, so that no list is as long as a range', () => {
    const long = { first: 1, last: 2 ** 50, type: gap }
    expect(batches(...each(0, accept), long, ...each(2 ** 50 + 1, release, accept))).toEqual([
      [0, 0, accept],
      [1, 2 ** 50, gap],
      [2 ** 50 + 1, 2 ** 50 + 2, release, accept],
    ])
  })
})

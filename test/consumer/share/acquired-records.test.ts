import { describe, expect, it } from 'vitest'
import { acknowledgeTypeIds } from '../../../src/consumer/share/acknowledgements.ts'
import {
  type AcquiredRange,
  AcquiredRecords,
  acquiredRanges,
} from '../../../src/consumer/share/acquired-records.ts'
import {
  encodeRecordBatch,
  type RecordBatchOptions,
} from '../../../src/protocol/records/encode-record-batch.ts'

const { gap, release, reject } = acknowledgeTypeIds
const from = { topic: 't', topicId: 'an id', partition: 0, nodeId: 1 }
const settings = { checkCrcs: true, keyDeserializer: null, valueDeserializer: null }

/** A batch of values that are their offsets. */
function batch(offsets: readonly number[], options: RecordBatchOptions = {}): Uint8Array {
  const base = offsets[0]!
  return encodeRecordBatch(
    { baseOffset: BigInt(base), ...options },
    offsets.map((offset) => ({ offset: BigInt(offset), timestamp: 0n, key: null, value: String(offset) })),
  )
}

function range(first: number, last: number, deliveryCount = 1): AcquiredRange {
  return { first, last, deliveryCount }
}

function acquired(batches: readonly Uint8Array[], ...ranges: AcquiredRange[]): AcquiredRecords {
  return new AcquiredRecords(from, Buffer.concat(batches), ranges, settings)
}

function offsetsOf(records: AcquiredRecords, max = 100): number[] {
  return records.take(max).map(({ offset }) => offset)
}

/** The last byte is one of a record's. */
function corrupt(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[copy.length - 2]! ^= 0xff
  return copy
}

describe('Acquired records', () => {
  it('are those of the acquired ranges alone, each with its delivery count', () => {
    const records = acquired(
      [batch([0, 1, 2, 3]), batch([4, 5])],
      range(1, 2, 1),
      range(3, 3, 3),
      range(5, 5),
    )
    const taken = records.take(100)
    expect(taken.map(({ offset, deliveryCount }) => [offset, deliveryCount])).toEqual([
      [1, 1],
      [2, 1],
      [3, 3],
      [5, 1],
    ])
    expect(taken.map(({ value }) => String(value))).toEqual(['1', '2', '3', '5'])
    expect(records.isExhausted).toBe(true)
    expect(records.takeMarks()).toEqual([])
  })

  it('come in as many steps as are asked for', () => {
    const records = acquired([batch([0, 1, 2]), batch([3, 4])], range(0, 4))
    expect(offsetsOf(records, 2)).toEqual([0, 1])
    expect(offsetsOf(records, 2)).toEqual([2, 3])
    expect(records.isExhausted).toBe(false)
    expect(offsetsOf(records, 2)).toEqual([4])
    expect(records.isExhausted).toBe(true)
  })

  it('mark as gaps what holds no record: compacted, a control batch', () => {
    const marker = batch([5], { isTransactional: true, isControl: true, producerId: 1n, producerEpoch: 0 })
    const records = acquired([batch([0, 2, 4]), marker, batch([6])], range(0, 6))
    expect(offsetsOf(records)).toEqual([0, 2, 4, 6])
    expect(records.takeMarks()).toEqual([
      { first: 1, last: 1, type: gap },
      { first: 3, last: 3, type: gap },
      { first: 5, last: 5, type: gap },
    ])
    expect(records.takeMarks()).toEqual([])
  })

  it('of a corrupt batch are rejected, once those before it were taken; the rest can be taken after that', () => {
    const records = acquired([batch([0, 1]), corrupt(batch([2, 3, 4])), batch([5])], range(0, 3), range(5, 5))
    expect(offsetsOf(records)).toEqual([0, 1])
    expect(records.isExhausted).toBe(false)
    expect(() => records.take(100)).toThrow(/^t-0 at offset 2 up to 4 cannot be read, and was rejected/)
    expect(records.takeMarks()).toEqual([{ first: 2, last: 3, type: reject }])
    expect(offsetsOf(records)).toEqual([5])
    expect(records.isExhausted).toBe(true)
  })

  it('of a corrupt batch that is not ours are passed over', () => {
    const records = acquired([corrupt(batch([0, 1])), batch([2])], range(2, 2))
    expect(offsetsOf(records)).toEqual([2])
  })

  it('are released when others may be able to read them', () => {
    const bytes = batch([0, 1])
    // A compression that no Kafka knows.
    bytes[22]! |= 7
    const records = new AcquiredRecords(from, bytes, [range(0, 1)], { ...settings, checkCrcs: false })
    expect(() => records.take(1)).toThrow(/up to 1 cannot be read, and was released/)
    expect(records.takeMarks()).toEqual([{ first: 0, last: 1, type: release }])
    expect(records.isExhausted).toBe(true)
  })

  it('are released when the bytes end before them', () => {
    const cut = batch([2, 3]).subarray(0, -1)
    const records = acquired([batch([0, 1]), cut], range(0, 3))
    expect(offsetsOf(records)).toEqual([0, 1])
    expect(records.takeMarks()).toEqual([{ first: 2, last: 3, type: release }])
  })

  it('are released when it cannot be told any more where batches begin', () => {
    const broken = batch([2, 3])
    new DataView(broken.buffer, broken.byteOffset).setInt32(8, -5)
    const records = acquired([batch([0, 1]), broken], range(0, 3))
    expect(offsetsOf(records)).toEqual([0, 1])
    expect(() => records.take(1)).toThrow(
      /at offset 2 and what came behind it cannot be read, and was released/,
    )
    expect(records.takeMarks()).toEqual([{ first: 2, last: 3, type: release }])
    expect(records.isExhausted).toBe(true)
  })

  it('may be of a range of any length', () => {
    const records = acquired([batch([0])], range(0, 2 ** 52))
    expect(offsetsOf(records)).toEqual([0])
    expect(records.takeMarks()).toEqual([{ first: 1, last: 2 ** 52, type: release }])
  })

  it('are released, and not lost as gaps, where an answer has no bytes for them', () => {
    const records = acquired([], range(3, 4), range(7, 7))
    expect(offsetsOf(records)).toEqual([])
    expect(records.isExhausted).toBe(true)
    expect(records.takeMarks()).toEqual([
      { first: 3, last: 4, type: release },
      { first: 7, last: 7, type: release },
    ])
  })

  it('are released when nobody wants what is left of them', () => {
    const records = acquired([batch([0, 1, 2])], range(0, 2))
    expect(offsetsOf(records, 1)).toEqual([0])
    records.release()
    expect(records.isExhausted).toBe(true)
    expect(records.takeMarks()).toEqual([{ first: 1, last: 2, type: release }])
  })

  it('are not believed when their ranges overlap, go back or are beyond safe integers', () => {
    const wire = (firstOffset: bigint, lastOffset: bigint) => ({ firstOffset, lastOffset, deliveryCount: 1 })
    expect(acquiredRanges([wire(3n, 4n), wire(5n, 5n)])).toEqual([range(3, 4), range(5, 5)])
    expect(() => acquiredRanges([wire(4n, 3n)])).toThrow('acquired records from 4 to 3')
    expect(() => acquiredRanges([wire(3n, 4n), wire(4n, 9n)])).toThrow('from 4 to 9, after those up to 4')
    expect(() => acquiredRanges([wire(0n, 2n ** 60n)])).toThrow('acquired records from 0 to')
    expect(() => acquiredRanges([wire(-1n, 2n)])).toThrow('acquired records from -1 to 2')
  })
})

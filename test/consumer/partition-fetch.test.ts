import { describe, expect, it } from 'vitest'
import type { AbortedTransaction } from '../../src/consumer/aborted-transactions.ts'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { PartitionFetch } from '../../src/consumer/partition-fetch.ts'
import { ProtocolError } from '../../src/errors.ts'
import { encodeRecordBatch, type RecordBatchOptions } from '../../src/protocol/records/encode-record-batch.ts'

const settings = { checkCrcs: true, keyDeserializer: null, valueDeserializer: null }

function partitionAt(position: number): AssignedPartition {
  const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }
  const partition = new AssignedPartition({ topic: 't', partition: 3 }, 'default', true, backoff)
  partition.seek(position)
  return partition
}

/** A batch of records at these offsets; the value of each tells its offset. */
function batch(offsets: readonly number[], options: RecordBatchOptions = {}): Uint8Array {
  const records = offsets.map((offset) => ({
    offset: BigInt(offset),
    timestamp: 1000n,
    key: null,
    value: `v${offset}`,
  }))
  return encodeRecordBatch(options, records)
}

/** The end of a transaction, as the coordinator writes it. */
function marker(offset: number, producerId: bigint, type: 'ABORT' | 'COMMIT'): Uint8Array {
  const key = Uint8Array.of(0, 0, 0, type === 'ABORT' ? 0 : 1)
  const value = Uint8Array.of(0, 0, 0, 0, 0, 0)
  return encodeRecordBatch({ producerId, producerEpoch: 0, isTransactional: true, isControl: true }, [
    { offset: BigInt(offset), timestamp: 1000n, key, value },
  ])
}

function inTransaction(producerId: bigint): RecordBatchOptions {
  return { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true }
}

function fetchOf(
  position: number,
  parts: readonly Uint8Array[],
  aborted: readonly AbortedTransaction[] | null = null,
): PartitionFetch {
  return new PartitionFetch(partitionAt(position), Buffer.concat(parts), aborted, settings, () => {})
}

function offsetsOf(fetch: PartitionFetch, max = 1000): number[] {
  const offsets: number[] = []
  for (;;) {
    fetch.fill(max)
    if (fetch.chunk.length === 0) return offsets
    expect(fetch.chunk.length).toBeLessThanOrEqual(max)
    for (const record of fetch.chunk) {
      offsets.push(record.offset)
      expect(String(record.value)).toBe(`v${record.offset}`)
    }
  }
}

describe('PartitionFetch', () => {
  it('gives the records of all batches, in chunks of the size asked for', () => {
    const fetch = fetchOf(0, [batch([0, 1, 2]), batch([3, 4]), batch([5, 6, 7, 8])])
    expect(fetch.endOffset).toBe(9)
    expect(offsetsOf(fetch, 2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(fetch.isExhausted).toBe(true)
    expect(fetch.chunkEnd).toBe(9)
  })

  it('does not take the leader epoch of a batch that cannot be read', () => {
    const broken = batch([2, 3], { partitionLeaderEpoch: 0x7fffffff })
    broken[broken.length - 1]! ^= 1
    const fetch = fetchOf(0, [batch([0, 1], { partitionLeaderEpoch: 3 }), broken])
    fetch.fill(1000)
    expect([fetch.chunk.length, fetch.chunkEnd, fetch.chunkEpoch]).toEqual([2, 2, 3])
    expect(() => fetch.fill(1000)).toThrow(/at offset 2 cannot be read/)
    expect(fetch.chunkEpoch).toBe(3)
  })

  it('is empty when all that came is before the position', () => {
    expect(fetchOf(5, [batch([0, 1, 2])]).isEmpty).toBe(true)
    expect(fetchOf(2, [batch([0, 1, 2])]).isEmpty).toBe(false)
  })

  it('leaves out the records before the position', () => {
    expect(offsetsOf(fetchOf(4, [batch([0, 1, 2]), batch([3, 4, 5])]))).toEqual([4, 5])
  })

  it('moves on past what compaction took, at the end of a batch and as a whole batch', () => {
    const fetch = fetchOf(0, [
      batch([0, 2], { lastOffsetDelta: 4 }),
      encodeRecordBatch({ baseOffset: 5n, lastOffsetDelta: 4 }, []),
      batch([12], { baseOffset: 10n }),
    ])
    expect(offsetsOf(fetch, 2)).toEqual([0, 2, 12])
    const gone = fetchOf(0, [batch([0], { lastOffsetDelta: 9 })])
    gone.fill(1)
    expect(gone.chunkEnd).toBe(1)
    gone.fill(1)
    expect(gone.chunk).toEqual([])
    expect(gone.chunkEnd).toBe(10)
  })

  it('never gives control records, and moves on past them', () => {
    const fetch = fetchOf(0, [batch([0], inTransaction(7n)), marker(1, 7n, 'COMMIT')])
    expect(offsetsOf(fetch)).toEqual([0])
    expect(fetch.chunkEnd).toBe(2)
  })

  it('leaves out aborted transactions in whatever order the broker lists them', () => {
    const parts = [
      batch([0, 1], inTransaction(1n)),
      batch([2, 3], inTransaction(2n)),
      batch([4]),
      marker(5, 1n, 'ABORT'),
      marker(6, 2n, 'COMMIT'),
      batch([7], inTransaction(1n)),
      marker(8, 1n, 'COMMIT'),
      batch([9], inTransaction(1n)),
      marker(10, 1n, 'ABORT'),
      batch([11], { producerId: 1n, producerEpoch: 0, baseSequence: 9 }),
    ]
    const aborted = [
      { producerId: 1n, firstOffset: 9n },
      { producerId: 1n, firstOffset: 0n },
    ]
    expect(offsetsOf(fetchOf(0, parts, aborted))).toEqual([2, 3, 4, 7, 11])
    expect(offsetsOf(fetchOf(0, parts, null))).toEqual([0, 1, 2, 3, 4, 7, 9, 11])
  })

  it('knows an aborted transaction that ends before the position', () => {
    const parts = [batch([0], inTransaction(1n)), marker(1, 1n, 'ABORT'), batch([2, 3], inTransaction(1n))]
    expect(offsetsOf(fetchOf(3, parts, [{ producerId: 1n, firstOffset: 0n }]))).toEqual([3])
  })

  it('gives what is before a batch with a wrong checksum, then names where it is and how to skip it', () => {
    const broken = batch([3, 4])
    broken[broken.length - 1]! ^= 1
    const fetch = fetchOf(0, [batch([0, 1, 2]), broken, batch([5])])
    fetch.fill(1000)
    expect(fetch.chunk.map(({ offset }) => offset)).toEqual([0, 1, 2])
    expect(fetch.isExhausted).toBe(false)
    const fill = () => fetch.fill(1000)
    expect(fill).toThrow(ProtocolError)
    expect(fill).toThrow(/t-3 at offset 3 cannot be read: .*checksum.*; seek to 5 skips the batch/)
    try {
      fill()
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'CORRUPT_CHECKSUM', topic: 't', partition: 3 })
    }
  })

  it('reads a batch with a wrong checksum where these are not checked', () => {
    const broken = batch([0])
    broken[17]! ^= 1
    const unchecked = { ...settings, checkCrcs: false }
    const fetch = new PartitionFetch(partitionAt(0), broken, null, unchecked, () => {})
    expect(offsetsOf(fetch)).toEqual([0])
  })

  it('refuses an offset that its batch cannot have', () => {
    const lying = batch([0, 1, 2], { lastOffsetDelta: 1 })
    const fetch = fetchOf(0, [lying])
    fetch.fill(1000)
    expect(fetch.chunk.map(({ offset }) => offset)).toEqual([0, 1])
    expect(() => fetch.fill(1000)).toThrow(/offset delta 2, the last of its batch is 1/)
  })

  it('refuses offsets beyond the safe integers, after all that is before', () => {
    const far = batch([], { baseOffset: 2n ** 60n, lastOffsetDelta: 0 })
    const fetch = fetchOf(0, [batch([0]), far])
    fetch.fill(1000)
    expect(fetch.chunk).toHaveLength(1)
    expect(() => fetch.fill(1000)).toThrow(/t-3 at offset 1 cannot be read: .*safe integers/)
  })

  it('leaves out a last batch that is cut short', () => {
    const whole = batch([0])
    const cut = batch([1]).subarray(0, 40)
    const fetch = fetchOf(0, [whole, cut])
    expect(fetch.endOffset).toBe(1)
    expect(offsetsOf(fetch)).toEqual([0])
    expect(fetchOf(0, [cut]).isEmpty).toBe(true)
  })

  it('is no longer current after a seek, and is released then', () => {
    const partition = partitionAt(0)
    let released = 0
    const fetch = new PartitionFetch(partition, batch([0]), null, settings, () => released++)
    partition.fetches.push(fetch)
    expect(fetch.isCurrent).toBe(true)
    partition.seek(5)
    expect(fetch.isCurrent).toBe(false)
    expect(released).toBe(1)
    expect(partition).toMatchObject({ position: 5, fetchOffset: 5, fetches: [] })
  })
})

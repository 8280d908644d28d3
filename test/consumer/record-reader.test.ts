import { describe, expect, it } from 'vitest'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { ConsumerMetrics } from '../../src/consumer/consumer-metrics.ts'
import { RecordReader } from '../../src/consumer/record-reader.ts'
import { KafkaError } from '../../src/protocol/errors.ts'

const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }

function setUp() {
  const partition = new AssignedPartition({ topic: 't', partition: 0 }, 'default', true, backoff)
  partition.seek(5)
  const metrics = new ConsumerMetrics({ windowMs: 1000, count: 2 })
  const reader = new RecordReader({ onAsk: () => {}, onRetired: () => {} }, 500, metrics)
  return { partition, reader }
}

describe('an error about a partition', () => {
  it('is thrown also when what lay fetched was dropped meanwhile, and the partition goes on', async () => {
    const { partition, reader } = setUp()
    reader.failPartition(partition, new KafkaError('MALFORMED', 'broken'))
    // As the fetcher does with paused partitions when it needs room.
    partition.dropFetches()
    await expect(reader.poll(1, 10, undefined)).rejects.toThrow('broken')
    expect(partition.hasFailed).toBe(false)
  })

  it('is not thrown after a seek', async () => {
    const { partition, reader } = setUp()
    reader.failPartition(partition, new KafkaError('MALFORMED', 'broken'))
    partition.seek(7)
    expect(await reader.poll(1, 10, undefined)).toEqual([])
    expect(partition.hasFailed).toBe(false)
  })
})

describe('poll()', () => {
  it('ends with the reason of a signal that is aborted while it looks what is there', async () => {
    const abort = new AbortController()
    const metrics = new ConsumerMetrics({ windowMs: 1000, count: 2 })
    const owner = { onAsk: () => abort.abort(new Error('enough')), onRetired: () => {} }
    const reader = new RecordReader(owner, 500, metrics)
    await expect(reader.poll(1, 60_000, abort.signal)).rejects.toThrow('enough')
  })
})

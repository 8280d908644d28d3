import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { listOffsets } from '../../src/cluster/list-offsets.ts'
import { partitionKey } from '../../src/cluster/partition-leaders.ts'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { parseConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { PositionFinder } from '../../src/consumer/position-finder.ts'
import { BrokerError, errorCodes } from '../../src/protocol/broker-errors.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'

vi.mock('../../src/cluster/list-offsets.ts', async (original) => ({
  ...(await original<typeof import('../../src/cluster/list-offsets.ts')>()),
  listOffsets: vi.fn(),
}))

describe('PositionFinder, with partitions that have no leader', () => {
  const timeouts: number[] = []
  let fails: (partition: number) => boolean

  beforeEach(() => {
    timeouts.length = 0
    vi.mocked(listOffsets).mockImplementation(async (_cluster, queries, _isolation, deadline) => {
      timeouts.push(deadline.timeoutMs)
      return new Map(
        queries.map((one) => [
          partitionKey(one),
          fails(one.partition)
            ? { error: new BrokerError(errorCodes.leaderNotAvailable, { topic: one.topic }) }
            : { value: { offset: 7, timestamp: -1, leaderEpoch: 0 } },
        ]),
      )
    })
  })

  function setUp() {
    const told: KafkaError[] = []
    const cluster = { metadata: { partition: () => null } } as unknown as Cluster
    const options = parseConsumerOptions({ bootstrapServers: 'localhost:9092', autoOffsetReset: 'earliest' })
    const finder = new PositionFinder(cluster, options, {
      askingMember: () => null,
      onPartitionError: () => {},
      onTrouble: (error) => told.push(error),
      onSearched: () => {},
    })
    const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }
    const partitions = [0, 1, 2].map(
      (partition) => new AssignedPartition({ topic: 't', partition }, 'default', true, backoff),
    )
    return { told, finder, partitions }
  }

  it('tells of it once, not with each search, and again after one that found all', async () => {
    const { told, finder, partitions } = setUp()
    fails = () => true
    for (let search = 0; search < 3; search++) await finder.find(partitions)
    expect(told).toHaveLength(1)
    fails = () => false
    await finder.find(partitions)
    for (const partition of partitions) partition.reset('default')
    fails = () => true
    await finder.find(partitions)
    expect(told).toHaveLength(2)
  })

  it('has twice the patience with each search that finds nothing, however many partitions it was about', async () => {
    const { finder, partitions } = setUp()
    fails = () => true
    for (let search = 0; search < 3; search++) await finder.find(partitions)
    fails = (partition) => partition === 2
    await finder.find(partitions)
    await finder.find(partitions)
    expect(timeouts).toEqual([2000, 4000, 8000, 16_000, 2000])
  })
})

import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { listOffsets } from '../../src/cluster/list-offsets.ts'
import { noSuchPartition, partitionKey, type TopicPartition } from '../../src/cluster/partition-leaders.ts'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'
import { parseConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { PositionFinder } from '../../src/consumer/position-finder.ts'
import { BrokerError, errorCodes } from '../../src/protocol/broker-errors.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'

vi.mock('../../src/cluster/list-offsets.ts', async (original) => ({
  ...(await original<typeof import('../../src/cluster/list-offsets.ts')>()),
  listOffsets: vi.fn(),
}))

describe('PositionFinder, with partitions of which some have no position yet', () => {
  const timeouts: number[] = []
  let fails: (partition: number) => boolean
  let errorOf: (one: TopicPartition) => KafkaError

  beforeEach(() => {
    errorOf = ({ topic }) => new BrokerError(errorCodes.leaderNotAvailable, { topic })
    timeouts.length = 0
    vi.mocked(listOffsets).mockImplementation(async (_cluster, queries, _isolation, deadline) => {
      timeouts.push(deadline.timeoutMs)
      return new Map(
        queries.map((one) => [
          partitionKey(one),
          fails(one.partition)
            ? { error: errorOf(one) }
            : { value: { offset: 7, timestamp: -1, leaderEpoch: 0 } },
        ]),
      )
    })
  })

  function setUp(isShared = false) {
    const told: KafkaError[] = []
    const failed: number[] = []
    const cluster = { metadata: { partition: () => null } } as unknown as Cluster
    const options = parseConsumerOptions({ bootstrapServers: 'localhost:9092', autoOffsetReset: 'earliest' })
    const finder = new PositionFinder(cluster, options, {
      askingMember: () => null,
      isShared: () => isShared,
      onPartitionError: ({ partition }) => failed.push(partition),
      onTrouble: (error) => told.push(error),
      onSearched: () => {},
    })
    const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }
    const partitions = [0, 1, 2].map(
      (partition) => new AssignedPartition({ topic: 't', partition }, 'default', true, backoff),
    )
    return { told, failed, finder, partitions }
  }

  it.each([
    { isShared: true, who: 'that a group has given, goes on looking for one that was not heard of yet' },
    { isShared: false, who: 'that were assigned by hand, fails for one that does not exist' },
  ])('$who', async ({ isShared }) => {
    const { told, failed, finder, partitions } = setUp(isShared)
    errorOf = ({ topic, partition }) => noSuchPartition(topic, partition, 2)
    fails = (partition) => partition === 2
    await finder.find(partitions)
    expect(failed).toEqual(isShared ? [] : [2])
    expect(told.map(({ code }) => code)).toEqual(isShared ? ['INVALID_ARGUMENT'] : [])
    fails = () => false
    await finder.find(partitions)
    expect(partitions.map(({ position }) => position)).toEqual([7, 7, 7])
  })

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

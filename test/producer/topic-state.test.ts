import { describe, expect, test } from 'vitest'
import type { TopicMetadata } from '../../src/cluster/metadata.ts'
import { ProducerBatch } from '../../src/producer/producer-batch.ts'
import { type BrokerView, type PartitioningOptions, TopicState } from '../../src/producer/topic-state.ts'
import { WriterPool } from '../../src/producer/writer-pool.ts'

const pool = new WriterPool(100, 100)

function topicWith(
  leaders: readonly number[],
  options: Partial<PartitioningOptions> = {},
  brokers: Partial<BrokerView> = {},
): TopicState {
  const metadata: TopicMetadata = {
    name: 't',
    id: null,
    isInternal: false,
    partitions: leaders.map((leader, partition) => ({
      topic: 't',
      partition,
      leader,
      leaderEpoch: 1,
      replicas: [],
      isr: [],
      offlineReplicas: [],
    })),
  }
  return new TopicState(
    metadata,
    {
      partitioner: 'default',
      ignoreKeys: false,
      adaptive: true,
      availabilityTimeoutMs: 0,
      preferredRack: null,
      batchSize: 1_000,
      lingerMs: 0,
      maxRequestSize: 10_000,
      maxRecordBytes: 10_000,
      retryBackoffMs: 1,
      retryBackoffMaxMs: 1,
      ...options,
    },
    {
      create: (topic, partition, ordinal) => new ProducerBatch(topic, partition, ordinal, 0, 0, pool),
      opened: () => {},
    },
    { rackOf: () => null, blockedMs: () => 0, ...brokers },
  )
}

function partitionOf(topic: TopicState, key: string | null): number {
  return topic.queueFor(undefined, key, null).partition
}

describe('the choice of a partition', () => {
  test('bytes that a key has sent elsewhere do not end the stay of records without a key', () => {
    const topic = topicWith(new Array<number>(1_000).fill(1))
    const first = partitionOf(topic, null)
    for (let i = 0; i < 20; i++) {
      partitionOf(topic, `k${i}`)
      topic.used(`k${i}`, 1_000)
      // By chance it could be drawn again: of 1000 partitions, 20 times in a row, it is not.
      expect(partitionOf(topic, null)).toBe(first)
    }
  })

  test('with ignoreKeys a key counts for nothing', () => {
    const topic = topicWith(new Array<number>(1_000).fill(1), { ignoreKeys: true })
    const first = partitionOf(topic, 'a')
    expect(partitionOf(topic, 'b')).toBe(first)
    const drawn = Array.from({ length: 20 }, () => {
      topic.used('a', 1_000)
      return partitionOf(topic, 'a')
    })
    expect(new Set(drawn).size).toBeGreaterThan(1)
  })

  test('round robin passes by what has no leader, unless nothing has', () => {
    const topic = topicWith([1, -1, 1], { partitioner: 'roundRobin' })
    expect([0, 0, 0, 0].map(() => partitionOf(topic, 'k'))).toEqual([0, 2, 0, 2])
    const none = topicWith([-1, -1], { partitioner: 'roundRobin' })
    expect([0, 1].map(() => partitionOf(none, 'k')).sort()).toEqual([0, 1])
  })

  test.each([1.5, -1, 3, Number.NaN, '1', Promise.resolve(1)])(
    'a partitioner that gives %s is told what is allowed',
    (given) => {
      const topic = topicWith([1, 1, 1], { partitioner: () => given as number })
      expect(() => partitionOf(topic, 'k')).toThrow(/allowed are integers from 0 to 2$/)
    },
  )
})

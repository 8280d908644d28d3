import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { encodeRecordBatch } from '../../../src/protocol/records/encode-record-batch.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { Random } from '../../../src/testing/random.ts'
import { newFolder } from '../support/data-folder.ts'

const names = ['a', 'b', 'c']

/** All that a reader could tell. */
function contentOf(kafka: TestKafka) {
  return Array.from(kafka.cluster.topics, ({ name, id, partitions }) => ({
    name,
    id,
    records: kafka
      .records(name)
      .map(({ partition, offset, key, value }) => `${partition} ${offset} ${key} ${value}`),
    bounds: partitions.map(({ log }) => [log.logStartOffset, log.logEndOffset]),
  }))
}

/** One change of any kind; nothing where it cannot be done. */
function change(kafka: TestKafka, random: Random): void {
  const { topics } = kafka.cluster
  const name = names[random.below(names.length)]!
  const topic = topics.get(name)
  if (topic === undefined) {
    kafka.createTopics([
      { name, numPartitions: 1 + random.below(3), configs: { 'cleanup.policy': 'compact,delete' } },
    ])
    return
  }
  const { log, leaderEpoch } = topic.partitions[random.below(topic.partitions.length)]!
  const kind = random.below(100)
  if (kind < 85) {
    const records = Array.from({ length: 1 + random.below(5) }, (_, i) => ({
      offset: BigInt(i),
      timestamp: 1n,
      key: `k${random.below(20)}`,
      value: random.below(10) === 0 ? null : 'x'.repeat(random.below(2000)),
    }))
    log.append(encodeRecordBatch({}, records), leaderEpoch)
  } else if (kind < 91) log.deleteBefore(log.logStartOffset + random.below(20))
  else if (kind < 92) log.deleteBefore(log.logEndOffset)
  else if (kind < 96) kafka.compact(name)
  else if (kind < 97) topics.delete(topic)
  else topics.addPartitions(topic, [[1]])
}

describe('a data folder, after changes by chance', () => {
  it.each([1, 2, 3, 4, 5])('has in each run what the one before has left (seed %i)', async (seed) => {
    const random = new Random(seed)
    const dataDir = newFolder()
    let before: unknown = []
    for (let run = 0; run < 6; run++) {
      await using kafka = await startKafka({ dataDir, seed })
      expect(contentOf(kafka)).toEqual(before)
      for (let i = 0; i < 150; i++) {
        change(kafka, random)
        // Now and then what is written is in the middle of it.
        if (random.below(10) === 0) await turn()
      }
      before = contentOf(kafka)
      await kafka.close()
    }
    expect(before).not.toEqual([])
  })
})

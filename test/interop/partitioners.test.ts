import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { consistentPartition, partitionOfKey } from '../../src/producer/partitioner.ts'
import { startKafka } from '../../src/testing/index.ts'
import { kcatPath, runKcat } from '../support/interop/index.ts'

const keyCount = 10_000
const partitionCount = 37

/** Keys of 1 to 40 bytes, as text, as kcat takes them line by line. */
const keys = Array.from({ length: keyCount }, (_, i) =>
  i % 2 === 0 ? `customer-${i}` : randomBytes(1 + (i % 20)).toString('hex'),
)

describe.skipIf((await kcatPath()) === null)(
  `the partition of ${keyCount} keys is that of librdkafka`,
  () => {
    it.each([
      ['murmur2', partitionOfKey],
      ['consistent', consistentPartition],
    ] as const)('%s', async (partitioner, partitionOf) => {
      await using kafka = await startKafka({ topics: [{ name: 't', numPartitions: partitionCount }] })
      const { code, stderr } = await runKcat(
        ['-b', kafka.bootstrapServers, '-P', '-t', 't', '-K', '|', '-X', `topic.partitioner=${partitioner}`],
        { stdin: keys.map((key) => `${key}|v\n`).join(''), timeoutMs: 60_000 },
      )
      expect(code, stderr).toBe(0)
      const stored = kafka.records('t')
      expect(stored).toHaveLength(keyCount)
      const different = stored.filter(({ key, partition }) => {
        return partitionOf(Buffer.from(key!), partitionCount) !== partition
      })
      expect(different).toEqual([])
    })
  },
)

// Node has it from 20.15 and 22.2 on; the types of 20.19 do not say so.
const { crc32 } = zlib as unknown as { crc32?: (bytes: Uint8Array) => number }

describe.skipIf(crc32 === undefined)(`CRC-32 of ${keyCount} random keys`, () => {
  it('is that of zlib', () => {
    for (let i = 0; i < keyCount; i++) {
      const key = randomBytes(i % 100)
      expect(consistentPartition(key, 1_000)).toBe(crc32!(key) % 1_000)
    }
  })
})

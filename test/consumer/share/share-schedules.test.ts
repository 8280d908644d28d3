import { afterEach, describe, expect, it } from 'vitest'
import type { ShareConsumer } from '../../../src/consumer/share/share-consumer.ts'
import { Kafka } from '../../../src/kafka.ts'
import { string } from '../../../src/serializers.ts'
import { type FaultKind, randomFaults, type TestKafka } from '../../../src/testing/index.ts'
import { SeededRandom } from '../../support/mutate.ts'
import { values } from '../../support/share-group.ts'
import { beginEarliest, startShareKafka, writeJobs } from '../../support/share-kafka.ts'

/** Records of each of two partitions. */
const count = 120

const everywhere: readonly FaultKind[] = [
  'disconnect-before',
  'disconnect-after',
  'disconnect-halfway',
  'delay',
]
const ofSessions: readonly FaultKind[] = [
  'fail:SHARE_SESSION_NOT_FOUND',
  'fail:INVALID_SHARE_SESSION_EPOCH',
  'fail:NOT_LEADER_OR_FOLLOWER',
]
const kinds: Readonly<Record<string, readonly FaultKind[]>> = {
  ShareFetch: [...everywhere, ...ofSessions],
  ShareAcknowledge: [...everywhere, ...ofSessions],
  ShareGroupHeartbeat: [
    ...everywhere,
    'fail:UNKNOWN_MEMBER_ID',
    'fail:FENCED_MEMBER_EPOCH',
    'fail:NOT_COORDINATOR',
  ],
}

describe('Share consumers through trouble by chance', () => {
  let kafka: TestKafka
  afterEach(() => kafka.close())

  it.each([1, 2, 3, 4, 5, 6])(
    'handle each record, and none after its acknowledgement was confirmed, with seed %i',
    async (seed) => {
      kafka = await startShareKafka({
        brokers: 2,
        seed,
        topics: [{ name: 'jobs', numPartitions: 2, replicationFactor: 2 }],
      })
      beginEarliest(kafka, 'workers', 1000)
      // Faults make records come again; none is to be given up for that.
      kafka.cluster.groupConfigs.get('workers').set('share.delivery.count.limit', '10')
      const random = new SeededRandom(seed)
      for (const partition of [0, 1]) {
        for (let i = 0; i < count; i += 5) {
          await writeJobs(kafka, values(5, partition * count + i), { partition })
        }
      }

      const handled = new Set<string>()
      const confirmed = new Set<string>()
      const again: string[] = []
      const make = () =>
        new Kafka({
          bootstrapServers: kafka.bootstrapServers,
          retryBackoffMs: 20,
          reconnectBackoffMs: 20,
        }).shareConsumer({
          groupId: 'workers',
          topics: ['jobs'],
          fetchMaxWaitMs: 50,
          maxPollRecords: 3,
          shareAcquireMode: seed % 2 === 0 ? 'record_limit' : 'batch_optimized',
          valueDeserializer: string,
          onAcknowledgementCommit: ({ partition, offsets, error }) => {
            if (error === null) for (const offset of offsets) confirmed.add(`${partition}-${offset}`)
          },
        })
      const read = async (consumer: ShareConsumer<Buffer | null, string>) => {
        for await (const { value, partition, offset } of consumer) {
          const place = `${partition}-${offset}`
          if (confirmed.has(place)) again.push(place)
          handled.add(value!)
        }
      }
      const consumers = [make(), make(), make()]
      const faults = Object.entries(kinds).map(([api, some], i) =>
        kafka.control(api, randomFaults({ seed: seed * 10 + i, rate: 0.25, kinds: some })),
      )
      const reading = consumers.map(read)
      for (let step = 1; step <= 4; step++) {
        const enough = (step * 2 * count) / 5
        await expect.poll(() => handled.size, { timeout: 30_000, interval: 5 }).toBeGreaterThan(enough)
        kafka.moveLeader('jobs', random.below(2))
      }
      for (const one of faults) one.remove()
      await expect.poll(() => handled.size, { timeout: 30_000 }).toBe(2 * count)
      await Promise.all(consumers.map((consumer) => consumer.commit()))
      await Promise.all(consumers.map((consumer) => consumer.close()))
      await Promise.all(reading)
      expect(handled).toEqual(new Set(values(2 * count)))

      // What came to nothing is given out once more, and then there is no more.
      const last = make()
      const reread = read(last)
      let before = -1
      const isQuiet = () => {
        const isSame = confirmed.size === before
        before = confirmed.size
        return isSame
      }
      // Longer than a lock.
      await expect.poll(isQuiet, { timeout: 20_000, interval: 1500 }).toBe(true)
      await last.close()
      await reread
      expect(again).toEqual([])
      expect(faults.reduce((sum, one) => sum + one.count, 0)).toBeGreaterThan(10)
    },
    120_000,
  )
})

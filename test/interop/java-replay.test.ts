import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Kafka, string } from '../../src/index.ts'
import { startJavaConsumer } from '../support/interop/index.ts'
import { describeKafka, startRealKafka } from '../support/real-kafka/index.ts'

describeKafka(
  "replay and Java's consumer",
  () => {
    it('read the same of a log that is compacted, transactional and compressed', async () => {
      // One of its own, whose cleaner comes by all the time.
      const properties = { 'log.cleaner.enable': 'true', 'log.cleaner.backoff.ms': '200' }
      await using kafka = await startRealKafka({ brokerProperties: properties })
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `replay-${randomUUID()}`
      await using admin = client.admin()
      const configs = {
        'cleanup.policy': 'compact',
        'segment.ms': '100',
        'min.cleanable.dirty.ratio': '0.01',
        'max.compaction.lag.ms': '100',
      }
      await admin.createTopics([{ name: topic, numPartitions: 2, replicationFactor: 1, configs }])
      const both = [0, 1]
      for (const [round, compressionType] of (['none', 'gzip', 'snappy', 'lz4'] as const).entries()) {
        await using plain = client.producer({ compressionType })
        const records = both.flatMap((partition) =>
          Array.from({ length: 40 }, (_, i) => ({
            topic,
            partition,
            key: `k${i % (20 + round)}`,
            value: `${compressionType} ${i}`,
          })),
        )
        await plain.sendMany(records)
        await using producer = client.producer({ compressionType, transactionalId: `${topic}-${round}` })
        await producer.transaction(async (transaction) => {
          await transaction.sendMany(records.map((one) => ({ ...one, key: `t${one.key}` })))
        })
        const aborted = producer.transaction(async (transaction) => {
          await transaction.sendMany(records.map((one) => ({ ...one, key: `a${one.key}`, value: 'aborted' })))
          throw new Error('no')
        })
        await expect(aborted).rejects.toThrow('no')
      }
      const options = {
        isolationLevel: 'read_committed',
        keyDeserializer: string,
        valueDeserializer: string,
      } as const
      await using consumer = client.consumer(options)
      const read = async (range: { from?: number; to?: number } = {}) => {
        const partitions = both.map((partition) => ({ topic, partition, ...range }))
        const found: string[] = []
        for await (const { partition, offset, key, value } of consumer.replay({ partitions })) {
          found.push(`${partition}@${offset} ${key} ${value}`)
        }
        return found.sort()
      }
      // Of what was written and committed, 2 x 4 x 80: until the cleaner has come, and finds nothing more.
      let before: string[] = []
      const isClean = async () => {
        const now = await read()
        const isSame = now.length < 640 && now.join() === before.join()
        before = now
        return isSame
      }
      await expect.poll(isClean, { timeout: 60_000, interval: 1000 }).toBe(true)
      await using java = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId: `group-${randomUUID()}`,
        topics: [topic],
        properties: { 'isolation.level': 'read_committed' },
      })
      const javas = (from = 0, to = Number.POSITIVE_INFINITY) =>
        java.records
          .filter(({ offset }) => offset >= from && offset < to)
          .map(({ partition, offset, key, value }) => `${partition}@${offset} ${key} ${value}`)
          .sort()
      const whole = await read()
      await java.waitUntil(({ records }) => records.length >= whole.length)
      expect(whole).toEqual(javas())
      expect(whole.filter((one) => one.includes('aborted'))).toEqual([])
      const part = await read({ from: 150, to: 420 })
      expect(part).toEqual(javas(150, 420))
      expect(part.length).toBeGreaterThan(0)
    }, 150_000)
  },
  { needs: 'own' },
)

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { zstdOfNode } from '../../src/protocol/compression/zlib.ts'
import { kafkaTools, kcatPath, runKafkaTool, runKcat, startJavaConsumer } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const kcat = await kcatPath()

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const writable = codecs.filter((codec) => codec !== 'zstd' || zstdOfNode() !== null)

/** Enough for several blocks of each codec: some of it repeats, and some does not. */
const lines = Array.from({ length: 3000 }, (_, i) => {
  const noise = Math.imul(i + 1, 0x9e3779b1) >>> 0
  return `{"id":${i},"name":"order-${noise.toString(36)}","amount":${noise % 1000},"note":"${'again '.repeat(i % 7)}"}`
})

describeKafka(
  'compression with other clients',
  (kafka) => {
    async function topicOf(): Promise<{ client: Kafka; topic: string }> {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `compression-${randomUUID()}`
      await using admin = client.admin()
      const [created] = await admin.createTopics([{ name: topic, numPartitions: 1, replicationFactor: 1 }])
      expect(created?.error).toBe(null)
      return { client, topic }
    }

    async function valuesOf(client: Kafka, topic: string): Promise<(string | undefined)[]> {
      await using consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const values: (string | undefined)[] = []
      for await (const record of consumer) {
        values.push(record.value?.toString())
        if (values.length === lines.length) break
      }
      return values
    }

    it.each(writable)('Java and kcat read what we wrote with %s', async (compressionType) => {
      const { client, topic } = await topicOf()
      await using producer = client.producer({ compressionType })
      await producer.sendMany(lines.map((value) => ({ topic, value })))
      await using java = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId: `java-${randomUUID()}`,
        topics: [topic],
      })
      await java.waitUntil(({ records }) => records.length >= lines.length)
      expect(java.records.map(({ value }) => value)).toEqual(lines)
      expect(await valuesOf(client, topic)).toEqual(lines)
      if (kcat === null) return
      const args = ['-C', '-q', '-e', '-b', kafka.bootstrapServers, '-t', topic, '-X', 'check.crcs=true']
      const { stdout } = await runKcat(args)
      expect(stdout.trimEnd().split('\n')).toEqual(lines)
    })

    it.each(codecs)('we read what Java wrote with %s', async (codec) => {
      const { client, topic } = await topicOf()
      const args = [
        '--bootstrap-server',
        kafka.bootstrapServers,
        '--topic',
        topic,
        '--compression-codec',
        codec,
      ]
      const { code, stderr } = await runKafkaTool(kafkaTools.consoleProducer, args, {
        stdin: `${lines.join('\n')}\n`,
      })
      expect(code, stderr).toBe(0)
      expect(await valuesOf(client, topic)).toEqual(lines)
    })

    it.skipIf(kcat === null).each(codecs)('we read what kcat wrote with %s', async (codec) => {
      const { client, topic } = await topicOf()
      const args = ['-P', '-b', kafka.bootstrapServers, '-t', topic, '-z', codec]
      const { code, stderr } = await runKcat(args, { stdin: `${lines.join('\n')}\n` })
      expect(code, stderr).toBe(0)
      expect(await valuesOf(client, topic)).toEqual(lines)
    })
  },
  { needs: 'listeners' },
)

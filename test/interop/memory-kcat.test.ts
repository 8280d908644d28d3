import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { describeClient, runKcat } from '../support/interop/index.ts'

/** To the end, which kcat sees when a fetch comes back empty. */
const toTheEnd = ['-e', '-K', '|', '-X', 'fetch.wait.max.ms=20', '-X', 'check.crcs=true']

const lines = Array.from({ length: 400 }, (_, i) => `key-${i % 11}|value ${i}${' again'.repeat(i % 20)}`)

for (const version of ['4.3', '3.9', '2.8', '2.1'] as const) {
  await describeClient('kcat', `kcat and a Kafka ${version} in memory`, () => {
    const failures: Error[] = []
    let kafka: TestKafka
    beforeAll(async () => {
      kafka = await startKafka({ brokers: 3, version, onError: (error) => failures.push(error) })
    })
    afterAll(async () => {
      await kafka.close()
      expect(failures).toEqual([])
    })

    function topicOf(numPartitions: number): string {
      const name = `kcat-${randomUUID()}`
      kafka.createTopics([{ name, numPartitions, replicationFactor: 3 }])
      return name
    }

    async function kcat(args: readonly string[], stdin?: string): Promise<string> {
      const all = ['-b', kafka.bootstrapServers, '-q', ...args]
      const { code, stdout, stderr } = await runKcat(all, stdin === undefined ? {} : { stdin })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return stdout
    }

    function produce(topic: string, ...more: string[]): Promise<string> {
      return kcat(['-P', '-t', topic, '-K', '|', ...more], `${lines.join('\n')}\n`)
    }

    async function consume(topic: string): Promise<string[]> {
      return linesOf(await kcat(['-C', '-t', topic, ...toTheEnd]))
    }

    it('lists the brokers and the partitions of a topic', async () => {
      const topic = topicOf(4)
      const { brokers, topics } = JSON.parse(await kcat(['-L', '-J', '-t', topic])) as {
        brokers: { id: number }[]
        topics: { topic: string; partitions: { leader: number; replicas: object[]; isrs: object[] }[] }[]
      }
      expect(brokers.map(({ id }) => id).sort()).toEqual([1, 2, 3])
      expect(topics.map((one) => one.topic)).toEqual([topic])
      const partitions = topics[0]!.partitions
      expect(partitions.map(({ replicas, isrs }) => [replicas.length, isrs.length])).toEqual(
        Array(4).fill([3, 3]),
      )
      expect(new Set(partitions.map(({ leader }) => leader)).size).toBe(3)
    })

    it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('writes and reads with codec %s', async (codec) => {
      const topic = topicOf(1)
      await produce(topic, '-z', codec, '-H', 'trace=a:b')
      expect(await consume(topic)).toEqual(lines)
      expect(kafka.records(topic)[0]!.headers).toEqual([{ key: 'trace', value: Buffer.from('a:b') }])
    })

    it('spreads keys over partitions with idempotence, and reads all of them', async () => {
      const topic = topicOf(3)
      await produce(topic, '-X', 'enable.idempotence=true')
      expect((await consume(topic)).sort()).toEqual([...lines].sort())
      expect(new Set(kafka.records(topic).map(({ partition }) => partition)).size).toBe(3)
    })

    it('writes in a transaction', async () => {
      const topic = topicOf(3)
      await produce(topic, '-X', `transactional.id=${randomUUID()}`)
      expect((await consume(topic)).sort()).toEqual([...lines].sort())
    })

    it('finds offsets by time', async () => {
      const topic = topicOf(1)
      const before = Date.now()
      await produce(topic)
      const at = async (time: number) => (await kcat(['-Q', '-t', `${topic}:0:${time}`])).trim()
      expect(await at(-2)).toBe(`${topic} [0] offset 0`)
      expect(await at(-1)).toBe(`${topic} [0] offset ${lines.length}`)
      expect(await at(before)).toBe(`${topic} [0] offset 0`)
    })

    it('reads in a group, which goes on where it was', async () => {
      const topic = topicOf(3)
      const group = `kcat-${randomUUID()}`
      const read = async () => {
        const args = ['-G', group, ...toTheEnd, '-X', 'auto.offset.reset=earliest', topic]
        return linesOf(await kcat(args))
      }
      await produce(topic)
      expect((await read()).sort()).toEqual([...lines].sort())
      await kcat(['-P', '-t', topic, '-K', '|'], 'more|later\n')
      expect(await read()).toEqual(['more|later'])
    })
  })
}

function linesOf(output: string): string[] {
  return output.split('\n').filter((line) => line !== '')
}

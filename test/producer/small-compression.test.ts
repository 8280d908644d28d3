import zlib from 'node:zlib'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Kafka, type Producer } from '../../src/index.ts'
import type { CompressionType } from '../../src/protocol/compression/codec.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'

const native = vi.hoisted(() => ({ isInstalled: true }))

vi.mock(import('../../src/protocol/compression/native.ts'), async (original) => {
  const { nativePackage } = await original()
  return {
    nativePackage: ((...args: Parameters<typeof nativePackage>) =>
      native.isInstalled ? nativePackage(...args) : null) as typeof nativePackage,
  }
})

beforeEach(() => {
  native.isInstalled = true
})

/** How the records of the last batch were compressed: the low bits of its attributes. */
function lastCodec(kafka: TestKafka, topic: string): number {
  const { log } = kafka.cluster.topics.partition(topic, 0)!
  const { bytes } = [...log.batches()].at(-1)!
  return bytes[22]! & 7
}

/** A producer that has sent once, and how often it has written to its brokers. */
async function start(kafka: TestKafka, topic: string, compressionType: CompressionType) {
  let writes = 0
  const producer = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    async connect(target) {
      const pipe = await kafka.connect(target)
      const write = pipe.write.bind(pipe) as (...args: unknown[]) => boolean
      pipe.write = ((...args: unknown[]) => {
        writes++
        return write(...args)
      }) as typeof pipe.write
      return pipe
    },
  }).producer({ compressionType }) as Producer
  await producer.send({ topic, value: 'first' })
  return { producer, writes: () => writes }
}

const all = [
  ['gzip', 1],
  ['snappy', 2],
  ['lz4', 3],
  ['zstd', 4],
] as const satisfies readonly (readonly [CompressionType, number])[]

/** Writing zstd takes Node's own, which is there from 22.15 on. */
const codecs = all.filter(([name]) => name !== 'zstd' || 'zstdCompressSync' in zlib)

describe.each([true, false])('records of a few kilobytes, with native packages: %s', (isInstalled) => {
  test.each(codecs)('are compressed with %s and leave in the turn of the call', async (codec, id) => {
    native.isInstalled = isInstalled
    await using kafka = await startKafka({ topics: ['t'], transport: 'memory' })
    const { producer, writes } = await start(kafka, 't', codec)
    await using _ = producer
    const before = writes()
    const value = 'the same again and again, '.repeat(100)
    const sent = producer.send({ topic: 't', value })
    // Before any timer, and before any thread can have answered.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    for (let i = 0; i < 20; i++) await Promise.resolve()
    expect(writes()).toBeGreaterThan(before)
    await sent
    expect(lastCodec(kafka, 't')).toBe(id)
    expect(kafka.records('t').map((record) => String(record.value))).toEqual(['first', value])
  })

  test.each(codecs)('and larger ones with %s stay in order', async (codec, id) => {
    native.isInstalled = isInstalled
    await using kafka = await startKafka({ topics: ['t'], transport: 'memory' })
    const { producer } = await start(kafka, 't', codec)
    await using _ = producer
    const values = Array.from({ length: 20 }, (_, i) => `${i}:`.padEnd(i % 4 === 0 ? 30_000 : 100, `${i}`))
    const sent: Promise<unknown>[] = []
    for (const value of values) {
      sent.push(producer.send({ topic: 't', value }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(sent)
    expect(lastCodec(kafka, 't')).toBe(id)
    expect(kafka.records('t').map((record) => String(record.value))).toEqual(['first', ...values])
  })
})

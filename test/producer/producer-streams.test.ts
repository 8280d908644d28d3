import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import type { ProducerRecord } from '../../src/producer/producer-record.ts'
import { RecordSink } from '../../src/producer/producer-streams.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import type { Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

const invalidRecord = 87

function records(count: number): ProducerRecord[] {
  return Array.from({ length: count }, (_, i) => ({ topic: 't', value: `${i}` }))
}

const values = (count: number) => records(count).map(({ value }) => value)

describe('a WHATWG stream', () => {
  test('sends what is piped into it, and closing it waits for all of it', async () => {
    const { cluster, producer } = await startProducer()
    await ReadableStream.from(records(500)).pipeTo(producer.writable())
    expect(cluster.log('t').values).toEqual(values(500))
    // The producer goes on.
    expect(await producer.send({ topic: 't', value: 'more' })).toMatchObject({ offset: 500 })
  })

  test('is closed when its block is left, unless it is already', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 10_000 })
    {
      await using stream = producer.writable()
      const writer = stream.getWriter()
      await writer.write({ topic: 't', value: 'a' })
      writer.releaseLock()
    }
    expect(cluster.log('t').values).toEqual(['a'])
    {
      await using stream = producer.writable()
      const writer = stream.getWriter()
      await writer.write({ topic: 't', value: 'b' })
      await writer.close()
    }
    expect(cluster.log('t').values).toEqual(['a', 'b'])
  })

  test('says to wait as long as the buffer of the producer is full', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 2_000, maxRequestSize: 500 })
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    cluster.onBatch = async (): Promise<Verdict> => {
      await held
      return 'append'
    }
    const writer = producer.writable({ highWaterMark: 1 }).getWriter()
    const writes = records(200).map((record) => writer.write(record))
    await cluster.received(1)
    expect(writer.desiredSize).toBeLessThan(0)
    expect(producer.bufferedBytes).toBeLessThanOrEqual(2_000)
    release()
    await Promise.all(writes)
    await writer.close()
    expect(cluster.log('t').values).toEqual(values(200))
  })

  test('is errored by the first record that is not delivered', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => ({ error: invalidRecord })
    const writer = producer.writable().getWriter()
    const closed = expect(writer.closed).rejects.toMatchObject({ code: 'INVALID_RECORD' })
    await writer.write({ topic: 't', value: 'a' })
    await closed
    await expect(writer.write({ topic: 't', value: 'b' })).rejects.toMatchObject({ code: 'INVALID_RECORD' })
  })

  test('is errored by a record that cannot be sent', async () => {
    const { producer } = await startProducer()
    const writer = producer.writable().getWriter()
    writer.closed.catch(() => {})
    await expect(writer.write({ topic: '', value: 'a' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('with onError tells it of each record and goes on', async () => {
    const { cluster, producer } = await startProducer({ batchSize: 0 })
    cluster.onBatch = ({ values: [value] }) => (value === '1' ? { error: invalidRecord } : 'append')
    const failed: unknown[] = []
    const stream = producer.writable({
      onError: (error, { value }) => failed.push([(error as KafkaError).code, value]),
    })
    const writer = stream.getWriter()
    for (const record of [...records(3), { topic: '', value: '3' }]) await writer.write(record)
    await writer.close()
    expect(failed).toHaveLength(2)
    expect(failed).toContainEqual(['INVALID_RECORD', '1'])
    expect(failed).toContainEqual(['INVALID_ARGUMENT', '3'])
    expect(cluster.log('t').values).toEqual(['0', '2'])
  })

  test('that is aborted drops what it still held', async () => {
    const { producer } = await startProducer()
    const stream = producer.writable()
    await stream.abort(new Error('enough'))
    await expect(stream.getWriter().closed).rejects.toThrow('enough')
    await stream[Symbol.asyncDispose]()
  })
})

describe('a Writable of Node', () => {
  test('sends what is piped into it, and finishes when all of it is confirmed', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 2_000, maxRequestSize: 500 })
    await pipeline(Readable.from(records(500)), producer.nodeWritable())
    expect(cluster.log('t').values).toEqual(values(500))
  })

  test('is destroyed by the first record that is not delivered', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => ({ error: invalidRecord })
    const piped = pipeline(Readable.from(records(5)), producer.nodeWritable())
    await expect(piped).rejects.toMatchObject({ code: 'INVALID_RECORD' })
  })

  test('with onError goes on', async () => {
    const { cluster, producer } = await startProducer({ batchSize: 0 })
    cluster.onBatch = ({ values: [value] }) => (value === '1' ? { error: invalidRecord } : 'append')
    const failed: unknown[] = []
    const stream = producer.nodeWritable({ onError: (_, { value }) => failed.push(value) })
    await pipeline(Readable.from(records(3)), stream)
    expect(failed).toEqual(['1'])
    expect(cluster.log('t').values).toEqual(['0', '2'])
  })
})

describe('what streams write to', () => {
  test('waits when others have filled the producer, and tries again', async () => {
    const outcomes = ['BUFFER_FULL', true, false]
    const calls: string[] = []
    const sink = new RecordSink(
      {
        produce: () => {
          calls.push('produce')
          const outcome = outcomes.shift()
          if (typeof outcome === 'string') throw new KafkaError(outcome, 'full', { retriable: true })
          return outcome ?? true
        },
        drained: async () => void calls.push('drained'),
        flush: async () => void calls.push('flush'),
      },
      undefined,
      () => {},
    )
    await sink.write({ topic: 't' })
    await sink.write({ topic: 't' })
    await sink.end()
    expect(calls).toEqual(['produce', 'drained', 'produce', 'produce', 'drained', 'flush'])
  })
})

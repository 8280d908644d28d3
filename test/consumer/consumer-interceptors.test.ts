import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerInterceptor } from '../../src/consumer/consumer-interceptors.ts'
import { type ConsumerOptions, parseConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { OffsetToCommit } from '../../src/consumer/offset-committer.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

const partition = { topic: 'orders', partition: 0 }

type Interceptor = ConsumerInterceptor<string, string>

describe('interceptors of a consumer', () => {
  let kafka: TestKafka
  let writer: TopicWriter
  let troubles: KafkaError[]

  beforeEach(async () => {
    kafka = await startKafka({ topics: ['orders'] })
    writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a', 'b', 'c', 'd'])
    troubles = []
  })

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(
    interceptors: readonly Interceptor[],
    options: Partial<ConsumerOptions<string, string>> = {},
  ): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      groupId: 'billing',
      topics: ['orders'],
      valueDeserializer: string,
      fetchMaxWaitMs: 50,
      interceptors,
      onError: (error) => troubles.push(error),
      ...options,
    })
  }

  async function valuesOf(consumer: Consumer<string, string>): Promise<(string | null)[]> {
    return (await consumer.poll({ timeoutMs: 10_000 })).map(({ value }) => value)
  }

  it('see the records one after the other, and what the last gives is handed out', async () => {
    const upper: Interceptor = {
      onConsume: (records) => records.map((one) => one.with({ value: one.value?.toUpperCase() ?? null })),
    }
    const twice: Interceptor = {
      onConsume: (records) => records.map((one) => one.with({ value: `${one.value}${one.value}` })),
    }
    await using consumer = consumerOf([upper, twice])
    const records = await consumer.poll({ timeoutMs: 10_000 })
    expect(records.map(({ value }) => value)).toEqual(['AA', 'BB', 'CC', 'DD'])
    expect(records[1]).toMatchObject({ topic: 'orders', partition: 0, offset: 1, key: null })
    expect(records[1]!.rawValue?.toString()).toBe('b')
    expect(records[1]!.toJSON().value).toBe('BB')
    expect(records[1]!.copy().value).toBe('b')
  })

  it('leave records out, which count as done with those around them', async () => {
    await using consumer = consumerOf([
      { onConsume: (records) => records.filter(({ offset }) => offset === 1 || offset === 5) },
    ])
    const seen: number[] = []
    await writer.write('orders', 0, ['e', 'f', 'g'])
    for await (const { offset } of consumer) {
      seen.push(offset)
      if (offset === 5) break
    }
    expect(seen).toEqual([1, 5])
    await consumer.commit()
    expect((await consumer.committed([partition]))[0]!.offset).toBe(7)
  })

  it('may leave out all of a chunk: the next one is read', async () => {
    await using consumer = consumerOf(
      [{ onConsume: (records) => records.filter(({ offset }) => offset === 3) }],
      {
        maxPollRecords: 1,
      },
    )
    const records = await consumer.poll({ timeoutMs: 10_000 })
    expect(records.map(({ offset }) => offset)).toEqual([3])
    expect(await consumer.position(partition)).toBe(4)
  })

  it('are told of commits, automatic ones included, and of the end', async () => {
    const told: (readonly OffsetToCommit[] | 'closed')[] = []
    const consumer = consumerOf([
      { onCommit: (offsets) => told.push(offsets), close: () => told.push('closed') },
    ])
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    await consumer.commit([{ ...partition, offset: 1, metadata: 'by hand' }])
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    await consumer.close()
    expect(told).toMatchObject([
      [{ ...partition, offset: 1, metadata: 'by hand' }],
      [{ ...partition, offset: 2 }],
      'closed',
    ])
  })

  it.each<[string, Interceptor, RegExp]>([
    [
      'throws',
      {
        onConsume: () => {
          throw new Error('no luck')
        },
      },
      /onConsume of an interceptor for records of orders-0: no luck/,
    ],
    [
      'gives nothing',
      { onConsume: () => undefined as never },
      /must give an array of records, not undefined/,
    ],
    ['is async', { onConsume: (async () => []) as never }, /not a promise/],
    ['turns them round', { onConsume: (records) => records.toReversed() }, /it gave 2, which is not among/],
    ['gives others', { onConsume: () => [{ offset: 77 }] as never }, /it gave 77/],
    ['gives holes', { onConsume: () => [null] as never }, /something without an offset/],
  ])('that %s changes nothing, and onError is told', async (_what, interceptor, message) => {
    await using consumer = consumerOf([interceptor])
    expect(await valuesOf(consumer)).toEqual(['a', 'b', 'c', 'd'])
    expect(troubles).toHaveLength(1)
    expect(troubles[0]).toBeInstanceOf(KafkaError)
    expect(troubles[0]).toMatchObject({ code: 'INTERCEPTOR_FAILED', ...partition })
    expect(troubles[0]!.message).toMatch(message)
  })

  it('that fail in onCommit and close stop neither', async () => {
    const consumer = consumerOf([
      {
        onCommit: async () => {
          throw new Error('later')
        },
        close: () => {
          throw new Error('last')
        },
      },
    ])
    await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    await consumer.commit()
    await consumer.close()
    expect(troubles.map(({ message }) => message)).toEqual([
      'onCommit of an interceptor: later',
      'close of an interceptor: last',
    ])
  })

  it('are not closed by a replay of the same consumer', async () => {
    let closed = 0
    await using consumer = consumerOf([{ close: () => closed++ }])
    for await (const _ of consumer.replay({ topic: 'orders' }));
    expect(closed).toBe(0)
  })

  it('have to be objects with one of the methods', () => {
    for (const wrong of [{}, null, { onConsume: 1 }, { close() {}, onCommit: 'x' }]) {
      const parse = () => parseConsumerOptions({ bootstrapServers: 'a:1', interceptors: [wrong] })
      expect(parse).toThrow(/onConsume\(\), onCommit\(\) or close\(\)/)
    }
  })
})

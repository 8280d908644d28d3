import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { LogTruncationError } from '../../src/errors.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { changeAnswer, failWith, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

const partition = { topic: 'orders', partition: 0 }

describe('a log that is truncated by an unclean election (KIP-320)', () => {
  let kafka: TestKafka
  let writer: TopicWriter
  let errors: KafkaError[]

  beforeEach(async () => {
    kafka = await startKafka({ brokers: 2, topics: [{ name: 'orders', replicationFactor: 2 }] })
    writer = new TopicWriter(kafka.bootstrapServers)
    errors = []
    await writer.write('orders', 0, ['a', 'b'])
    await writer.write('orders', 0, ['c', 'd'])
  })

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string,
      fetchMaxWaitMs: 20,
      retryBackoffMs: 5,
      onError: (error) => errors.push(error),
      ...options,
    })
  }

  async function take(consumer: Consumer<string, string>, count: number): Promise<string[]> {
    const values: string[] = []
    while (values.length < count) {
      for (const { value } of await consumer.poll({ timeoutMs: 10_000 })) values.push(value!)
    }
    return values
  }

  /** The new leader's log, written to under its epoch. */
  async function write(...values: string[]): Promise<void> {
    await writer.cluster.metadata.refresh(['orders'])
    await writer.write('orders', 0, values)
  }

  const validations = () => kafka.requests.all('OffsetForLeaderEpoch')

  it('reads on where the logs part, and tells of it', async () => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    expect(await take(consumer, 4)).toEqual(['a', 'b', 'c', 'd'])
    expect(kafka.truncateLog('orders', 0, 2)).toBe(2)
    await write('C', 'D', 'E')
    expect(await take(consumer, 3)).toEqual(['C', 'D', 'E'])
    expect(errors.filter(({ code }) => code === 'LOG_TRUNCATED')).toMatchObject([
      { ...partition, position: 4, divergentOffset: 2 },
    ])
    expect(validations().map(({ body }) => body)).toMatchObject([
      {
        replicaId: -1,
        topics: [{ topic: 'orders', partitions: [{ partition: 0, currentLeaderEpoch: 1, leaderEpoch: 0 }] }],
      },
    ])
  })

  it('asks once for each new leader, and goes on when its log has all', async () => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 4)
    expect(validations()).toHaveLength(0)
    for (const round of [1, 2]) {
      kafka.moveLeader('orders', 0)
      await write(`after ${round}`)
      expect(await take(consumer, 1)).toEqual([`after ${round}`])
      expect(validations()).toHaveLength(round)
    }
    expect(errors.filter(({ code }) => code === 'LOG_TRUNCATED')).toEqual([])
  })

  it('drops what lies fetched and unread behind that place, and delivers what is before it', async () => {
    await using consumer = consumerOf({ maxPollRecords: 1 })
    consumer.assign([{ ...partition, offset: 0 }])
    expect(await take(consumer, 1)).toEqual(['a'])
    const again = kafka.requests.next(({ api, body }) => {
      const { topics = [] } = body as { topics?: { partitions: { currentLeaderEpoch: number }[] }[] }
      return api === 'Fetch' && topics.some(({ partitions }) => partitions[0]!.currentLeaderEpoch === 1)
    })
    kafka.truncateLog('orders', 0, 2)
    await write('C', 'D')
    await again
    expect(await take(consumer, 3)).toEqual(['b', 'C', 'D'])
    expect(errors.filter(({ code }) => code === 'LOG_TRUNCATED')).toEqual([])
  })

  it('throws with autoOffsetReset none, and reads on after a seek to the place that the error names', async () => {
    await using consumer = consumerOf({ autoOffsetReset: 'none' })
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 4)
    kafka.truncateLog('orders', 0, 2)
    await write('C')
    const error = await take(consumer, 1).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(LogTruncationError)
    expect(error).toMatchObject({
      code: 'LOG_TRUNCATED',
      ...partition,
      position: 4,
      divergentOffset: 2,
      retriable: false,
      message:
        'orders-0 was read up to offset 4 of leader epoch 0, and the log of its leader is another one from offset 2 on; ' +
        'autoOffsetReset is none; seek() to where to go on',
    })
    await expect(take(consumer, 1)).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    consumer.seek({ ...partition, offset: (error as LogTruncationError).divergentOffset! })
    expect(await take(consumer, 1)).toEqual(['C'])
  })

  it('is found out by the epoch of a committed offset', async () => {
    {
      await using first = consumerOf({ groupId: 'billing', topics: ['orders'] })
      await take(first, 4)
      await first.commit()
      expect(await first.committed([partition])).toMatchObject([{ offset: 4, leaderEpoch: 0 }])
    }
    kafka.truncateLog('orders', 0, 2)
    await write('C', 'D', 'E')
    await using second = consumerOf({ groupId: 'billing', topics: ['orders'] })
    expect(await take(second, 3)).toEqual(['C', 'D', 'E'])
    expect(errors.map(({ code }) => code)).toContain('LOG_TRUNCATED')
  })

  it('is found out by the epoch that a seek is given, and not without one', async () => {
    kafka.truncateLog('orders', 0, 2)
    await write('C', 'D', 'E')
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 4 }])
    expect(await take(consumer, 1)).toEqual(['E'])
    consumer.seek({ ...partition, offset: 4, leaderEpoch: 0 })
    expect(await take(consumer, 3)).toEqual(['C', 'D', 'E'])
    consumer.assign([{ ...partition, offset: 4, leaderEpoch: 1 }])
    expect(await take(consumer, 1)).toEqual(['E'])
    expect(() => consumer.seek({ ...partition, offset: 4, leaderEpoch: 1.5 })).toThrow(
      'leaderEpoch of orders-0 must be an integer, at least 0, or -1 when it is not known; not 1.5',
    )
  })

  it('resets a position of an epoch that nobody knows, once nobody has heard of such a leader', async () => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 3, leaderEpoch: 9 }])
    expect(await take(consumer, 4)).toEqual(['a', 'b', 'c', 'd'])
    expect(errors).toMatchObject([{ code: 'LOG_TRUNCATED', position: 3, divergentOffset: null }])
    expect(kafka.requests.all('Metadata').length).toBeGreaterThan(3)
  })

  it('is no matter for offsets behind a control record of a later leader', async () => {
    await writer.write('orders', 0, ['x'], await writer.initTransactions('t'), 't')
    kafka.moveLeader('orders', 0)
    await using consumer = consumerOf({ autoOffsetReset: 'none' })
    consumer.assign([{ ...partition, offset: 4 }])
    await take(consumer, 1)
    // The marker that aborts it is at 5.
    await writer.initTransactions('t')
    await expect
      .poll(async () => {
        await consumer.poll({ timeoutMs: 10 })
        return consumer.position(partition)
      })
      .toBe(6)
    kafka.moveLeader('orders', 0)
    await write('f')
    expect(await take(consumer, 1)).toEqual(['f'])
  })

  it.each([
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'NOT_LEADER_OR_FOLLOWER',
    'OFFSET_NOT_AVAILABLE',
    'UNKNOWN_SERVER_ERROR',
  ] as const)('asks again after %s', async (code) => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 4)
    kafka.control('OffsetForLeaderEpoch', () => failWith(code), { times: 2 })
    kafka.truncateLog('orders', 0, 2)
    await write('C')
    expect(await take(consumer, 1)).toEqual(['C'])
    expect(validations().length).toBeGreaterThanOrEqual(3)
  })

  it('throws that the topic may not be described', async () => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 4)
    kafka.control('OffsetForLeaderEpoch', () => failWith('TOPIC_AUTHORIZATION_FAILED'), { times: 1 })
    kafka.moveLeader('orders', 0)
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      ...partition,
    })
    await write('e')
    expect(await take(consumer, 1)).toEqual(['e'])
  })

  it('is not asked about at brokers before Kafka 2.3', async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
    kafka = await startKafka({
      brokers: 2,
      version: '2.1',
      topics: [{ name: 'orders', replicationFactor: 2 }],
    })
    writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a'])
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 1)
    kafka.moveLeader('orders', 0)
    await write('b')
    expect(await take(consumer, 1)).toEqual(['b'])
    expect(validations()).toEqual([])
  })

  it('is taken from an answer to a fetch that tells of it', async () => {
    await using consumer = consumerOf()
    consumer.assign([{ ...partition, offset: 0 }])
    await take(consumer, 4)
    kafka.control(
      'Fetch',
      () =>
        changeAnswer((answer) => {
          const { id: topicId } = kafka.cluster.topics.get('orders')!
          answer.responses = [
            {
              topicId,
              partitions: [
                {
                  partitionIndex: 0,
                  highWatermark: 4n,
                  divergingEpoch: { epoch: 0, endOffset: 2n },
                  records: null,
                },
              ],
            },
          ]
        }),
      { times: 1 },
    )
    expect(await take(consumer, 2)).toEqual(['c', 'd'])
    expect(errors).toMatchObject([{ code: 'LOG_TRUNCATED', position: 4, divergentOffset: 2 }])
  })
})

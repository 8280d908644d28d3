import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { ConsumerStall } from '../../src/consumer/health.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { failWith, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { gate } from '../support/promises.ts'

const partition = { topic: 'orders', partition: 0 }

describe('the watchdog and health of a consumer', () => {
  let kafka: TestKafka
  let writer: TopicWriter
  let stalls: ConsumerStall[]

  beforeEach(async () => {
    kafka = await startKafka({ topics: ['orders'] })
    writer = new TopicWriter(kafka.bootstrapServers)
    await writer.write('orders', 0, ['a', 'b', 'c', 'd'])
    stalls = []
  })

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      groupId: 'billing',
      topics: ['orders'],
      fetchMaxWaitMs: 50,
      stallWarningMs: 300,
      onStall: (stall) => stalls.push(stall),
      ...options,
    })
  }

  const stalled = () => expect.poll(() => stalls, { timeout: 10_000 })

  it('names the handler that hangs, once, and again only after it has gone on', async () => {
    await using consumer = consumerOf()
    const gates = [gate(), gate()] as const
    const running = consumer.run({
      eachMessage: async ({ offset }) => {
        if (offset === 1) await gates[0].opened
        if (offset === 2) await gates[1].opened
      },
    })
    const stall = {
      partition,
      waitsFor: 'handler',
      stalledForMs: expect.any(Number),
      lag: 3,
      message: expect.stringMatching(
        /^orders-0, at position 4 with a lag of 3, has made no progress for .* s: it waits for the application/,
      ),
    }
    await stalled().toEqual([stall])
    expect(stalls[0]!.stalledForMs).toBeGreaterThanOrEqual(300)
    const { partitions } = await consumer.health()
    expect(partitions).toMatchObject([{ ...partition, waitsFor: 'handler' }])
    gates[0].open()
    await stalled().toHaveLength(2)
    gates[1].open()
    await consumer.close()
    await running
    expect(stalls).toHaveLength(2)
  })

  it('says that the application does not ask for what is there', async () => {
    await using consumer = consumerOf({ maxPollRecords: 1 })
    await consumer.poll({ timeoutMs: 10_000 })
    await stalled().toMatchObject([{ partition, waitsFor: 'handler', lag: 4 }])
  })

  it('says that a broker is frozen', async () => {
    await using consumer = consumerOf({
      groupId: undefined,
      topics: undefined,
      maxPartitionFetchBytes: 1,
      requestTimeoutMs: 20_000,
    })
    for (const value of ['e', 'f', 'g', 'h']) await writer.write('orders', 0, [value])
    consumer.assign([partition])
    await consumer.poll({ timeoutMs: 10_000 })
    kafka.freezeBroker(kafka.brokerIds[0]!)
    const read = async () => {
      for await (const _ of consumer);
    }
    const reading = read()
    await stalled().toMatchObject([
      { partition, waitsFor: 'broker', message: expect.stringContaining('it waits for its broker') },
    ])
    kafka.thawBroker(kafka.brokerIds[0]!)
    await expect.poll(() => consumer.lag()[0]!.lag, { timeout: 10_000 }).toBe(0)
    await consumer.close()
    await reading
  })

  it('tells of a paused partition with a lag', async () => {
    await using consumer = consumerOf({ maxPollRecords: 1 })
    await consumer.poll({ timeoutMs: 10_000 })
    consumer.pause([partition])
    const polling = consumer.poll({ timeoutMs: 10_000 })
    await stalled().toMatchObject([{ partition, waitsFor: 'paused', lag: 3 }])
    expect((await consumer.health()).partitions).toMatchObject([{ waitsFor: 'paused', position: 1, lag: 3 }])
    consumer.resume([partition])
    expect(await polling).toHaveLength(1)
  })

  it('says that the coordinator cannot be found', async () => {
    kafka.control('FindCoordinator', () => failWith('COORDINATOR_NOT_AVAILABLE'))
    await using consumer = consumerOf()
    const polling = consumer.poll({ timeoutMs: 10_000 })
    await stalled().toMatchObject([
      {
        partition: null,
        waitsFor: 'coordinator',
        message: expect.stringContaining('in no generation of group billing'),
      },
    ])
    expect(await consumer.health()).toMatchObject({ group: { groupId: 'billing', isStable: false } })
    await consumer.close()
    await polling
  })

  it('says that what is done cannot be committed', async () => {
    await using consumer = consumerOf({ autoCommitIntervalMs: 50 })
    await consumer.poll({ timeoutMs: 10_000 })
    const refused = kafka.control('OffsetCommit', () => failWith('COORDINATOR_LOAD_IN_PROGRESS'))
    const polling = consumer.poll({ timeoutMs: 10_000 })
    await stalled().toMatchObject([
      { partition, waitsFor: 'coordinator', message: expect.stringContaining('could not be committed') },
    ])
    refused.remove()
    await expect.poll(() => consumer.lag()[0]!.committedLag, { timeout: 10_000 }).toBe(0)
    await consumer.close()
    await polling
  })

  it('tells onError where there is no onStall', async () => {
    const errors: KafkaError[] = []
    await using consumer = consumerOf({
      maxPollRecords: 1,
      onStall: undefined,
      onError: (error) => errors.push(error),
    })
    await consumer.poll({ timeoutMs: 10_000 })
    await expect.poll(() => errors, { timeout: 10_000 }).toMatchObject([{ code: 'STALLED', ...partition }])
  })

  it('says nothing of a partition that is read to its end, and nothing at all with 0', async () => {
    await using quiet = consumerOf({ groupId: undefined, topics: undefined })
    quiet.assign([partition])
    await quiet.poll({ timeoutMs: 10_000 })
    await using off = consumerOf({ stallWarningMs: 0, maxPollRecords: 1 })
    await off.poll({ timeoutMs: 10_000 })
    // Several looks of the watchdog, with all that could stall in place.
    expect(await quiet.poll({ timeoutMs: 1000 })).toEqual([])
    expect(stalls).toEqual([])
    const { group, partitions } = await quiet.health()
    expect(group).toBe(null)
    expect(partitions).toEqual([
      {
        ...partition,
        position: 4,
        endOffset: 4,
        lag: 0,
        committedOffset: null,
        committedLag: null,
        waitsFor: 'caughtUp',
        lastFetch: expect.any(Date),
        lastHandled: expect.any(Date),
        lastCommit: null,
      },
    ])
  })

  it('tells the lag of reading from that of commits', async () => {
    await using consumer = consumerOf({ enableAutoCommit: false, maxPollRecords: 3 })
    await consumer.poll({ timeoutMs: 10_000 })
    expect(consumer.lag()).toMatchObject([{ position: 3, lag: 1, committedOffset: null, committedLag: null }])
    await consumer.commit([{ ...partition, offset: 2 }])
    expect(consumer.lag()).toMatchObject([{ position: 3, lag: 1, committedOffset: 2, committedLag: 2 }])
    expect((await consumer.health()).partitions[0]!.lastCommit).toBeInstanceOf(Date)
  })
})

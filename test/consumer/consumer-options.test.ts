import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { parseConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { SubscriptionPattern } from '../../src/consumer/subscription-pattern.ts'
import { InvalidArgumentError, InvalidOptionError } from '../../src/errors.ts'

const bootstrapServers = 'localhost:9092'

describe('the options of a consumer', () => {
  it("have Java's defaults", () => {
    expect(parseConsumerOptions({ bootstrapServers })).toMatchObject({
      autoOffsetReset: 'latest',
      enableAutoCommit: true,
      autoCommitIntervalMs: 5000,
      isolationLevel: 'read_uncommitted',
      maxPollRecords: 500,
      maxPollIntervalMs: 300_000,
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 3000,
      fetchMinBytes: 1,
      fetchMaxWaitMs: 500,
      fetchMaxBytes: 52_428_800,
      maxPartitionFetchBytes: 1_048_576,
      checkCrcs: true,
      allowAutoCreateTopics: true,
    })
  })

  it.each([
    ['autoOffsetReset', 'smallest', '"latest", "earliest", "none"'],
    ['autoOffsetReset', 'by_duration:-PT1H', 'ISO 8601 duration of days to seconds that is not negative'],
    ['autoOffsetReset', 'by_duration:1 hour', '"latest", "earliest", "none", or "by_duration:"'],
    ['isolationLevel', 'serializable', '"read_uncommitted", "read_committed"'],
    ['maxPollRecords', 0, 'at least 1'],
    ['fetchMaxBytes', 2 ** 31, 'at most 2147483647'],
    ['groupId', '', 'at least 1 characters'],
    ['partitionAssignmentStrategy', [], 'at least 1 items'],
    ['partitionAssignmentStrategy', ['fair'], '"range", "roundrobin"'],
    ['valueDeserializer', 'json', 'an object with deserialize()'],
    ['onError', 1, 'a function'],
  ])('refuse %s as %j, and say what is allowed', (name, value, allowed) => {
    const parse = () => parseConsumerOptions({ bootstrapServers, [name]: value })
    expect(parse).toThrow(InvalidOptionError)
    expect(parse).toThrow(name)
    expect(parse).toThrow(allowed)
  })

  it('refuse what is right only by itself', () => {
    expect(() => parseConsumerOptions({ bootstrapServers, topics: ['t'] })).toThrow(/topics needs a groupId/)
    expect(() => parseConsumerOptions({ bootstrapServers, groupInstanceId: 'a' })).toThrow(/needs a groupId/)
    expect(() =>
      parseConsumerOptions({ bootstrapServers, sessionTimeoutMs: 1000, heartbeatIntervalMs: 1000 }),
    ).toThrow(/heartbeatIntervalMs is 1000; allowed: less than sessionTimeoutMs, which is 1000/)
    expect(() => new Consumer({ bootstrapServers, partitionAssignmentStrategy: ['range', 'range'] })).toThrow(
      /range twice/,
    )
  })
})

describe('the protocol of the group', () => {
  const groupId = 'billing'

  it.each([
    ['partitionAssignmentStrategy', ['range']],
    ['sessionTimeoutMs', 45_000],
    ['heartbeatIntervalMs', 3000],
  ])("leaves %s to the broker with 'consumer', and says so also for its default", (name, value) => {
    const parse = () =>
      parseConsumerOptions({ bootstrapServers, groupId, groupProtocol: 'consumer', [name]: value })
    expect(parse).toThrow(InvalidOptionError)
    expect(parse).toThrow(`${name} is the broker's to say with groupProtocol 'consumer'`)
    const untouched = { bootstrapServers, groupId, groupProtocol: 'consumer', [name]: undefined }
    expect(parseConsumerOptions(untouched).groupProtocol).toBe('consumer')
  })

  it("is needed for an assignor of the broker's, and for a pattern that it is to match", () => {
    expect(() => parseConsumerOptions({ bootstrapServers, groupId, groupRemoteAssignor: 'range' })).toThrow(
      /groupRemoteAssignor is "range"; allowed: only with groupProtocol 'consumer'/,
    )
    const topics = [new SubscriptionPattern('eu.*')]
    expect(() => parseConsumerOptions({ bootstrapServers, groupId, topics })).toThrow(
      /topics has the SubscriptionPattern eu\.\*; allowed: only with groupProtocol 'consumer'/,
    )
    const consumer = new Consumer({ bootstrapServers, groupId })
    expect(() => consumer.subscribe(new SubscriptionPattern('eu.*'))).toThrow(InvalidArgumentError)
    expect(() => consumer.subscribe(topics)).toThrow(/a SubscriptionPattern needs groupProtocol 'consumer'/)
    expect(consumer.subscription()).toEqual([])
  })

  it('takes patterns that are texts', () => {
    expect(() => new SubscriptionPattern('')).toThrow(InvalidArgumentError)
    expect(() => new SubscriptionPattern(/eu/ as never)).toThrow(/must be a text/)
    expect(`${new SubscriptionPattern('eu.*')}`).toBe('eu.*')
  })
})

describe('Consumer, without any broker', () => {
  it('refuses arguments that cannot be right, and says what is allowed', async () => {
    await using consumer = new Consumer({ bootstrapServers })
    const partition = { topic: 't', partition: 0 }
    consumer.assign([partition])
    for (const offset of [-1, Number.NaN, 1.5, 2 ** 53]) {
      expect(() => consumer.seek({ ...partition, offset })).toThrow(InvalidArgumentError)
      expect(() => consumer.assign([{ ...partition, offset }])).toThrow(/safe integer, at least 0/)
    }
    expect(() => consumer.assign([{ topic: '', partition: 0 }])).toThrow(/not empty/)
    expect(() => consumer.assign([{ topic: 't', partition: -1 }])).toThrow(/at least 0, not -1/)
    expect(() => consumer.pause('t' as never)).toThrow(/array of { topic, partition }/)
    await expect(consumer.poll({ timeoutMs: -1 })).rejects.toThrow(/timeoutMs/)
    await expect(consumer.poll({ maxRecords: 0 })).rejects.toThrow(/maxRecords/)
    await expect(consumer.offsetsForTimes([{ ...partition, timestamp: -5 }])).rejects.toThrow(/timestamp/)
  })

  it('names the partitions that are assigned to who means another', async () => {
    await using consumer = new Consumer({ bootstrapServers })
    consumer.assign([{ topic: 't', partition: 0 }])
    expect(() => consumer.seek({ topic: 't', partition: 1, offset: 0 })).toThrow(
      /t-1 is not assigned.*assigned: t-0/,
    )
    await expect(consumer.position({ topic: 'u', partition: 0 })).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
    })
  })

  it('needs something to read, and a group for what is done in its name', async () => {
    await using consumer = new Consumer({ bootstrapServers })
    await expect(consumer.poll()).rejects.toThrow(/subscribe\(\) or assign\(\)/)
    await expect(consumer.commit()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await expect(consumer.committed([])).rejects.toThrow(/groupId/)
    expect(() => consumer.subscribe(['t'])).toThrow(/groupId/)
    expect(() => consumer.groupMetadata()).toThrow(/groupId/)
  })

  it('takes either a subscription or an assignment', async () => {
    await using consumer = new Consumer({ bootstrapServers, groupId: 'g', topics: ['t'] })
    expect(() => consumer.assign([{ topic: 't', partition: 0 }])).toThrow(/subscribe\(\[\]\) first/)
    consumer.subscribe([])
    consumer.assign([{ topic: 't', partition: 0 }])
    expect(() => consumer.subscribe(['t'])).toThrow(/assign\(\[\]\) first/)
    expect(() => consumer.subscribe([1 as never])).toThrow(/a name, a RegExp or a SubscriptionPattern, not 1/)
    expect(consumer.groupMetadata()).toEqual({
      groupId: 'g',
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
    })
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ShareConsumer } from '../../../src/consumer/share/share-consumer.ts'
import type { ShareConsumerOptions } from '../../../src/consumer/share/share-consumer-options.ts'
import { Kafka } from '../../../src/kafka.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'
import {
  type AnswerBody,
  changeAnswer,
  disconnect,
  failWith,
  startKafka,
  type TestKafka,
} from '../../../src/testing/index.ts'
import { beginEarliest, startShareKafka, workers, writeJobs } from '../../support/share-kafka.ts'

type Options = Partial<ShareConsumerOptions<Buffer | null, string>>

interface ApiVersion {
  apiKey: number
  maxVersion: number
}

interface PartitionAnswer {
  errorCode: number
  acknowledgeErrorCode: number
}

/** The first partition of an answer to ShareFetch or ShareAcknowledge. */
function firstPartition(answer: AnswerBody): PartitionAnswer {
  return (answer.responses as { partitions: PartitionAnswer[] }[])[0]!.partitions[0]!
}

describe('A share consumer and brokers in trouble', () => {
  let kafka: TestKafka
  let troubles: KafkaError[]

  beforeEach(async () => {
    kafka = await startShareKafka({ brokers: 2, topics: [{ name: 'jobs', replicationFactor: 2 }] })
    beginEarliest(kafka, 'workers')
    troubles = []
  })

  afterEach(() => kafka.close())

  function consumerOf(options: Options = {}) {
    return new Kafka({ bootstrapServers: kafka.bootstrapServers, retryBackoffMs: 20 }).shareConsumer({
      ...workers,
      onError: (error) => troubles.push(error),
      ...options,
    })
  }

  function explicit() {
    return consumerOf({ shareAcknowledgementMode: 'explicit' })
  }

  async function one(consumer: ShareConsumer<Buffer | null, string>) {
    const records = await consumer.poll({ timeoutMs: 10_000 })
    expect(records).toHaveLength(1)
    return records[0]!
  }

  it.each(['SHARE_SESSION_NOT_FOUND', 'INVALID_SHARE_SESSION_EPOCH'] as const)(
    'opens another session after %s to a fetch, and nobody has to know',
    async (code) => {
      await using consumer = consumerOf()
      await writeJobs(kafka, ['a'])
      await one(consumer)
      await consumer.commit()
      const refused = kafka.control('ShareFetch', () => failWith(code), { times: 1 })
      await writeJobs(kafka, ['b'])
      expect((await one(consumer)).value).toBe('b')
      expect(refused.count).toBe(1)
      expect(troubles).toEqual([])
    },
  )

  it('tries again when a broker has no room for another session, and says so once', async () => {
    await writeJobs(kafka, ['a'])
    kafka.control('ShareFetch', () => failWith('SHARE_SESSION_LIMIT_REACHED'), { times: 3 })
    await using consumer = consumerOf()
    expect((await one(consumer)).value).toBe('a')
    expect(troubles.map(({ code }) => code)).toEqual(['SHARE_SESSION_LIMIT_REACHED'])
  })

  it('tells by partition that acknowledgements came to nothing when their session was over', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    kafka.control('ShareAcknowledge', () => failWith('SHARE_SESSION_NOT_FOUND'), { times: 1 })
    const [result] = await consumer.commit()
    expect(result).toMatchObject({ topic: 'jobs', partition: 0, offsets: [0] })
    expect(result!.error?.code).toBe('SHARE_SESSION_NOT_FOUND')
  })

  it('tells it also when the connection ends, and gets the records again', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    kafka.control('ShareAcknowledge', () => disconnect(), { times: 1 })
    expect((await consumer.commit())[0]!.error?.code).toBe('CONNECTION_CLOSED')
    const again = await one(consumer)
    expect([again.offset, again.deliveryCount]).toEqual([0, 2])
    consumer.acknowledge(again)
    expect((await consumer.commit())[0]!.error).toBeNull()
  })

  it('does not hand out what the broker has released with the session, and gives out to others', async () => {
    await writeJobs(kafka, ['a', 'b', 'c'])
    await using consumer = explicit()
    const [first] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    consumer.acknowledge(first!)
    kafka.control('ShareAcknowledge', () => disconnect(), { times: 1 })
    expect((await consumer.commit())[0]!.error?.code).toBe('CONNECTION_CLOSED')
    const again = await consumer.poll({ timeoutMs: 10_000 })
    expect(again.map(({ offset, deliveryCount }) => [offset, deliveryCount])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ])
  })

  it('tells of acknowledgements that come after the lock has ended', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    await kafka.advanceClock(31_000)
    const [result] = await consumer.commit()
    expect(result!.error).toMatchObject({ code: 'INVALID_RECORD_STATE', topic: 'jobs', partition: 0 })
    expect((await one(consumer)).deliveryCount).toBe(2)
  })

  it('drops what it has not handed out before its lock must have ended', async () => {
    beginEarliest(kafka, 'workers', 1000)
    await writeJobs(kafka, ['a', 'b'])
    await using consumer = explicit()
    const [first] = await consumer.poll({ timeoutMs: 10_000, maxRecords: 1 })
    expect(first!.offset).toBe(0)
    const acquiredAt = performance.now()
    await expect.poll(() => performance.now() - acquiredAt, { timeout: 3000 }).toBeGreaterThan(1050)
    consumer.acknowledge(first!)
    const second = await consumer.poll({ timeoutMs: 10_000 })
    expect(second.map(({ deliveryCount }) => deliveryCount)).not.toContain(1)
  })

  it('renews a lock so that it outlives its first time', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    const record = await one(consumer)
    for (let i = 0; i < 3; i++) {
      await kafka.advanceClock(20_000)
      consumer.acknowledge(record, 'renew')
      expect((await consumer.commit())[0]!.error).toBeNull()
    }
    consumer.acknowledge(record)
    expect((await consumer.commit())[0]!.error).toBeNull()
  })

  it('cannot renew a lock that has ended: the record is no longer in hand', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    const record = await one(consumer)
    await kafka.advanceClock(31_000)
    consumer.acknowledge(record, 'renew')
    expect((await consumer.commit())[0]!.error?.code).toBe('INVALID_RECORD_STATE')
    expect(() => consumer.acknowledge(record)).toThrow('is not in hand')
  })

  it('goes on with the new leader, and tells that acknowledgements for the old one came to nothing', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    kafka.moveLeader('jobs', 0)
    const [result] = await consumer.commit()
    expect(result!.error).toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER', topic: 'jobs', partition: 0 })
    await writeJobs(kafka, ['b'])
    const values = new Set<string | null>()
    await expect
      .poll(
        async () => {
          for (const record of await consumer.poll({ timeoutMs: 500 })) {
            values.add(record.value)
            consumer.acknowledge(record)
          }
          return values.has('b')
        },
        { timeout: 10_000 },
      )
      .toBe(true)
  })

  it('goes on when a broker is lost', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = consumerOf()
    expect((await one(consumer)).value).toBe('a')
    await consumer.commit()
    await kafka.stopBroker(kafka.cluster.topics.partition('jobs', 0)!.leader)
    await writeJobs(kafka, ['b'])
    expect((await one(consumer)).value).toBe('b')
    expect((await consumer.commit())[0]!.error).toBeNull()
  })

  it.each(['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH'] as const)(
    'joins again under the same id after %s',
    async (code) => {
      await using consumer = consumerOf()
      await writeJobs(kafka, ['a'])
      await one(consumer)
      const fenced = kafka.control('ShareGroupHeartbeat', () => failWith(code), { times: 1 })
      await expect.poll(() => fenced.count, { timeout: 5000 }).toBe(1)
      await writeJobs(kafka, ['b'])
      expect((await one(consumer)).value).toBe('b')
      const joins = [...kafka.requests].filter(({ body }) => body.memberEpoch === 0)
      expect(joins).toHaveLength(2)
      expect(new Set(joins.map(({ body }) => body.memberId)).size).toBe(1)
    },
  )

  it('finds the coordinator when that has moved', async () => {
    await using consumer = consumerOf()
    await writeJobs(kafka, ['a'])
    await one(consumer)
    kafka.rehashCoordinators()
    kafka.control('ShareGroupHeartbeat', () => failWith('NOT_COORDINATOR'), { times: 2 })
    await writeJobs(kafka, ['b'])
    expect((await one(consumer)).value).toBe('b')
    expect(troubles).toEqual([])
  })

  it('tells the reader that it may not read the group, once, and tries again with the next ask', async () => {
    await writeJobs(kafka, ['a'])
    kafka.control('ShareGroupHeartbeat', () => failWith('GROUP_AUTHORIZATION_FAILED'), { times: 1 })
    await using consumer = consumerOf()
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'GROUP_AUTHORIZATION_FAILED',
      groupId: 'workers',
    })
    expect((await one(consumer)).value).toBe('a')
  })

  it('tells that a group is of another type', async () => {
    await using classic = new Kafka({ bootstrapServers: kafka.bootstrapServers }).consumer({
      groupId: 'workers',
      topics: ['jobs'],
    })
    await expect
      .poll(() => classic.poll().then(() => classic.assignment()), { timeout: 10_000 })
      .toHaveLength(1)
    await using consumer = consumerOf()
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toThrow('Group workers is not a share group')
  })

  it('sends acknowledgements again while the leader cannot store them', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    const busy = kafka.control(
      'ShareAcknowledge',
      () =>
        changeAnswer((answer) => {
          firstPartition(answer).errorCode = 14
        }),
      { times: 1 },
    )
    const [result] = await consumer.commit()
    expect(result!.error).toBeNull()
    expect(busy.count).toBe(1)
    expect([...kafka.requests].filter(({ api }) => api === 'ShareAcknowledge')).toHaveLength(2)
  })

  it('gives up an acknowledgement when the time of commit is over', async () => {
    await writeJobs(kafka, ['a'])
    await using consumer = explicit()
    consumer.acknowledge(await one(consumer))
    const busy = kafka.control('ShareAcknowledge', () =>
      changeAnswer((answer) => {
        firstPartition(answer).errorCode = 14
      }),
    )
    const [result] = await consumer.commit({ timeoutMs: 300 })
    expect(result!.error?.code).toMatch(/^(API_TIMEOUT|COORDINATOR_LOAD_IN_PROGRESS)$/)
    busy.remove()
  })

  it('goes on when a single partition is refused', async () => {
    await writeJobs(kafka, ['a'])
    kafka.control('ShareFetch', () => failWith('UNKNOWN_SERVER_ERROR'), { times: 1 })
    await using consumer = consumerOf()
    expect((await one(consumer)).value).toBe('a')
    expect(troubles.map(({ code }) => code)).toEqual(['UNKNOWN_SERVER_ERROR'])
  })

  it('rejects a corrupt batch, says so, and goes on behind it', async () => {
    await writeJobs(kafka, ['a'])
    await writeJobs(kafka, ['broken'])
    await writeJobs(kafka, ['c'])
    kafka.control(
      'ShareFetch',
      () =>
        changeAnswer((answer) => {
          const partition = firstPartition(answer) as PartitionAnswer & { records: Uint8Array }
          const bytes = Buffer.from(partition.records)
          bytes[bytes.indexOf('broken')]! ^= 1
          partition.records = bytes
        }),
      { times: 1 },
    )
    await using consumer = consumerOf()
    expect((await one(consumer)).value).toBe('a')
    await expect(consumer.poll()).rejects.toThrow(
      /jobs-0 at offset 1 up to 1 cannot be read, and was rejected/,
    )
    expect((await one(consumer)).value).toBe('c')
    await consumer.commit()
    await consumer.close()

    const sent = JSON.stringify([...kafka.requests], (_, value) =>
      typeof value === 'bigint' ? Number(value) : value,
    )
    expect(sent).toContain('{"firstOffset":0,"lastOffset":1,"acknowledgeTypes":[1,3]}')
  })

  it('says what share groups need of brokers that have none', async () => {
    await using old = await startKafka({ version: '3.9', topics: ['jobs'] })
    await using consumer = new Kafka({ bootstrapServers: old.bootstrapServers }).shareConsumer(workers)
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toThrow(
      /offers no share groups. They need Kafka 4.1 or newer with its feature share.version at 1/,
    )
  })

  it('says so too when the feature is switched off', async () => {
    kafka.cluster.features.set('share.version', 0)
    await using consumer = consumerOf()
    await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringContaining('feature share.version at 1'),
    })
  })

  describe('of Kafka 4.1', () => {
    beforeEach(() => {
      kafka.control('ApiVersions', () =>
        changeAnswer(({ apiKeys }) => {
          for (const one of apiKeys as ApiVersion[]) {
            if (one.apiKey === 78 || one.apiKey === 79) one.maxVersion = 1
          }
        }),
      )
    })

    it('reads and acknowledges', async () => {
      await writeJobs(kafka, ['a'])
      await using consumer = explicit()
      consumer.acknowledge(await one(consumer))
      expect((await consumer.commit())[0]!.error).toBeNull()
    })

    it('says what renewals need, and keeps to the rest', async () => {
      await writeJobs(kafka, ['a', 'b'])
      await using consumer = explicit()
      const [first, second] = await consumer.poll({ timeoutMs: 10_000 })
      consumer.acknowledge(first!, 'renew')
      consumer.acknowledge(second!)
      const [result] = await consumer.commit()
      expect(result!.error?.message).toContain("the acknowledgement 'renew' needs Kafka 4.2")
      const [again] = await consumer.poll({ timeoutMs: 300 })
      expect(again).toBeUndefined()
    })

    it('says what record_limit needs', async () => {
      await using consumer = consumerOf({ shareAcquireMode: 'record_limit' })
      await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toThrow("'record_limit' needs Kafka 4.2")
    })
  })
})

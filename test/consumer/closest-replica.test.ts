import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { brokerErrorCode } from '../../src/protocol/broker-errors.ts'
import { string } from '../../src/serializers.ts'
import { type Action, changeAnswer, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

/** The answer to a fetch of the one partition has this error. */
function failPartition(kafka: TestKafka, name: string): Action {
  return changeAnswer((answer) => {
    const partition = {
      partitionIndex: 0,
      errorCode: brokerErrorCode(name)!,
      highWatermark: -1n,
      records: null,
    }
    answer.responses = [{ topicId: kafka.cluster.topics.get('orders')!.id, partitions: [partition] }]
  })
}

/** The answer to a question for metadata tells of this replica that it is offline. */
function offline(brokerId: number): Action {
  return changeAnswer((answer) => {
    for (const { partitions } of answer.topics as { partitions: { offlineReplicas: number[] }[] }[]) {
      for (const one of partitions) one.offlineReplicas = [brokerId]
    }
  })
}

describe('reading from the closest replica (KIP-392)', () => {
  let kafka: TestKafka
  let writer: TopicWriter

  beforeEach(async () => {
    kafka = await startKafka({
      brokers: 3,
      racks: ['a', 'b', 'c'],
      configs: { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' },
      topics: [{ name: 'orders', replicationFactor: 3 }],
    })
    kafka.moveLeader('orders', 0, 1)
    writer = new TopicWriter(kafka.bootstrapServers)
  })

  afterEach(async () => {
    await writer[Symbol.asyncDispose]()
    await kafka.close()
  })

  function consumerOf(options: Partial<ConsumerOptions<string, string>> = {}): Consumer<string, string> {
    const consumer = new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'none',
      valueDeserializer: string,
      fetchMaxWaitMs: 20,
      retryBackoffMs: 5,
      clientRack: 'b',
      ...options,
    })
    consumer.assign([{ topic: 'orders', partition: 0, offset: 0 }])
    return consumer
  }

  async function write(...values: string[]): Promise<void> {
    await writer.cluster.metadata.refresh(['orders'])
    await writer.write('orders', 0, values)
  }

  /** Values of the next `count` records. */
  async function take(consumer: Consumer<string, string>, count: number): Promise<(string | null)[]> {
    const values: (string | null)[] = []
    while (values.length < count) {
      for (const { value } of await consumer.poll({ timeoutMs: 10_000 })) values.push(value)
    }
    return values
  }

  /** Brokers that were asked, without repetitions in a row; the fetches that end sessions left out. */
  function asked(): number[] {
    return kafka.requests
      .all('Fetch')
      .filter(({ body }) => body.sessionEpoch !== -1)
      .map(({ brokerId }) => brokerId)
      .filter((id, at, all) => id !== all[at - 1])
  }

  /** The next fetch that comes to this broker. */
  const fetchAt = (brokerId: number) =>
    kafka.requests.next((one) => one.api === 'Fetch' && one.brokerId === brokerId)

  it('goes to the replica in its rack that the leader names, and stays there', async () => {
    await write('a', 'b')
    await using consumer = consumerOf()
    expect(await take(consumer, 2)).toEqual(['a', 'b'])
    const waiting = take(consumer, 1)
    await fetchAt(2)
    await write('c')
    expect(await waiting).toEqual(['c'])
    expect(asked()).toEqual([1, 2])
    expect(kafka.requests.all('Fetch')[0]!.body.rackId).toBe('b')
  })

  it('stays with the leader without a rack, and when that is in its rack', async () => {
    await write('a')
    await using without = consumerOf({ clientRack: '' })
    await take(without, 1)
    await using same = consumerOf({ clientRack: 'a' })
    await take(same, 1)
    expect(asked()).toEqual([1])
  })

  it('asks the leader again when metadataMaxAgeMs is over', async () => {
    await write('a')
    await using consumer = consumerOf({ metadataMaxAgeMs: 200 })
    await take(consumer, 1)
    const waiting = take(consumer, 1)
    await fetchAt(1)
    await fetchAt(2)
    await write('b')
    expect(await waiting).toEqual(['b'])
    expect(asked().slice(0, 4)).toEqual([1, 2, 1, 2])
  })

  it.each([
    'OFFSET_OUT_OF_RANGE',
    'NOT_LEADER_OR_FOLLOWER',
    'OFFSET_NOT_AVAILABLE',
    'UNKNOWN_LEADER_EPOCH',
    'KAFKA_STORAGE_ERROR',
  ] as const)('takes %s of a follower for no answer, and asks the leader', async (code) => {
    await write('a')
    await using consumer = consumerOf()
    await take(consumer, 1)
    kafka.control('Fetch', ({ brokerId }) => (brokerId === 2 ? failPartition(kafka, code) : undefined), {
      times: 1,
    })
    const waiting = take(consumer, 1)
    await fetchAt(1)
    await write('b')
    expect(await waiting).toEqual(['b'])
    // The follower was out of step for a moment; the leader names it again.
    expect(asked().slice(0, 3)).toEqual([1, 2, 1])
  })

  it('has the leader give the records itself when it names a follower that refuses again and again', async () => {
    await write('a')
    kafka.control('Fetch', ({ brokerId }) =>
      brokerId === 2 ? failPartition(kafka, 'OFFSET_OUT_OF_RANGE') : undefined,
    )
    await using consumer = consumerOf()
    expect(await take(consumer, 1)).toEqual(['a'])
    expect(asked()).toEqual([1, 2, 1, 2, 1])
    expect(kafka.requests.all('Fetch').at(-1)!.body.rackId).toBe('')
    const waiting = take(consumer, 1)
    await write('b')
    expect(await waiting).toEqual(['b'])
    expect(asked()).toEqual([1, 2, 1, 2, 1])
  })

  it('goes to the leader when the follower is gone, and back when it has returned', async () => {
    await write('a')
    await using consumer = consumerOf({ metadataMaxAgeMs: 300 })
    await take(consumer, 1)
    await kafka.stopBroker(2)
    await write('b')
    expect(await take(consumer, 1)).toEqual(['b'])
    expect(asked().at(-1)).toBe(1)
    await kafka.startBroker(2)
    const waiting = take(consumer, 1)
    await fetchAt(2)
    await write('c')
    expect(await waiting).toEqual(['c'])
  })

  it('follows the lead to another broker', async () => {
    await write('a')
    await using consumer = consumerOf()
    await take(consumer, 1)
    kafka.moveLeader('orders', 0, 3)
    const waiting = take(consumer, 1)
    await write('b')
    expect(await waiting).toEqual(['b'])
    expect(asked()).not.toContain(-1)
  })

  it('does not go to a replica that the metadata knows to be offline', async () => {
    await write('a')
    await using consumer = consumerOf({ metadataMaxAgeMs: 100 })
    await take(consumer, 1)
    // It is known as a broker, and its replica of this partition is not online.
    kafka.control('Metadata', () => offline(2))
    await fetchAt(1)
    const before = kafka.requests.all('Metadata').length
    const waiting = take(consumer, 1)
    await expect.poll(() => kafka.requests.all('Metadata').length).toBeGreaterThan(before + 1)
    kafka.requests.clear()
    await fetchAt(1)
    await write('b')
    expect(await waiting).toEqual(['b'])
    expect(asked()).toEqual([1])
  })
})

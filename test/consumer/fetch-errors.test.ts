import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { fetch } from '../../src/protocol/apis/fetch.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { brokerErrorCode } from '../../src/protocol/broker-errors.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { logOf, type ScriptedCluster, startScriptedCluster } from '../support/scripted-cluster.ts'

const values = ['a', 'b', 'c', 'd']

function consumerOf(
  cluster: ScriptedCluster,
  options: Partial<ConsumerOptions<string, string>> = {},
): Consumer<string, string> {
  return new Consumer<string, string>({
    bootstrapServers: cluster.bootstrapServers,
    valueDeserializer: string,
    retryBackoffMs: 5,
    reconnectBackoffMs: 5,
    ...options,
  })
}

async function take(consumer: Consumer<string, string>, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    for (const { value } of await consumer.poll({ timeoutMs: 10_000 })) taken.push(value!)
  }
  return taken
}

/** The third and fourth record can only be had once this error has come twice. */
async function failing(name: string) {
  const cluster = await startScriptedCluster(1, [1, 1])
  const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
  const log = logOf(values, 2)
  const state = { failures: 2 }
  cluster.onFetch(leader, (asked) => {
    if (asked.partition === 0 && asked.fetchOffset === 2 && state.failures-- > 0) {
      return { errorCode: brokerErrorCode(name)!, records: null }
    }
    return log(asked)
  })
  return { cluster, leader, state, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

describe('an error of one partition in an answer to a fetch', () => {
  // As in Java's FetchCollector.
  it.each([
    ['NOT_LEADER_OR_FOLLOWER', []],
    ['REPLICA_NOT_AVAILABLE', []],
    ['KAFKA_STORAGE_ERROR', []],
    ['FENCED_LEADER_EPOCH', []],
    ['OFFSET_NOT_AVAILABLE', []],
    ['UNKNOWN_TOPIC_OR_PARTITION', []],
    ['UNKNOWN_TOPIC_ID', []],
    ['INCONSISTENT_TOPIC_ID', []],
    ['UNKNOWN_LEADER_EPOCH', []],
    ['UNKNOWN_SERVER_ERROR', ['UNKNOWN_SERVER_ERROR', 'UNKNOWN_SERVER_ERROR']],
  ])('%s: asks who leads, then again', async (name, told) => {
    await using broken = await failing(name)
    const { cluster, leader } = broken
    const errors: string[] = []
    await using consumer = consumerOf(cluster, { onError: (error) => errors.push(error.code) })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 4)).toEqual(values)
    expect(leader.seen(metadata).length).toBeGreaterThan(1)
    expect(errors).toEqual(told)
  })

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', 'Fetch of scripted-0: TOPIC_AUTHORIZATION_FAILED'],
    ['CORRUPT_MESSAGE', 'the record at offset 2 is corrupt; seek to 3 tries the one behind it'],
    ['UNSUPPORTED_COMPRESSION_TYPE', '(position 2)'],
    ['INVALID_TOPIC_EXCEPTION', '(position 2)'],
  ])('%s: is thrown after what was read before it, and the others go on', async (name, message) => {
    await using broken = await failing(name)
    const { cluster } = broken
    await using consumer = consumerOf(cluster)
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 2)).toEqual(['a', 'b'])
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: name,
      topic: cluster.topic,
      partition: 0,
      message: expect.stringContaining(message),
    })
    consumer.assign([
      { topic: cluster.topic, partition: 0 },
      { topic: cluster.topic, partition: 1, offset: 0 },
    ])
    const rest: string[] = []
    let thrown = 0
    while (rest.length < 6) {
      await take(consumer, 1).then(
        (more) => rest.push(...more),
        () => thrown++,
      )
    }
    expect(rest.sort()).toEqual(['a', 'b', 'c', 'c', 'd', 'd'])
    expect(thrown).toBe(1)
  })

  it('OFFSET_OUT_OF_RANGE: goes where autoOffsetReset says', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(values)
    cluster.onFetch(leader, (asked) =>
      asked.fetchOffset === 9
        ? { errorCode: brokerErrorCode('OFFSET_OUT_OF_RANGE')!, records: null }
        : log(asked),
    )
    const { listOffsets } = await import('../../src/protocol/apis/list-offsets.ts')
    leader.on(listOffsets, ({ body }) => ({
      topics: body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          offset: timestamp === -2n ? 1n : 3n,
          leaderEpoch: 5,
        })),
      })),
    }))
    const told: KafkaError[] = []
    await using earliest = consumerOf(cluster, {
      autoOffsetReset: 'earliest',
      onError: (error) => told.push(error),
    })
    earliest.assign([{ topic: cluster.topic, partition: 0, offset: 9 }])
    expect(await take(earliest, 3)).toEqual(['b', 'c', 'd'])
    expect(told).toMatchObject([
      {
        code: 'OFFSET_OUT_OF_RANGE',
        topic: cluster.topic,
        partition: 0,
        message: expect.stringContaining(
          'position 9 is out of range; going on by autoOffsetReset, which is earliest',
        ),
      },
    ])
    await using latest = consumerOf(cluster, { autoOffsetReset: 'latest' })
    latest.assign([{ topic: cluster.topic, partition: 0, offset: 9 }])
    expect(await take(latest, 1)).toEqual(['d'])
  })

  it('does not make a busy loop of it', async () => {
    await using broken = await failing('UNKNOWN_LEADER_EPOCH')
    const { cluster, leader, state } = broken
    state.failures = Number.POSITIVE_INFINITY
    await using consumer = consumerOf(cluster, { retryBackoffMs: 50, retryBackoffMaxMs: 50 })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 2 }])
    expect(await consumer.poll({ timeoutMs: 500 })).toEqual([])
    expect(leader.seen(fetch).length).toBeLessThan(20)
  })
})

import { describe, expect, test, vi } from 'vitest'
import { DeliveryError } from '../../src/errors.ts'
import type { Producer } from '../../src/producer/producer.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { failureOf, gate } from '../support/promises.ts'
import type { ScriptedProducerCluster, Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

/** Confirmed once, so that the broker knows the producer and batches may follow each other without waiting. */
async function introduce(producer: Producer, partition = 0): Promise<void> {
  await producer.send({ topic: 't', partition, value: 'first' })
}

/** One batch each, all in flight at once: the calls are in turns of the loop of their own. */
async function sendApart(producer: Producer, cluster: ScriptedProducerCluster, values: readonly string[]) {
  const sent: Promise<unknown>[] = []
  for (const value of values) {
    const before = cluster.batches.length
    sent.push(producer.send({ topic: 't', partition: 0, value }))
    await cluster.received(before + 1)
  }
  return Promise.all(sent)
}

describe('a batch whose answer does not come', () => {
  test('is sent once more with the same sequence, and is in the log once, when it had been written', async () => {
    const { cluster, producer } = await startProducer()
    await introduce(producer)
    cluster.onBatch = () => (cluster.batches.length === 2 ? 'appendAndHangUp' : 'append')
    await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: 1 })
    expect(cluster.batches.slice(1)).toMatchObject([
      { baseSequence: 1, producerEpoch: 0, values: ['a'] },
      { baseSequence: 1, producerEpoch: 0, values: ['a'] },
    ])
    expect(cluster.log('t').values).toEqual(['first', 'a'])
  })

  test('is sent once more with the same sequence when it had not been written', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => (cluster.batches.length === 1 ? 'hangUp' : 'append')
    await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: 0 })
    expect(cluster.batches.map((batch) => batch.baseSequence)).toEqual([0, 0])
  })

  test('brings all that followed it back in order, after one backoff and not one for each', async () => {
    const { cluster, producer } = await startProducer({
      lingerMs: 0,
      batchSize: 1,
      retryBackoffMs: 150,
      retryBackoffMaxMs: 5000,
    })
    await introduce(producer)
    let lostAt = 0
    cluster.onBatch = async (): Promise<Verdict> => {
      if (cluster.batches.length > 5) return 'append'
      await cluster.received(5)
      lostAt ||= performance.now()
      return 'hangUp'
    }
    await sendApart(producer, cluster, ['a', 'b', 'c', 'd'])
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b', 'c', 'd'])
    expect(cluster.batches[5]!.values).toEqual(['a'])
    const waited = cluster.batches[5]!.at - lostAt
    expect(waited).toBeGreaterThan(100)
    expect(waited).toBeLessThan(400)
  })

  test('fails as possibly persisted after deliveryTimeoutMs', async () => {
    const { cluster, producer } = await startProducer({
      requestTimeoutMs: 150,
      lingerMs: 0,
      deliveryTimeoutMs: 300,
    })
    cluster.onBatch = () => 'silence'
    const error = await failureOf(producer.send({ topic: 't', value: 'a' }))
    expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT', persisted: 'possibly', topic: 't', partition: 0 })
    await producer.close()
  })

  test('fails as possibly persisted with acks 1 and no retries', async () => {
    const { cluster, producer } = await startProducer({ acks: 1, retries: 0 })
    cluster.onBatch = () => 'appendAndHangUp'
    const error = await failureOf(producer.send({ topic: 't', value: 'a' }))
    expect(error).toBeInstanceOf(DeliveryError)
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', persisted: 'possibly' })
    expect(cluster.batches).toHaveLength(1)
  })

  test('fails as possibly persisted when the answer cannot be read, and the next record goes on', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => (cluster.batches.length === 1 ? 'leftOut' : 'append')
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'INVALID_RESPONSE',
      persisted: 'possibly',
    })
    await producer.send({ topic: 't', value: 'b' })
    expect(cluster.batches[1]).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('fails as possibly persisted when its offset is no safe integer; others of the answer do not', async () => {
    const { cluster, producer } = await startProducer({}, { topics: { t: { partitions: 2 } } })
    cluster.onBatch = ({ partition }) => (partition === 0 ? { offset: 2n ** 63n - 1n } : 'append')
    const bad = failureOf(producer.send({ topic: 't', partition: 0, value: 'a' }))
    const good = producer.send({ topic: 't', partition: 1, value: 'b' })
    expect(await bad).toMatchObject({ code: 'INVALID_RESPONSE', persisted: 'possibly' })
    await expect(good).resolves.toMatchObject({ offset: 0 })
  })
})

describe('a batch that never left', () => {
  test('fails as not persisted after deliveryTimeoutMs', async () => {
    const { producer } = await startProducer(
      { requestTimeoutMs: 50, lingerMs: 0, deliveryTimeoutMs: 100 },
      { topics: { t: { partitions: 1, leaders: [-1] } } },
    )
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'DELIVERY_TIMEOUT',
      persisted: 'no',
    })
  })

  test('fails as not persisted when the broker speaks no version of Produce that we do', async () => {
    const { cluster, producer } = await startProducer()
    const { produce } = await import('../../src/protocol/apis/produce.ts')
    cluster.brokers[0]!.on(produce, () => null, { min: 90, max: 91 })
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      persisted: 'no',
    })
  })

  test('fails as not persisted when the producer is closed first', async () => {
    const { producer } = await startProducer({}, { topics: { t: { partitions: 1, leaders: [-1] } } })
    const failed = failureOf(producer.send({ topic: 't', value: 'a' }))
    await producer.partitionsFor('t')
    await producer.close({ timeoutMs: 0 })
    expect(await failed).toMatchObject({ code: 'PRODUCER_CLOSED', persisted: 'no' })
  })
})

describe('a refusal', () => {
  test('DUPLICATE_SEQUENCE_NUMBER is a success', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () => ({ appendedBut: errorCodes.duplicateSequenceNumber })
    await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: -1 })
    expect(cluster.batches).toHaveLength(1)
  })

  test('of the first of several batches keeps them in order', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 0, batchSize: 1 })
    await introduce(producer)
    cluster.onBatch = async (): Promise<Verdict> => {
      if (cluster.batches.length > 5) return 'append'
      await cluster.received(5)
      return cluster.batches.length === 5 && refusals++ === 0 ? { error: 19 } : 'append'
    }
    let refusals = 0
    await sendApart(producer, cluster, ['a', 'b', 'c', 'd'])
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b', 'c', 'd'])
    // The gap that the first one left is no reason for a new epoch.
    expect(cluster.batches.every(({ producerEpoch }) => producerEpoch === 0)).toBe(true)
  })

  test('of a first batch while a second one would be taken cannot change their order', async () => {
    // A broker that has never heard of the producer takes any sequence number.
    const { cluster, producer } = await startProducer({ lingerMs: 0, batchSize: 1 })
    const refused = gate()
    cluster.onBatch = async ({ values }) => {
      if (values[0] !== 'a' || cluster.batches.length > 1) return 'append'
      await refused.opened
      return { error: 19 }
    }
    const a = producer.send({ topic: 't', value: 'a' })
    await cluster.received(1)
    const b = producer.send({ topic: 't', value: 'b' })
    await new Promise((resolve) => setImmediate(resolve))
    refused.open()
    await Promise.all([a, b])
    expect(cluster.log('t').values).toEqual(['a', 'b'])
  })

  test('UNKNOWN_PRODUCER_ID begins a new epoch', async () => {
    const { cluster, producer } = await startProducer()
    await introduce(producer)
    cluster.onBatch = () =>
      cluster.batches.length === 2 ? { error: errorCodes.unknownProducerId } : 'append'
    await producer.send({ topic: 't', value: 'a' })
    expect(cluster.batches.slice(1)).toMatchObject([
      { producerEpoch: 0, baseSequence: 1 },
      { producerEpoch: 1, baseSequence: 0 },
    ])
    expect(cluster.log('t').values).toEqual(['first', 'a'])
  })

  test('UNKNOWN_PRODUCER_ID of a batch that may be written already is a failure, possibly persisted', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () =>
      cluster.batches.length === 1 ? 'appendAndHangUp' : { error: errorCodes.unknownProducerId }
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'UNKNOWN_PRODUCER_ID',
      persisted: 'possibly',
    })
  })

  test('an epoch that is used up is followed by another producer id, asked for once', async () => {
    const { cluster, producer } = await startProducer()
    cluster.producerEpoch = 0x7fff
    await introduce(producer)
    cluster.producerEpoch = 0
    cluster.onBatch = () =>
      cluster.batches.length === 2 ? { error: errorCodes.unknownProducerId } : 'append'
    await producer.send({ topic: 't', value: 'a' })
    expect(cluster.batches[2]).toMatchObject({ producerId: 1001n, producerEpoch: 0, baseSequence: 0 })
    expect(cluster.producerIds).toBe(2)
  })

  test('that no retry mends fails the batch as not persisted, and the next one is taken', async () => {
    const { cluster, producer } = await startProducer()
    await introduce(producer)
    cluster.onBatch = () =>
      cluster.batches.length === 2 ? { error: errorCodes.topicAuthorizationFailed } : 'append'
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      persisted: 'no',
    })
    await producer.send({ topic: 't', value: 'b' })
    expect(cluster.log('t').values).toEqual(['first', 'b'])
  })

  test('NOT_ENOUGH_REPLICAS_AFTER_APPEND is repeated with the same sequence, and written once', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = () =>
      cluster.batches.length === 1 ? { appendedBut: errorCodes.notEnoughReplicasAfterAppend } : 'append'
    await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: 0 })
    expect(cluster.log('t').values).toEqual(['a'])
  })

  test('that comes with the offset of the batch has it possibly persisted, whatever it is', async () => {
    const { cluster, producer } = await startProducer({ acks: 'all', retries: 1 })
    cluster.onBatch = () => ({ appendedBut: errorCodes.notLeaderOrFollower })
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      persisted: 'possibly',
    })
    expect(cluster.log('t').values).toEqual(['a'])
  })

  test('of InitProducerId that no retry mends fails the records', async () => {
    const { cluster, producer } = await startProducer()
    cluster.initProducerIdError = errorCodes.clusterAuthorizationFailed
    expect(await failureOf(producer.send({ topic: 't', value: 'a' }))).toMatchObject({
      code: 'CLUSTER_AUTHORIZATION_FAILED',
      persisted: 'no',
    })
  })

  test('a broker without InitProducerId gets batches without a producer id', async () => {
    const { cluster, producer } = await startProducer({}, { idempotence: false, produceVersion: 9 })
    await producer.send({ topic: 't', value: 'a' })
    expect(cluster.batches[0]).toMatchObject({ producerId: -1n, baseSequence: -1 })
  })
})

describe('MESSAGE_TOO_LARGE', () => {
  test('splits the batch, every record with its own offset, and later batches stay small', async () => {
    const { cluster, producer } = await startProducer()
    await introduce(producer)
    const limit = 1_500
    cluster.onBatch = ({ size }) => (size > limit ? { error: errorCodes.messageTooLarge } : 'append')
    const value = (i: number) => String(i).padEnd(100, '.')
    const send = (from: number) =>
      Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          producer.send({ topic: 't', partition: 0, value: value(from + i) }),
        ),
      )
    const first = await send(0)
    expect(first.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(cluster.log('t').values).toEqual(['first', ...Array.from({ length: 40 }, (_, i) => value(i))])
    const before = cluster.batches.length
    await send(40)
    expect(cluster.batches.slice(before).every(({ size }) => size <= limit)).toBe(true)
    expect(cluster.log('t').values).toHaveLength(81)
  })

  test('of a split with records of many kinds tells each sender of its own', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = ({ values }) => (values.length > 2 ? { error: errorCodes.messageTooLarge } : 'append')
    const seen: unknown[] = []
    const record = (value: string) => ({ topic: 't', partition: 0, value, headers: { h: value } })
    const single = producer.send(record('0'))
    producer.produce(record('1'), (error, metadata) => seen.push(error ?? metadata?.offset))
    const many = producer.sendMany(['2', '3', '4'].map(record))
    producer.produce(record('5'))
    await expect(single).resolves.toMatchObject({ offset: 0 })
    await expect(many).resolves.toEqual([{ topic: 't', partition: 0, baseOffset: 2, count: 3 }])
    await producer.flush()
    expect(seen).toEqual([1])
    expect(cluster.log('t').values).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  test('of a batch that may be in the log already does not split it: its parts would be written again', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = ({ values }) => {
      if (cluster.batches.length === 1) return 'appendAndHangUp'
      return values.length > 1 ? { error: errorCodes.messageTooLarge } : 'append'
    }
    const sent = ['a', 'b'].map((value) => failureOf(producer.send({ topic: 't', value })))
    for (const error of await Promise.all(sent)) {
      expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', persisted: 'possibly' })
    }
    expect(cluster.log('t').values).toEqual(['a', 'b'])
  })

  test('of a single record fails it alone', async () => {
    const { cluster, producer } = await startProducer()
    cluster.onBatch = ({ size }) => (size > 500 ? { error: errorCodes.messageTooLarge } : 'append')
    const large = failureOf(producer.send({ topic: 't', partition: 0, value: 'x'.repeat(1_000) }))
    const small = producer.send({ topic: 't', partition: 0, value: 'y' })
    expect(await large).toMatchObject({ code: 'MESSAGE_TOO_LARGE', persisted: 'no' })
    await small
    expect(cluster.log('t').values).toEqual(['y'])
  })
})

describe('a leader that moves', () => {
  test('is followed at once when the refusal says where it is (KIP-951)', async () => {
    const { cluster, producer } = await startProducer(
      { retryBackoffMs: 3_000, retryBackoffMaxMs: 3_000 },
      { nodes: 2 },
    )
    await introduce(producer)
    const asked = cluster.brokers
      .flatMap((broker) => broker.requests)
      .filter(({ api }) => api === 'Metadata').length
    cluster.lead('t', 0, 2)
    const begun = performance.now()
    await producer.send({ topic: 't', value: 'a' })
    expect(performance.now() - begun).toBeLessThan(1_500)
    expect(cluster.batches.at(-1)!.node).toBe(2)
    const metadata = cluster.brokers
      .flatMap((broker) => broker.requests)
      .filter(({ api }) => api === 'Metadata')
    expect(metadata).toHaveLength(asked)
  })

  test('takes several batches in flight along at once and in order', async () => {
    const { cluster, producer } = await startProducer(
      { retryBackoffMs: 3_000, retryBackoffMaxMs: 3_000, lingerMs: 0, batchSize: 1 },
      { nodes: 2 },
    )
    await introduce(producer)
    cluster.lead('t', 0, 2)
    cluster.onBatch = async ({ node }): Promise<Verdict> => {
      if (node === 1) await cluster.received(5)
      return 'append'
    }
    const begun = performance.now()
    await sendApart(producer, cluster, ['a', 'b', 'c', 'd'])
    expect(performance.now() - begun).toBeLessThan(1_500)
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b', 'c', 'd'])
  })

  test('leaves no batch waiting that stood behind one which the old leader still confirmed', async () => {
    const { cluster, producer } = await startProducer(
      { lingerMs: 0, batchSize: 1, metadataMaxAgeMs: 0 },
      { nodes: 2, topics: { t: { partitions: 1, leaders: [2] } } },
    )
    await introduce(producer)
    const confirmed = gate()
    cluster.onBatch = async (batch): Promise<Verdict> => {
      if (batch.values[0] !== 'a') return 'append'
      await confirmed.opened
      return { offset: BigInt(cluster.log('t').append(batch).baseOffset) }
    }
    const a = producer.send({ topic: 't', value: 'a' })
    await cluster.received(2)
    cluster.lead('t', 0, 1)
    await vi.waitFor(async () => expect(await producer.partitionsFor('t')).toMatchObject([{ leader: 1 }]))
    const b = producer.send({ topic: 't', value: 'b' })
    await new Promise((resolve) => setImmediate(resolve))
    confirmed.open()
    await Promise.all([a, b])
    expect(cluster.batches.slice(1)).toMatchObject([
      { node: 2, values: ['a'] },
      { node: 1, values: ['b'] },
    ])
  })

  test('is asked for until there is one', async () => {
    const { cluster, producer } = await startProducer({}, { topics: { t: { partitions: 1, leaders: [-1] } } })
    const sent = producer.send({ topic: 't', value: 'a' })
    await producer.partitionsFor('t')
    cluster.lead('t', 0, 1)
    await expect(sent).resolves.toMatchObject({ offset: 0 })
  })

  test('of a topic made anew between request and answer fails no record', async () => {
    const { cluster, producer } = await startProducer(
      {},
      { nodes: 2, topics: { t: { partitions: 1, leaders: [2] } } },
    )
    await introduce(producer)
    const answered = gate()
    cluster.onBatch = async (): Promise<Verdict> => {
      await answered.opened
      return 'append'
    }
    const sent = producer.send({ topic: 't', value: 'a' })
    await cluster.received(2)
    cluster.createTopic('t', { partitions: 2, leaders: [2, 2] })
    // A partition that is not known: the cluster is asked, and tells another id of the topic.
    const other = producer.send({ topic: 't', partition: 1, value: 'b' })
    await vi.waitFor(async () => expect(await producer.partitionsFor('t')).toHaveLength(2))
    answered.open()
    await expect(sent).resolves.toMatchObject({ topic: 't', partition: 0 })
    await other
  })
})

test('acks 0: records count as sent when the socket has taken them, without an offset', async () => {
  const { cluster, producer } = await startProducer({ acks: 0 })
  await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: -1, partition: 0 })
  await cluster.received(1)
  expect(cluster.batches[0]).toMatchObject({ producerId: -1n, values: ['a'] })
})

test('acks 1: a refusal that a retry mends is repeated', async () => {
  const { cluster, producer } = await startProducer({ acks: 1 })
  cluster.onBatch = () => (cluster.batches.length === 1 ? { error: 19 } : 'append')
  await expect(producer.send({ topic: 't', value: 'a' })).resolves.toMatchObject({ offset: 0 })
})

test('gzip: quick and slow compressions leave in the order of the batches', async () => {
  const { cluster, producer } = await startProducer({ compressionType: 'gzip', lingerMs: 0 })
  await introduce(producer)
  const values = Array.from({ length: 60 }, (_, i) =>
    i % 3 === 0 ? `${i}:`.padEnd(20_000, `${Math.sin(i)}`) : `${i}:`,
  )
  const sent: Promise<unknown>[] = []
  for (const value of values) {
    sent.push(producer.send({ topic: 't', partition: 0, value }))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(sent)
  expect(cluster.log('t').values).toEqual(['first', ...values])
  expect(cluster.batches.length).toBeGreaterThan(2)
})

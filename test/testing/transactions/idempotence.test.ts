import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { type Identity, TransactionClient } from '../support/transaction-client.ts'

describeEitherKafka('idempotent producers', (kafka) => {
  async function setUp() {
    const client = await TransactionClient.connect(kafka.bootstrapServers)
    const topic = `orders-${randomUUID()}`
    await client.createTopic(topic)
    const producer = await client.init(null)
    const write = async (baseSequence: number, count = 1, identity: Identity = producer) => {
      const values = Array.from({ length: count }, (_, i) => `v${baseSequence + i}`)
      const { error, offset } = await client.produce(topic, 0, values, identity, { baseSequence })
      return error === 'NONE' ? offset : error
    }
    return { client, topic, producer, write, [Symbol.asyncDispose]: () => client.raw.close() }
  }

  it('get the same offset again for each of their last five batches', async () => {
    await using test = await setUp()
    const { write, client, topic } = test
    for (let sequence = 0; sequence < 6; sequence++) expect(await write(sequence)).toBe(sequence)
    expect(await write(5)).toBe(5)
    expect(await write(1)).toBe(1)
    expect(await write(0)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect((await client.read(topic, 0)).values).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5'])
  })

  it('may leave no gap, nor repeat a part of a batch', async () => {
    await using test = await setUp()
    const { write } = test
    expect(await write(0, 3)).toBe(0)
    expect(await write(4)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await write(0, 2)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await write(1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await write(3)).toBe(3)
  })

  it('may begin with any sequence in a log that knows nothing of them', async () => {
    await using test = await setUp()
    const { write } = test
    expect(await write(7)).toBe(0)
    expect(await write(8)).toBe(1)
  })

  it('begin with 0 again in a new epoch, and never go back to an older one', async () => {
    await using test = await setUp()
    const { write, producer } = test
    const next = { ...producer, producerEpoch: 1 }
    await write(0)
    expect(await write(1, 1, next)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await write(0, 1, next)).toBe(1)
    expect(await write(1)).toBe('INVALID_PRODUCER_EPOCH')
    // A batch of the old epoch is none that was repeated.
    expect(await write(0)).toBe('INVALID_PRODUCER_EPOCH')
  })

  it('go on with 0 after the largest sequence, within a batch too', async () => {
    await using test = await setUp()
    const { client, write, producer } = test
    expect(await write(2_147_483_647)).toBe(0)
    expect(await write(0)).toBe(1)
    const other = await client.init(null)
    expect(other.producerId).not.toBe(producer.producerId)
    expect(await write(2_147_483_646, 3, other)).toBe(2)
    expect(await write(2_147_483_646, 3, other)).toBe(2)
    expect(await write(1, 1, other)).toBe(5)
  })

  it('need a sequence', async () => {
    await using test = await setUp()
    expect(await test.write(-1)).toBe('INVALID_RECORD')
  })

  it('are shown with their last sequence', async () => {
    await using test = await setUp()
    const { client, topic, write, producer } = test
    const before = Date.now()
    await write(4, 3)
    const { producers } = await client.describeProducers(topic, 0)
    expect(producers).toEqual([
      {
        producerId: producer.producerId,
        producerEpoch: 0,
        lastSequence: 6,
        lastTimestamp: expect.any(BigInt),
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1n,
      },
    ])
    expect(Number(producers[0]!.lastTimestamp)).toBeGreaterThanOrEqual(before)
    expect(await client.describeProducers(topic, 9)).toEqual({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      producers: [],
      message: null,
    })
    expect(await client.describeProducers(`none-${topic}`, 0)).toMatchObject({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: 'This server does not host this topic-partition.',
    })
    expect(await client.describeProducers('no/topic', 0)).toMatchObject({ error: 'INVALID_TOPIC_EXCEPTION' })
  })
})

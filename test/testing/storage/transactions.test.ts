import { describe, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { newFolder } from '../support/data-folder.ts'
import { type Identity, TransactionClient } from '../support/transaction-client.ts'

function logOf(kafka: TestKafka) {
  return kafka.cluster.topics.partition('orders', 0)!.log
}

/** A folder whose cluster ended in the middle of a transaction, with one record and one offset in it. */
async function withOpenTransaction(
  before: (kafka: TestKafka, client: TransactionClient, producer: Identity) => unknown = () => {},
): Promise<{ dataDir: string; producer: Identity }> {
  const dataDir = newFolder()
  await using kafka = await startKafka({ dataDir, topics: ['orders'] })
  await using client = await TransactionClient.connect(kafka.bootstrapServers)
  const producer = await client.init('billing', { timeoutMs: 60_000 })
  const { error } = await client.produce('orders', 0, ['a'], producer, { transactionalId: 'billing' })
  expect(error).toBe('NONE')
  const offsets = [{ topic: 'orders', partition: 0, offset: 1 }]
  const committed = await client.commitOffsets('billing', producer, 'readers', offsets)
  expect(committed).toEqual({ 'orders-0': 'NONE' })
  expect(logOf(kafka).lastStableOffset).toBe(0)
  await before(kafka, client, producer)
  return { dataDir, producer }
}

describe('a transaction that was open at the end of a run', () => {
  it('goes on in the next: its producer commits it', async () => {
    const { dataDir, producer } = await withOpenTransaction()
    await using kafka = await startKafka({ dataDir })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    expect(logOf(kafka).lastStableOffset).toBe(0)
    const offsets = kafka.cluster.groups.get('readers')!.offsets
    expect(offsets.get('orders', 0)).toBeUndefined()
    const written = await client.produce('orders', 0, ['b'], producer, {
      transactionalId: 'billing',
      baseSequence: 1,
    })
    expect(written).toMatchObject({ error: 'NONE', offset: 1 })
    expect(await client.end('billing', producer, true)).toMatchObject({ error: 'NONE' })
    expect(logOf(kafka).lastStableOffset).toBe(3)
    expect(logOf(kafka).producers.aborted).toEqual([])
    expect(offsets.get('orders', 0)).toMatchObject({ offset: 1 })
  })

  it('is aborted when its time is over', async () => {
    const { dataDir } = await withOpenTransaction()
    await using kafka = await startKafka({ dataDir })
    await kafka.advanceClock(61_000)
    expect(logOf(kafka).lastStableOffset).toBe(2)
    expect(logOf(kafka).producers.aborted).toMatchObject([{ firstOffset: 0, lastOffset: 1 }])
    const { offsets } = kafka.cluster.groups.get('readers') ?? {}
    expect(offsets?.get('orders', 0)).toBeUndefined()
  })

  it('is aborted at the start when nobody knows of it, so that readers do not wait for ever', async () => {
    // As after a kill, when the log got further than the rest.
    const { dataDir } = await withOpenTransaction((kafka) => {
      for (const metadata of kafka.cluster.transactions) metadata.state = 'CompleteCommit'
    })
    await using kafka = await startKafka({ dataDir })
    expect(logOf(kafka).lastStableOffset).toBe(2)
    expect(logOf(kafka).producers.aborted).toMatchObject([{ firstOffset: 0, lastOffset: 1 }])
  })

  it('that was being committed is committed', async () => {
    const { dataDir, producer } = await withOpenTransaction(async (kafka, client, writer) => {
      kafka.cluster.transactions.holdMarkers()
      await client.endOnce('billing', writer, true)
      expect(logOf(kafka).lastStableOffset).toBe(0)
    })
    await using kafka = await startKafka({ dataDir })
    expect(logOf(kafka).lastStableOffset).toBe(2)
    expect(logOf(kafka).producers.aborted).toEqual([])
    const [metadata] = kafka.cluster.transactions
    expect(metadata).toMatchObject({ producerId: producer.producerId, state: 'CompleteCommit' })
  })
})

describe('aborted transactions', () => {
  it('are still known in the next run', async () => {
    const dataDir = newFolder()
    let aborted: unknown
    {
      await using kafka = await startKafka({ dataDir, topics: ['orders'] })
      await using client = await TransactionClient.connect(kafka.bootstrapServers)
      let producer: Identity = await client.init('billing')
      for (const commit of [true, false, true, false]) {
        await client.produce('orders', 0, ['a', 'b'], producer, { transactionalId: 'billing' })
        const ended = await client.end('billing', producer, commit)
        producer = { producerId: ended.producerId, producerEpoch: ended.producerEpoch }
      }
      aborted = [...logOf(kafka).producers.aborted]
      expect(aborted).toHaveLength(2)
    }
    await using kafka = await startKafka({ dataDir })
    expect(logOf(kafka).producers.aborted).toEqual(aborted)
    expect(logOf(kafka).lastStableOffset).toBe(12)
  })
})

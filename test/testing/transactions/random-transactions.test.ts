import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/index.ts'
import { Random } from '../../../src/testing/random.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { type Identity, TransactionClient } from '../support/transaction-client.ts'
import { PartitionModel } from '../support/transaction-model.ts'

const partitionCount = 4

/** A producer, and what it has written so far: to each partition in this epoch, and in this transaction. */
interface Producer {
  readonly index: number
  readonly id: string
  /** Whether it adds partitions by itself, and keeps its epoch. */
  readonly isOld: boolean
  identity: Identity
  sequences: number[]
  transaction: number
  readonly partitions: Set<number>
}

/** Three producers begin, end and fence transactions at random, while a fourth writes without any. */
class Run {
  readonly #client: TransactionClient
  readonly #random: Random
  readonly #topic: string
  readonly #producers: Producer[] = []
  readonly models = Array.from({ length: partitionCount }, () => new PartitionModel())
  #plain: Identity = { producerId: -1n, producerEpoch: -1 }
  #plainSequences = new Array<number>(partitionCount).fill(0)
  #values = 0
  #transactions = 0

  constructor(client: TransactionClient, seed: number, topic: string) {
    this.#client = client
    this.#random = new Random(seed)
    this.#topic = topic
  }

  async start(): Promise<void> {
    await this.#client.createTopic(this.#topic, partitionCount)
    this.#plain = await this.#client.init(null)
    for (let index = 0; index < 3; index++) {
      const id = `tx-${index}-${randomUUID()}`
      const identity = await this.#client.init(id)
      this.#producers.push({
        index,
        id,
        isOld: index === 0,
        identity,
        sequences: new Array<number>(partitionCount).fill(0),
        transaction: this.#transactions++,
        partitions: new Set(),
      })
    }
  }

  async step(): Promise<void> {
    const producer = this.#producers[this.#random.below(3)]!
    const dice = this.#random.below(10)
    if (dice < 6) await this.#write(producer)
    else if (dice === 6) await this.#writePlain()
    else if (producer.partitions.size === 0) await this.#write(producer)
    else if (dice === 7 && this.#random.below(3) === 0) await this.#fence(producer)
    else await this.#end(producer, dice !== 7)
  }

  async finish(): Promise<void> {
    for (const producer of this.#producers) if (producer.partitions.size > 0) await this.#end(producer, true)
  }

  async compare(): Promise<void> {
    for (const [partition, model] of this.models.entries()) {
      const { values, aborted, lastStableOffset, highWatermark } = await this.#client.read(
        this.#topic,
        partition,
      )
      // A broker may tell of more than the reader needs, and in any order.
      const needed = aborted
        .filter(({ firstOffset }) => firstOffset < lastStableOffset)
        .sort((a, b) => a.firstOffset - b.firstOffset)
      expect({ values, lastStableOffset, highWatermark, aborted: needed }).toEqual({
        values: model.committed(),
        lastStableOffset: model.lastStableOffset,
        highWatermark: model.end,
        aborted: model.aborted().map(({ producer, firstOffset }) => ({
          producerId: this.#producers[producer]!.identity.producerId,
          firstOffset,
        })),
      })
    }
  }

  async #write(producer: Producer): Promise<void> {
    const partition = this.#random.below(partitionCount)
    const { id, identity, isOld, sequences } = producer
    if (isOld && !producer.partitions.has(partition)) {
      await this.#client.addPartitions(id, identity, [{ name: this.#topic, partitions: [partition] }])
    }
    producer.partitions.add(partition)
    const values = this.#take()
    const baseSequence = sequences[partition]!
    const options = { transactionalId: id, baseSequence, version: isOld ? 11 : 12 }
    const { error, offset } = await this.#client.produce(this.#topic, partition, values, identity, options)
    const model = this.models[partition]!
    expect({ error, offset }).toEqual({ error: 'NONE', offset: model.end })
    for (const value of values) model.write(value, producer.index, producer.transaction)
    sequences[partition] = baseSequence + values.length
  }

  async #writePlain(): Promise<void> {
    const partition = this.#random.below(partitionCount)
    const values = this.#take()
    const baseSequence = this.#plainSequences[partition]!
    const { error } = await this.#client.produce(this.#topic, partition, values, this.#plain, {
      baseSequence,
    })
    expect(error).toBe('NONE')
    for (const value of values) this.models[partition]!.write(value, -1, null)
    this.#plainSequences[partition] = baseSequence + values.length
  }

  async #end(producer: Producer, commit: boolean): Promise<void> {
    const { id, identity, isOld } = producer
    const answer = await this.#client.end(id, identity, commit, isOld ? 4 : 5)
    expect(answer.error).toBe('NONE')
    this.#over(producer, commit, isOld ? identity : answer)
  }

  /** Another instance takes the id over, and goes on. */
  async #fence(producer: Producer): Promise<void> {
    const old = producer.identity
    const { error, ...identity } = await this.#client.init(producer.id)
    expect(error).toBe('NONE')
    this.#over(producer, false, identity)
    const options = { transactionalId: producer.id, baseSequence: 0 }
    expect(await this.#client.produce(this.#topic, 0, ['zombie'], old, options)).toMatchObject({
      error: 'INVALID_PRODUCER_EPOCH',
    })
  }

  #over(producer: Producer, commit: boolean, identity: Identity): void {
    for (const partition of producer.partitions) {
      this.models[partition]!.mark(producer.index, producer.transaction, commit)
    }
    if (identity.producerEpoch !== producer.identity.producerEpoch) producer.sequences.fill(0)
    producer.identity = identity
    producer.partitions.clear()
    producer.transaction = this.#transactions++
  }

  #take(): string[] {
    return Array.from({ length: 1 + this.#random.below(3) }, () => `v${this.#values++}`)
  }
}

describe('random transactions in memory', () => {
  it.each([1, 2, 3, 4, 5])('are read as the model says (seed %i)', async (seed) => {
    await using kafka = await startKafka({ seed })
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const run = new Run(client, seed, 'orders')
    await run.start()
    for (let step = 1; step <= 300; step++) {
      await run.step()
      if (step % 10 === 0) await run.compare()
    }
    await run.finish()
    await run.compare()

    const ours = new Kafka({ bootstrapServers: kafka.bootstrapServers })
    await using consumer = ours.consumer({ isolationLevel: 'read_committed' })
    const expected = run.models.map((model) => model.committed())
    const left = expected.reduce((sum, values) => sum + values.length, 0)
    consumer.assign(expected.map((_, partition) => ({ topic: 'orders', partition, offset: 0 })))
    const read: string[][] = expected.map(() => [])
    for (let got = 0; got < left; ) {
      for (const { partition, value } of await consumer.poll({ timeoutMs: 5_000 })) {
        read[partition]!.push(value!.toString())
        got++
      }
    }
    expect(read).toEqual(expected)
  })
})

describeKafka('random transactions on a real Kafka', (kafka) => {
  it('are read as the model says', async () => {
    await using client = await TransactionClient.connect(kafka.bootstrapServers)
    const run = new Run(client, 7, `orders-${randomUUID()}`)
    await run.start()
    for (let step = 1; step <= 100; step++) {
      await run.step()
      if (step % 10 === 0) await run.compare()
    }
    await run.finish()
    await run.compare()
  }, 60_000)
})

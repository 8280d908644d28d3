import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { allOrThrow, Kafka } from '../../src/index.ts'
import { partitionOfKey } from '../../src/producer/partitioner.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'

describeAnyKafka('a producer whose topic changes', (kafka) => {
  const client = () => new Kafka({ bootstrapServers: kafka.bootstrapServers })

  /** Values by partition, in the order of their offsets. */
  async function valuesOf(topic: string): Promise<string[][]> {
    await using consumer = client().consumer()
    const partitions = (await consumer.partitionsFor(topic)).map(({ partition }) => ({ topic, partition }))
    const ends = await consumer.endOffsets(partitions)
    const values = partitions.map((): string[] => [])
    let missing = ends.reduce((sum, { offset }) => sum + offset, 0)
    consumer.assign(partitions.map((one) => ({ ...one, offset: 0 })))
    while (missing > 0) {
      for (const { partition, offset, value } of await consumer.poll({ timeoutMs: 10_000 })) {
        values[partition]![offset] = String(value)
        missing--
      }
    }
    return values
  }

  test('made anew: what is confirmed after that is in the new one, where it was said to be and in order', async () => {
    const topic = `anew-${randomUUID()}`
    await using admin = client().admin()
    const create = async () => allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1 }]))
    await create()
    await using producer = client().producer({ batchSize: 200 })

    const sentAfter: { value: string; offset: number }[] = []
    let isAnew = false
    let wanted = 0
    let number = 0
    const open = new Set<Promise<void>>()
    const senders = (async () => {
      while (!isAnew || sentAfter.length < 200) {
        const value = String(number++)
        const isAfter = isAnew
        const sent = producer.send({ topic, value }).then(({ offset }) => {
          if (isAfter) sentAfter.push({ value, offset })
          wanted++
        })
        open.add(sent)
        sent.then(
          () => open.delete(sent),
          () => {},
        )
        if (open.size >= 20) await Promise.race(open)
      }
      await Promise.all(open)
    })()
    senders.catch(() => {})
    await expect.poll(() => wanted, { timeout: 10_000 }).toBeGreaterThan(100)
    allOrThrow(await admin.deleteTopics([topic]))
    await create()
    isAnew = true
    await senders

    const [log] = await valuesOf(topic)
    for (const { value, offset } of sentAfter) expect(log![offset]).toBe(value)
    const numbers = log!.map(Number)
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
  }, 60_000)

  test('that gets more partitions: keys go to them as soon as metadataMaxAgeMs is over, as in Java', async () => {
    const topic = `more-${randomUUID()}`
    await using admin = client().admin()
    allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 2 }]))
    await using producer = client().producer({ metadataMaxAgeMs: 100 })
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
    const partitionsOf = async () => {
      const sent = await Promise.all(keys.map((key) => producer.send({ topic, key, value: key })))
      return sent.map(({ partition }) => partition)
    }
    expect(await partitionsOf()).toEqual(keys.map((key) => partitionOfKey(key, 2)))

    await admin.createPartitions([{ topic, totalCount: 7 }])
    const begun = performance.now()
    // Nothing but sending: it has to find out by itself.
    await expect
      .poll(async () => (await partitionsOf()).some((partition) => partition >= 2), {
        interval: 20,
        timeout: 10_000,
      })
      .toBe(true)
    expect(await partitionsOf()).toEqual(keys.map((key) => partitionOfKey(key, 7)))
    expect(performance.now() - begun).toBeLessThan(5_000)
    const values = await valuesOf(topic)
    for (const [partition, there] of values.slice(2).entries()) {
      for (const key of there) expect(partitionOfKey(key, 7)).toBe(partition + 2)
    }
  }, 60_000)
})

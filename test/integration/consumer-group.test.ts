import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { Deadline } from '../../src/deadline.ts'
import { describeGroups } from '../../src/protocol/apis/describe-groups.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `v${from + index}`)
}

async function stateOf(writer: TopicWriter, groupId: string): Promise<string | undefined> {
  const deadline = new Deadline(10_000)
  const body = { groups: [groupId] }
  const { groups } = await writer.cluster.request(describeGroups, body, { to: { group: groupId }, deadline })
  return groups[0]?.groupState
}

describeAnyKafka('Consumer in a group', (kafka) => {
  function consumerOf(options: Partial<ConsumerOptions<string, string>>): Consumer<string, string> {
    return new Consumer<string, string>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      valueDeserializer: string,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 300,
      ...options,
    })
  }

  async function topicWith(partitions: number, values: readonly string[], name = `grouped-${randomUUID()}`) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    await writer.createTopic(name, partitions)
    for (let partition = 0; partition < partitions; partition++) {
      if (values.length > 0) await writer.write(name, partition, values)
    }
    const groupId = `group-${randomUUID()}`
    return { topic: name, groupId, writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
  }

  async function committedOf(groupId: string, topic: string, partition = 0): Promise<number | null> {
    await using reader = consumerOf({ groupId })
    const [found] = await reader.committed([{ topic, partition }])
    return found!.offset
  }

  it('commits, and a second consumer goes on from there', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const partition = { topic: t.topic, partition: 0 }
    await using first = consumerOf({ groupId: t.groupId, topics: [t.topic], enableAutoCommit: false })
    for await (const record of first) {
      if (record.offset === 3) {
        // What is in hand counts as delivered.
        await first.commit()
        break
      }
    }
    expect(await first.committed([partition])).toEqual([
      { ...partition, offset: 4, leaderEpoch: expect.any(Number), metadata: '' },
    ])
    await first.close()
    await using second = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const records = await second.poll({ timeoutMs: 20_000 })
    expect(records.map(({ value }) => value)).toEqual(numbers(4, 10))
    expect(second.groupMetadata()).toMatchObject({ groupId: t.groupId, generationId: expect.any(Number) })
    expect(second.assignment()).toEqual([partition])
  })

  it('does not commit the record in hand when the loop is left', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    for await (const record of consumer) if (record.offset === 5) break
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(5)
  })

  it('does not commit the record whose handler threw', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const failed = new Error('handler')
    const loop = async () => {
      for await (const record of consumer) if (record.offset === 2) throw failed
    }
    await expect(loop()).rejects.toBe(failed)
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(2)
  })

  it('goes on with the next record in a new loop, and commits the one left as soon as a later one is done', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    for await (const record of consumer) if (record.offset === 5) break
    const seen: number[] = []
    for await (const record of consumer) {
      seen.push(record.offset)
      if (record.offset === 7) break
    }
    expect(seen).toEqual([6, 7])
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(7)
  })

  it('counts what poll gave as done at the next poll', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic], maxPollRecords: 3 })
    await consumer.poll({ timeoutMs: 20_000 })
    await consumer.poll({ timeoutMs: 20_000 })
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(3)
  })

  it('commits in the background while it reads', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic], autoCommitIntervalMs: 50 })
    for await (const record of consumer) if (record.offset === 9) break
    await expect.poll(() => committedOf(t.groupId, t.topic), { timeout: 10_000 }).toBe(9)
  })

  it('commits a batch by itself, and the one left out is not', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      enableAutoCommit: false,
      maxPollRecords: 4,
    })
    for await (const batch of consumer.batches()) {
      if (batch.firstOffset === 4) break
      await batch.commit()
    }
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(4)
  })

  it('shares partitions between two members, and hands over what is done', async () => {
    await using t = await topicWith(2, numbers(0, 100))
    const events: string[] = []
    const hooks = (name: string): Partial<ConsumerOptions<string, string>> => ({
      onPartitionsAssigned: (partitions) => {
        events.push(`${name}+${partitions.map(({ partition }) => partition)}`)
      },
      onPartitionsRevoked: async (partitions) => {
        await Promise.resolve()
        events.push(`${name}-${partitions.map(({ partition }) => partition)}`)
      },
    })
    await using first = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      ...hooks('a'),
      maxPollRecords: 10,
    })
    await using second = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      ...hooks('b'),
      maxPollRecords: 10,
    })
    const seen: string[] = []
    const read = async (consumer: Consumer<string, string>) => {
      for await (const record of consumer) {
        seen.push(`${record.partition}:${record.value}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
    const firstLoop = read(first)
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThan(0)
    const secondLoop = read(second)
    await expect
      .poll(() => first.assignment().length + second.assignment().length, { timeout: 30_000 })
      .toBe(2)
    await expect.poll(() => second.assignment().length, { timeout: 30_000 }).toBe(1)
    await expect.poll(() => new Set(seen).size, { timeout: 30_000 }).toBe(200)
    // Nothing was lost or failed on the way, so nothing came twice.
    expect(seen).toHaveLength(200)
    expect(events.slice(0, 2)).toEqual(['a+0,1', 'a-0,1'])
    await second.close()
    await secondLoop
    await expect.poll(() => first.assignment().length, { timeout: 30_000 }).toBe(2)
    await first.close()
    await firstLoop
    expect(await committedOf(t.groupId, t.topic, 0)).toBe(100)
    expect(await committedOf(t.groupId, t.topic, 1)).toBe(100)
  })

  it('waits with a revocation until the record in hand is done', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const events: string[] = []
    await using first = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      onPartitionsRevoked: () => {
        events.push('revoked')
      },
    })
    let finish = () => {}
    const working = new Promise<void>((resolve) => {
      finish = resolve
    })
    const loop = (async () => {
      for await (const record of first) {
        events.push(`begin ${record.offset}`)
        if (record.offset === 1) await working
        events.push(`end ${record.offset}`)
      }
    })()
    await expect.poll(() => events.includes('begin 1'), { timeout: 30_000 }).toBe(true)
    await using second = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const other = second.poll({ timeoutMs: 30_000 })
    await expect.poll(() => stateOf(t.writer, t.groupId), { timeout: 30_000 }).toBe('PreparingRebalance')
    expect(events).not.toContain('revoked')
    finish()
    await expect.poll(() => events.includes('revoked'), { timeout: 30_000 }).toBe(true)
    const end = events.indexOf('end 1')
    expect(end).toBeGreaterThan(0)
    expect(events.indexOf('revoked')).toBeGreaterThan(end)
    await first.close()
    await loop
    await t.writer.write(t.topic, 0, ['last'])
    // Whoever has the partition in the end begins where the first one was done.
    const handled = events.filter((event) => event.startsWith('end')).length
    expect((await other)[0]?.value).toBe([...numbers(0, 10), 'last'][handled])
  })

  it('subscribes to the topics that match a pattern', async () => {
    const prefix = `eu.${randomUUID()}`
    await using one = await topicWith(1, ['one'], `${prefix}.one`)
    await using two = await topicWith(1, ['two'], `${prefix}.two`)
    await using other = await topicWith(1, ['other'], `us.${prefix}`)
    const pattern = new RegExp(`^${prefix.replaceAll('.', '\\.')}`, 'g')
    await using consumer = consumerOf({ groupId: one.groupId, topics: [pattern], metadataMaxAgeMs: 500 })
    const values: (string | null)[] = []
    while (values.length < 2) {
      values.push(...(await consumer.poll({ timeoutMs: 20_000 })).map(({ value }) => value))
    }
    expect(values.sort()).toEqual(['one', 'two'])
    expect(consumer.subscription()).toEqual([one.topic, two.topic])
    // One that comes later is found by looking again.
    await using three = await topicWith(1, ['three'], `${prefix}.three`)
    expect((await consumer.poll({ timeoutMs: 30_000 })).map(({ value }) => value)).toEqual(['three'])
    expect(consumer.subscription()).not.toContain(other.topic)
    expect(consumer.subscription()).toContain(three.topic)
  })

  it('may seek in the hook for assigned partitions', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer: Consumer<string, string> = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      onPartitionsAssigned: ([partition]) => consumer.seek({ ...partition!, offset: 8 }),
    })
    const records = await consumer.poll({ timeoutMs: 20_000 })
    expect(records.map(({ value }) => value)).toEqual(['v8', 'v9'])
  })

  it('tells of a hook that throws, and goes on', async () => {
    await using t = await topicWith(1, numbers(0, 2))
    const errors: string[] = []
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      onPartitionsAssigned: () => {
        throw new Error('hook')
      },
      onError: (error) => errors.push(error.code),
    })
    expect(await consumer.poll({ timeoutMs: 20_000 })).toHaveLength(2)
    expect(errors).toEqual(['HOOK_FAILED'])
  })

  it('is thrown out when the application takes too long, and comes back when it asks again', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const errors: string[] = []
    const events: string[] = []
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      maxPollIntervalMs: 1000,
      maxPollRecords: 2,
      onError: (error) => errors.push(error.code),
      onPartitionsLost: () => {
        events.push('lost')
      },
    })
    const [late] = await consumer.poll({ timeoutMs: 20_000 })
    await expect.poll(() => errors, { timeout: 20_000 }).toContain('MAX_POLL_INTERVAL_EXCEEDED')
    expect(events).toEqual(['lost'])
    await expect(consumer.commit([{ topic: t.topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'PARTITION_NOT_ASSIGNED',
    })
    // What it had in hand is not done, so it comes again.
    const [again] = await consumer.poll({ timeoutMs: 20_000 })
    expect(again?.offset).toBe(late?.offset)
  })

  it('may commit in the hook for revoked partitions, while it is being closed too', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const consumer: Consumer<string, string> = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      enableAutoCommit: false,
      onPartitionsRevoked: ([partition]) => consumer.commit([{ ...partition!, offset: 6 }]),
    })
    await consumer.poll({ timeoutMs: 20_000 })
    await consumer.close()
    expect(await committedOf(t.groupId, t.topic)).toBe(6)
  })

  it('tells of a topic that does not exist, and reads it once it does', async () => {
    await using t = await topicWith(1, ['one'])
    const errors: { code: string; topic: string | undefined }[] = []
    const missing = `missing-${randomUUID()}`
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [missing],
      allowAutoCreateTopics: false,
      metadataMaxAgeMs: 300,
      onError: ({ code, topic }) => errors.push({ code, topic }),
    })
    const reading = consumer.poll({ timeoutMs: 30_000 })
    await expect
      .poll(() => errors, { timeout: 10_000 })
      .toEqual([{ code: 'UNKNOWN_TOPIC_OR_PARTITION', topic: missing }])
    await t.writer.createTopic(missing)
    await t.writer.write(missing, 0, ['here'])
    expect((await reading).map(({ value }) => value)).toEqual(['here'])
  })

  it('does not commit for who is no owner', async () => {
    await using t = await topicWith(2, numbers(0, 2))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    await consumer.poll({ timeoutMs: 20_000 })
    await expect(consumer.commit([{ topic: t.topic, partition: 7, offset: 1 }])).rejects.toMatchObject({
      code: 'PARTITION_NOT_ASSIGNED',
      partition: 7,
    })
  })

  it('commits for partitions that were assigned by hand', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const partition = { topic: t.topic, partition: 0 }
    await using consumer = consumerOf({ groupId: t.groupId })
    consumer.assign([partition])
    await consumer.poll({ timeoutMs: 20_000, maxRecords: 4 })
    await consumer.commit([{ ...partition, offset: 2, metadata: 'note', leaderEpoch: 0 }])
    expect(await consumer.committed([partition, { topic: t.topic, partition: 1 }])).toEqual([
      { ...partition, offset: 2, leaderEpoch: 0, metadata: 'note' },
      { topic: t.topic, partition: 1, offset: null, leaderEpoch: -1, metadata: '' },
    ])
    await consumer.commit()
    expect(await committedOf(t.groupId, t.topic)).toBe(4)
  })

  it('leaves the group and joins another subscription', async () => {
    await using one = await topicWith(1, ['one'])
    await using two = await topicWith(1, ['two'])
    await using consumer = consumerOf({ groupId: one.groupId, topics: [one.topic] })
    expect((await consumer.poll({ timeoutMs: 20_000 })).map(({ value }) => value)).toEqual(['one'])
    consumer.subscribe([two.topic])
    expect((await consumer.poll({ timeoutMs: 20_000 })).map(({ value }) => value)).toEqual(['two'])
    // Back before it is gone.
    consumer.subscribe([])
    consumer.subscribe([one.topic])
    await one.writer.write(one.topic, 0, ['more'])
    expect((await consumer.poll({ timeoutMs: 20_000 })).map(({ value }) => value)).toContain('more')
    consumer.subscribe([])
    await expect.poll(() => consumer.assignment(), { timeout: 10_000 }).toEqual([])
    await expect(consumer.poll()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })
})

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import type { FailureDecision } from '../../src/consumer/processing/run-options.ts'
import { Producer } from '../../src/producer/producer.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { json, string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { TopicWriter } from '../support/produce-records.ts'
import { gate } from '../support/promises.ts'

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `v${from + index}`)
}

describeAnyKafka('Consumer.run', (kafka) => {
  function consumerOf<V = string>(options: Partial<ConsumerOptions<string, V>>): Consumer<string, V> {
    return new Consumer<string, V>({
      bootstrapServers: kafka.bootstrapServers,
      autoOffsetReset: 'earliest',
      keyDeserializer: string,
      valueDeserializer: string as never,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 300,
      ...options,
    })
  }

  async function topicWith(partitions: number, values: readonly string[]) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `run-${randomUUID()}`
    await writer.createTopic(topic, partitions)
    for (let partition = 0; partition < partitions; partition++) {
      if (values.length > 0) await writer.write(topic, partition, values)
    }
    const groupId = `group-${randomUUID()}`
    return { topic, groupId, writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
  }

  async function committedOf(groupId: string, topic: string, partition = 0): Promise<number | null> {
    await using reader = consumerOf({ groupId })
    const [found] = await reader.committed([{ topic, partition }])
    return found!.offset
  }

  it('handles all messages of a partition in order, commits them when stopped, and leaves the consumer open', async () => {
    await using t = await topicWith(2, numbers(0, 100))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const seen: [string[], string[]] = [[], []]
    const all = gate()
    const running = consumer.run({
      concurrency: 4,
      eachMessage: async ({ partition, value }) => {
        await new Promise((resolve) => setImmediate(resolve))
        seen[partition as 0 | 1].push(value!)
        if (seen[0].length + seen[1].length === 200) all.open()
      },
    })
    await all.opened
    await consumer.stop()
    await running
    expect(seen).toEqual([numbers(0, 100), numbers(0, 100)])
    expect(await committedOf(t.groupId, t.topic, 0)).toBe(100)
    expect(await committedOf(t.groupId, t.topic, 1)).toBe(100)
    expect(await consumer.poll({ timeoutMs: 0 })).toEqual([])
  })

  it('has so many handlers at work as it was told, and no more than one for each partition', async () => {
    await using t = await topicWith(4, numbers(0, 20))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const atWork = new Map<number, number>()
    let [most, mostOfOne, count, total] = [0, 0, 0, 0]
    const all = gate()
    const running = consumer.run({
      concurrency: 3,
      eachMessage: async ({ partition }) => {
        total++
        atWork.set(partition, (atWork.get(partition) ?? 0) + 1)
        most = Math.max(most, total)
        mostOfOne = Math.max(mostOfOne, atWork.get(partition)!)
        await new Promise((resolve) => setTimeout(resolve, 2))
        atWork.set(partition, atWork.get(partition)! - 1)
        total--
        count++
        if (count === 80) all.open()
      },
    })
    await all.opened
    await consumer.stop()
    await running
    expect({ most, mostOfOne }).toEqual({ most: 3, mostOfOne: 1 })
  })

  it('keeps the order of each key, lets other keys go on, and commits no further than the first that is not handled', async () => {
    await using t = await topicWith(1, [])
    const records = Array.from({ length: 60 }, (_, n) => ({ key: `k${n % 3}`, value: `v${n}` }))
    await t.writer.write(t.topic, 0, records)
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic], autoCommitIntervalMs: 50 })
    const slow = gate()
    const othersDone = gate()
    const allDone = gate()
    const seen = new Map<string, number[]>()
    let count = 0
    const running = consumer.run({
      ordering: 'key',
      concurrency: 3,
      eachMessage: async ({ key, offset }) => {
        if (offset === 4) await slow.opened
        seen.set(key!, [...(seen.get(key!) ?? []), offset])
        count++
        // All of the two other keys, and the first of k1.
        if (count === 41) othersDone.open()
        if (count === 60) allDone.open()
      },
    })
    await othersDone.opened
    await expect.poll(() => committedOf(t.groupId, t.topic), { timeout: 10_000 }).toBe(4)
    slow.open()
    await allDone.opened
    await consumer.stop()
    await running
    for (const offsets of seen.values()) expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    expect(await committedOf(t.groupId, t.topic)).toBe(60)
  })

  it('handles messages of one partition at the same time where no order is asked for', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const first = gate()
    const seen: number[] = []
    const running = consumer.run({
      ordering: 'none',
      concurrency: 2,
      eachMessage: async ({ offset }) => {
        if (offset === 0) await first.opened
        seen.push(offset)
        if (offset === 9) first.open()
      },
    })
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(10)
    await consumer.stop()
    await running
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
  })

  it('rejects with what the handler threw, commits nothing of that message, and reads it again', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const failed = new Error('handler')
    const running = consumer.run({
      eachMessage: ({ offset }) => {
        if (offset === 5) throw failed
      },
    })
    await expect(running).rejects.toBe(failed)
    expect(await committedOf(t.groupId, t.topic)).toBe(5)
    const again: number[] = []
    for await (const { offset } of consumer) {
      again.push(offset)
      if (offset === 7) break
    }
    expect(again).toEqual([5, 6, 7])
  })

  it('tries again after a backoff as often as it is told, while the other partition goes on', async () => {
    await using t = await topicWith(2, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const attempts: number[] = []
    const seen: string[] = []
    const running = consumer.run({
      eachMessage: async ({ partition, offset }, { attempt }) => {
        // Until the other partition is through, with one handler at a time.
        const others = seen.filter((one) => one.startsWith('1-')).length
        if (partition === 0 && offset === 3 && others < 10) throw new Error(`attempt ${attempt}`)
        seen.push(`${partition}-${offset}`)
      },
      backoff: { initialMs: 5, maxMs: 20 },
      onError: async (error, message, attempt): Promise<FailureDecision> => {
        expect(error).toEqual(new Error(`attempt ${attempt}`))
        expect(message.value).toBe('v3')
        attempts.push(attempt)
        return 'retry'
      },
    })
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(20)
    await consumer.stop()
    await running
    expect(attempts).toEqual(attempts.map((_, index) => index + 1))
    const offsets = seen.filter((one) => one.startsWith('0-'))
    expect(offsets).toEqual(numbers(0, 10).map((_, offset) => `0-${offset}`))
    expect(await committedOf(t.groupId, t.topic)).toBe(10)
  })

  it('skips what it is told to, also what cannot be deserialized', async () => {
    await using t = await topicWith(1, ['1', 'no json', '3'])
    await using consumer = consumerOf<unknown>({
      groupId: t.groupId,
      topics: [t.topic],
      valueDeserializer: json(),
    })
    const seen: unknown[] = []
    const running = consumer.run({
      eachMessage: ({ value }) => {
        seen.push(value)
      },
      onError: 'skip',
    })
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(2)
    await consumer.stop()
    await running
    expect(seen).toEqual([1, 3])
    expect(await committedOf(t.groupId, t.topic)).toBe(3)
  })

  it('sends dead letters with the bytes that came and the reason, and goes on once they are confirmed', async () => {
    await using t = await topicWith(1, [])
    const headers = [{ key: 'trace', value: Buffer.from('abc') }]
    await t.writer.write(t.topic, 0, [{ key: 'k', value: 'no json', timestamp: 1234n, headers }, '2'])
    const letters = `${t.topic}-dlq`
    await t.writer.createTopic(letters)
    await using producer = new Producer({ bootstrapServers: kafka.bootstrapServers })
    await using consumer = consumerOf<unknown>({
      groupId: t.groupId,
      topics: [t.topic],
      valueDeserializer: json(),
    })
    const handled = gate()
    const running = consumer.run({
      eachMessage: ({ value }) => {
        if (value === 2) handled.open()
      },
      backoff: { initialMs: 1, maxMs: 1 },
      onError: (_error, _message, attempt) => (attempt < 3 ? 'retry' : { deadLetter: letters }),
      deadLetterProducer: producer,
    })
    await handled.opened
    await consumer.stop()
    await running
    expect(await committedOf(t.groupId, t.topic)).toBe(2)
    await using reader = consumerOf({})
    reader.assign([{ topic: letters, partition: 0, offset: 0 }])
    const [letter] = await reader.poll({ timeoutMs: 20_000 })
    expect({ key: letter!.key, value: letter!.value }).toEqual({ key: 'k', value: 'no json' })
    expect(letter!.headers.map(({ key, value }) => `${key}: ${value}`)).toEqual([
      'trace: abc',
      `kafkawire.dlq.topic: ${t.topic}`,
      'kafkawire.dlq.partition: 0',
      'kafkawire.dlq.offset: 0',
      'kafkawire.dlq.timestamp: 1234',
      expect.stringMatching(/^kafkawire.dlq.error: SerializationError SERIALIZATION_FAILED: .*offset 0/),
      'kafkawire.dlq.attempts: 3',
    ])
  })

  it('stops where a dead letter cannot be sent: the message is not done', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const cause = new Error('no such topic')
    const running = consumer.run({
      eachMessage: ({ offset }) => {
        if (offset === 1) throw new Error('handler')
      },
      onError: { deadLetter: 'letters' },
      deadLetterProducer: { send: () => Promise.reject(cause) },
    })
    await expect(running).rejects.toMatchObject({
      code: 'DEAD_LETTER_FAILED',
      message: `${t.topic}-0 at offset 1 could not be sent to the dead letter topic letters: no such topic`,
      cause,
    })
    expect(await committedOf(t.groupId, t.topic)).toBe(1)
  })

  it('handles batches, and tries a whole batch again', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic], maxPollRecords: 4 })
    const seen: string[] = []
    const running = consumer.run({
      eachBatch: (batch, { attempt }) => {
        seen.push(`${batch.firstOffset}-${batch.lastOffset} ${attempt}`)
        if (batch.firstOffset === 4 && attempt === 1) throw new Error('handler')
      },
      backoff: { initialMs: 1, maxMs: 1 },
      onError: 'retry',
    })
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(4)
    await consumer.stop()
    await running
    expect(seen).toEqual(['0-3 1', '4-7 1', '4-7 2', '8-9 1'])
    expect(await committedOf(t.groupId, t.topic)).toBe(10)
  })

  it('starts nothing of a paused partition, and goes on with what it had when that is resumed', async () => {
    await using t = await topicWith(2, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const paused = { topic: t.topic, partition: 0 }
    const seen: [number[], number[]] = [[], []]
    const running = consumer.run({
      eachMessage: ({ partition, offset }) => {
        seen[partition as 0 | 1].push(offset)
        if (partition === 0 && offset === 2) consumer.pause([paused])
      },
    })
    await expect.poll(() => seen.map(({ length }) => length), { timeout: 20_000 }).toEqual([3, 10])
    consumer.resume([paused])
    await expect.poll(() => seen[0].length, { timeout: 20_000 }).toBe(10)
    await consumer.stop()
    await running
    expect(seen[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('goes where a handler seeks to, without what it had taken before', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const seen: number[] = []
    const running = consumer.run({
      eachMessage: ({ topic, partition, offset }) => {
        seen.push(offset)
        if (offset === 2) consumer.seek({ topic, partition, offset: 8 })
      },
    })
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(5)
    await consumer.stop()
    await running
    expect(seen).toEqual([0, 1, 2, 8, 9])
    expect(await committedOf(t.groupId, t.topic)).toBe(10)
  })

  it('waits at a rebalance for handlers at work, and hands over the rest: each message is handled once', async () => {
    await using t = await topicWith(4, numbers(0, 100))
    const seen: string[] = []
    const handle = async ({ partition, offset }: { partition: number; offset: number }) => {
      await new Promise((resolve) => setTimeout(resolve, 2))
      seen.push(`${partition}-${offset}`)
    }
    await using first = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const running = [first.run({ concurrency: 4, eachMessage: handle })]
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(20)
    await using second = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    running.push(second.run({ concurrency: 4, eachMessage: handle }))
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(400)
    await Promise.all([first.close(), second.close()])
    await Promise.all(running)
    expect(seen.toSorted()).toEqual([...new Set(seen)].toSorted())
    expect(seen).toHaveLength(400)
  })

  it('drains on close: what is at work is waited for and committed', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const started = gate()
    const release = gate()
    const running = consumer.run({
      eachMessage: async ({ offset }) => {
        if (offset !== 4) return
        started.open()
        await release.opened
      },
    })
    await started.opened
    const closing = consumer.close()
    release.open()
    await closing
    await running
    expect(await committedOf(t.groupId, t.topic)).toBe(5)
  })

  it('ends without a handler that does not come to its end, and tells which', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    const troubles: KafkaError[] = []
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      onError: (error) => troubles.push(error),
    })
    const started = gate()
    let handlerSignal: AbortSignal | null = null
    const running = consumer.run({
      eachMessage: ({ offset }, { signal }) => {
        if (offset !== 4) return undefined
        handlerSignal = signal
        started.open()
        return new Promise(() => {})
      },
    })
    await started.opened
    await consumer.stop({ timeoutMs: 500 })
    await running
    expect(handlerSignal).toMatchObject({ aborted: true })
    expect(troubles.map(({ message }) => message)).toEqual([
      expect.stringContaining(`without the handler of ${t.topic}-0 at offset 4`),
    ])
    expect(await committedOf(t.groupId, t.topic)).toBe(4)
  })

  it('names the handler that took longer than maxPollIntervalMs, and comes back when that has ended', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    const troubles: KafkaError[] = []
    await using consumer = consumerOf({
      groupId: t.groupId,
      topics: [t.topic],
      sessionTimeoutMs: 6000,
      maxPollIntervalMs: 1000,
      onError: (error) => troubles.push(error),
    })
    const late = gate()
    const seen: number[] = []
    const running = consumer.run({
      eachMessage: async ({ offset }) => {
        seen.push(offset)
        if (offset === 1 && seen.length === 2) await late.opened
      },
    })
    const isLate = ({ code }: KafkaError) => code === 'MAX_POLL_INTERVAL_EXCEEDED'
    await expect
      .poll(() => troubles.find(isLate)?.message, { timeout: 20_000 })
      .toMatch(`${t.topic}-0 at offset 1`)
    late.open()
    await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(2)
    await consumer.stop()
    await running
    expect(await committedOf(t.groupId, t.topic)).toBe(3)
  })

  it('commits before it hands out, with atMostOnce', async () => {
    await using t = await topicWith(1, numbers(0, 10))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic], maxPollRecords: 5 })
    const committed: (number | null)[] = []
    const running = consumer.run({
      atMostOnce: true,
      eachMessage: async ({ offset }) => {
        if (offset % 5 === 0) committed.push(await committedOf(t.groupId, t.topic))
        if (offset === 7) throw new Error('handler')
      },
    })
    await expect(running).rejects.toThrow('handler')
    expect(committed).toEqual([5, 10])
    expect(await committedOf(t.groupId, t.topic)).toBe(10)
  })

  it('leaves no other way to read while it is under way', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const handled = gate()
    const running = consumer.run({ eachMessage: () => handled.open() })
    await handled.opened
    await expect(consumer.poll()).rejects.toThrow('run() has all records of this consumer already')
    await expect(consumer.run({ eachMessage: () => {} })).rejects.toThrow('run() is under way already')
    await consumer.close()
    await running
  })

  it('refuses options that cannot be right, and says what can', async () => {
    await using consumer = consumerOf({ groupId: 'g' })
    const eachMessage = () => {}
    const wrong: [object, RegExp][] = [
      [{}, /one function: eachMessage or eachBatch/],
      [{ eachMessage, eachBatch: eachMessage }, /one function/],
      [{ eachMessage, concurrency: 0 }, /concurrency must be an integer, at least 1, not 0/],
      [{ eachMessage, ordering: 'topic' }, /ordering must be 'partition', 'key' or 'none', not topic/],
      [{ eachMessage, backoff: { initialMs: 5, maxMs: 1 } }, /maxMs, no less, not 5 and 1/],
      [{ eachMessage, onError: 'ignore' }, /onError must decide for/],
      [{ eachMessage, onError: { deadLetter: 'd' } }, /needs deadLetterProducer/],
      [{ eachMessage, drainTimeoutMs: -1 }, /drainTimeoutMs must be/],
    ]
    for (const [options, message] of wrong) {
      await expect(consumer.run(options as never)).rejects.toThrow(message)
    }
  })

  it('ends by a signal, as by stop()', async () => {
    await using t = await topicWith(1, numbers(0, 3))
    await using consumer = consumerOf({ groupId: t.groupId, topics: [t.topic] })
    const stopping = new AbortController()
    await consumer.run({
      signal: stopping.signal,
      eachMessage: ({ offset }) => {
        if (offset === 2) stopping.abort()
      },
    })
    expect(await committedOf(t.groupId, t.topic)).toBe(3)
  })
})

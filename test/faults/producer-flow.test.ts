import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { produce } from '../../src/protocol/apis/produce.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { failureOf, gate } from '../support/promises.ts'
import { sized } from '../support/scripted-broker.ts'
import type { ScriptedProducerCluster, Verdict } from '../support/scripted-producer-broker.ts'
import { startProducer } from '../support/start-producer.ts'

/** Batches are answered when the gate opens, all after it at once. */
function hold(cluster: ScriptedProducerCluster) {
  const answers = gate()
  cluster.onBatch = async (): Promise<Verdict> => {
    await answers.opened
    return 'append'
  }
  return answers
}

describe('when batches leave', () => {
  test('an idle broker gets a record at once, whatever lingerMs says, and those of the same turn with it', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 10_000, deliveryTimeoutMs: 60_000 })
    await Promise.all(['a', 'b', 'c'].map((value) => producer.send({ topic: 't', value })))
    expect(cluster.batches.map(({ values }) => values)).toEqual([['a', 'b', 'c']])
  })

  test('while the broker is busy a batch waits for lingerMs, and grows', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 120 })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    const sent = [producer.send({ topic: 't', value: 'a' })]
    await cluster.received(2)
    const begun = performance.now()
    sent.push(producer.send({ topic: 't', value: 'b' }))
    await turn()
    sent.push(producer.send({ topic: 't', value: 'c' }))
    const third = await cluster.received(3)
    expect(third.values).toEqual(['b', 'c'])
    expect(third.at - begun).toBeGreaterThan(110)
    answers.open()
    await Promise.all(sent)
  })

  test('a full batch does not wait for lingerMs', async () => {
    const { cluster, producer } = await startProducer({
      lingerMs: 10_000,
      deliveryTimeoutMs: 60_000,
      batchSize: 500,
    })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    const sent = [producer.send({ topic: 't', value: 'a' })]
    await cluster.received(2)
    sent.push(producer.send({ topic: 't', value: 'x'.repeat(500) }))
    await cluster.received(3)
    answers.open()
    await Promise.all(sent)
  })

  test('flush sends what lingers, and does not wait for what is sent after it', async () => {
    const { cluster, producer } = await startProducer({ lingerMs: 10_000, deliveryTimeoutMs: 60_000 })
    await producer.send({ topic: 't', value: 'first' })
    const [old, late] = [gate(), gate()]
    cluster.onBatch = async ({ values }): Promise<Verdict> => {
      await (values[0] === 'late' ? late : old).opened
      return 'append'
    }
    const sent = [producer.send({ topic: 't', value: 'a' })]
    await cluster.received(2)
    sent.push(producer.send({ topic: 't', value: 'lingers' }))
    const flushed = producer.flush()
    await cluster.received(3)
    sent.push(producer.send({ topic: 't', value: 'late' }))
    old.open()
    await flushed
    late.open()
    await Promise.all(sent)
  })

  test.each([1, 5])('at most %i requests are in flight', async (maxInFlightRequestsPerConnection) => {
    const { cluster, producer } = await startProducer({
      maxInFlightRequestsPerConnection,
      lingerMs: 0,
      batchSize: 1,
    })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 12; i++) {
      sent.push(producer.send({ topic: 't', value: `${i}` }))
      await turn()
      await turn()
    }
    await cluster.received(1 + maxInFlightRequestsPerConnection)
    answers.open()
    await Promise.all(sent)
    expect(cluster.mostUnanswered).toBe(maxInFlightRequestsPerConnection)
    expect(cluster.log('t').values).toEqual(['first', ...Array.from({ length: 12 }, (_, i) => `${i}`)])
  })

  test('one partition with much to send does not keep the others out', async () => {
    const { cluster, producer } = await startProducer(
      { maxRequestSize: 1_000, batchSize: 900, lingerMs: 0, maxInFlightRequestsPerConnection: 1 },
      { topics: { t: { partitions: 3 } } },
    )
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++)
      sent.push(producer.send({ topic: 't', partition: 0, value: 'x'.repeat(800) }))
    for (const partition of [1, 2])
      sent.push(producer.send({ topic: 't', partition, value: 'y'.repeat(800) }))
    await Promise.all(sent)
    const turnOf = (partition: number) => cluster.batches.findIndex((batch) => batch.partition === partition)
    expect(turnOf(1)).toBeLessThan(3)
    expect(turnOf(2)).toBeLessThan(3)
  })

  test('a topic that is not there holds up no other, and fails with what the broker says', async () => {
    const { producer } = await startProducer({ maxBlockMs: 300 })
    const missing = ['a', 'b'].map((value) => failureOf(producer.send({ topic: 'missing', value })))
    await producer.send({ topic: 't', value: 'c' })
    for (const failure of missing) {
      expect(await failure).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', topic: 'missing' })
    }
  })
})

describe('the buffer', () => {
  const record = (value: string) => ({ topic: 't', partition: 0, value: value.padEnd(100, '.') })

  test('is never exceeded; send waits, and records stay in order whichever way they go', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 1_000, batchSize: 300 })
    const values: string[] = []
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      const headers = i % 3 === 0 ? { headers: { h: 'h' } } : {}
      const value = `${i}`.padEnd(10 + (i % 7) * 20, '.')
      values.push(value)
      sent.push(producer.send({ topic: 't', partition: 0, value, ...headers }))
      expect(producer.bufferedBytes).toBeLessThanOrEqual(1_000)
      if (i % 50 === 0) await turn()
    }
    await Promise.all(sent)
    expect(cluster.log('t').values).toEqual(values)
    expect(producer.bufferedBytes).toBe(0)
  })

  test('full for maxBlockMs: what waits fails, what is in it does not', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 1_000, maxBlockMs: 100 })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    const inside = producer.send(record('inside'))
    const others = Array.from({ length: 20 }, (_, i) => producer.send(record(`${i}`)).catch((error) => error))
    expect(await others.at(-1)).toMatchObject({ code: 'MAX_BLOCK_TIMEOUT' })
    answers.open()
    await expect(inside).resolves.toMatchObject({ offset: 1 })
    await Promise.all(others)
  })

  test('a signal ends the wait for room of its own record alone', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 1_000 })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    const sent = Array.from({ length: 8 }, (_, i) => producer.send(record(`${i}`)))
    const aborting = new AbortController()
    const aborted = failureOf(producer.send(record('x'), { signal: aborting.signal }))
    const after = producer.send(record('last'))
    const reason = new Error('enough')
    aborting.abort(reason)
    expect(await aborted).toBe(reason)
    answers.open()
    await Promise.all([...sent, after])
    expect(cluster.log('t').values.map((value) => value.replaceAll('.', ''))).toEqual([
      'first',
      ...sent.map((_, i) => `${i}`),
      'last',
    ])
  })

  test('a signal ends the wait for a topic at once, of a record that is not the first in line too', async () => {
    const { cluster, producer } = await startProducer({ maxBlockMs: 20_000 })
    const first = producer.send({ topic: 'later', value: 'first' })
    const aborting = new AbortController()
    const second = failureOf(producer.send({ topic: 'later', value: 'second' }, { signal: aborting.signal }))
    const third = producer.send({ topic: 'later', value: 'third' })
    await turn()
    aborting.abort()
    expect(await second).toMatchObject({ name: 'AbortError' })
    cluster.createTopic('later', { partitions: 1 })
    await Promise.all([first, third])
    expect(cluster.log('later').values).toEqual(['first', 'third'])
  })

  test('produce says false when it is nearly full, and drained when to go on', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 2_000 })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    let count = 1
    while (producer.produce(record(`${count}`))) count++
    expect(count).toBeGreaterThan(4)
    expect(producer.bufferedBytes).toBeLessThanOrEqual(2_000)
    let isDrained = false
    const drained = producer.drained().then(() => {
      isDrained = true
    })
    await cluster.received(2)
    expect(isDrained).toBe(false)
    answers.open()
    await drained
    expect(producer.produce(record('more'))).toBe(true)
    await producer.flush()
    expect(cluster.log('t').values).toHaveLength(count + 2)
  })

  test('produce refuses a record that does not fit when false was not heeded, and takes any when it was', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 2_000 })
    await producer.send({ topic: 't', value: 'first' })
    const answers = hold(cluster)
    // Larger than what is kept free, and heeded all the same: it waits outside.
    expect(producer.produce({ topic: 't', partition: 0, value: 'a'.repeat(900) })).toBe(true)
    expect(producer.produce({ topic: 't', partition: 0, value: 'b'.repeat(1_500) })).toBe(false)
    expect(() => producer.produce(record('c'))).toThrow(expect.objectContaining({ code: 'BUFFER_FULL' }))
    answers.open()
    await producer.flush()
    expect(cluster.log('t').values.map((value) => value[0])).toEqual(['f', 'a', 'b'])
  })

  test('produce does not fail for what send has put into the buffer: it was never told', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 2_000 })
    const sent = Array.from({ length: 30 }, (_, i) => producer.send(record(`${i}`)))
    expect(producer.produce(record('a'))).toBe(false)
    expect(() => producer.produce(record('b'))).toThrow(expect.objectContaining({ code: 'BUFFER_FULL' }))
    await producer.drained()
    expect(producer.produce(record('c'))).toBe(true)
    await Promise.all([...sent, producer.flush()])
    expect(
      cluster
        .log('t')
        .values.slice(-2)
        .map((value) => value[0]),
    ).toEqual(['a', 'c'])
  })

  test('a record may be changed after the call, also while it waits for its topic', async () => {
    const { cluster, producer } = await startProducer()
    const value = Buffer.from('before')
    const headers = { h: Buffer.from('before') }
    const sent = producer.send({ topic: 't', value, headers })
    value.write('after!')
    headers.h.write('after!')
    await sent
    expect(cluster.log('t').values).toEqual(['before'])
  })

  test('a record larger than the buffer is refused at once', async () => {
    const { producer } = await startProducer({ bufferMemory: 1_000 })
    expect(await failureOf(producer.send({ topic: 't', value: 'x'.repeat(1_001) }))).toMatchObject({
      code: 'RECORD_TOO_LARGE',
    })
    const headers = { h: 'x'.repeat(1_001) }
    expect(() => producer.produce({ topic: 't', value: 'x', headers })).toThrow(
      /larger than bufferMemory, 1000/,
    )
  })
})

describe('what is told', () => {
  test('failures of produce without a callback come out of the next flush, once, and say what may be persisted', async () => {
    const { cluster, producer } = await startProducer({}, { topics: { t: { partitions: 2 } } })
    cluster.onBatch = ({ partition }) =>
      partition === 0 ? { error: errorCodes.topicAuthorizationFailed } : 'leftOut'
    producer.produce({ topic: 't', partition: 0, value: 'a' })
    producer.produce({ topic: 't', partition: 0, value: 'b' })
    producer.produce({ topic: 't', partition: 1, value: 'c' })
    const error = await failureOf(producer.flush())
    expect(error).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', persisted: 'possibly' })
    expect((error as Error).message).toMatch(/^3 records sent by produce\(\)/)
    await producer.flush()
    producer.produce({ topic: 't', partition: 0, value: 'd' })
    await vi.waitFor(() => expect(producer.bufferedBytes).toBe(0))
    await expect(producer.drained()).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' })
    producer.produce({ topic: 't', partition: 0, value: 'e' })
    await expect(producer.close()).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' })
  })

  test('a callback that throws stops no other; what it threw is an uncaught exception', async () => {
    const { producer } = await startProducer()
    const uncaught: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const thrown = new Error('of the application')
      const offsets: unknown[] = []
      producer.produce({ topic: 't', value: 'a' }, () => {
        throw thrown
      })
      producer.produce({ topic: 't', value: 'b' }, (_, metadata) => offsets.push(metadata?.offset))
      await producer.flush()
      await turn()
      expect(offsets).toEqual([1])
      expect(uncaught).toEqual([thrown])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of others) process.on('uncaughtException', listener)
    }
  })

  test('sendMany tells which ranges are in the log and which records are not', async () => {
    const { producer } = await startProducer({}, { topics: { t: { partitions: 2 } } })
    const records = [
      { topic: 't', partition: 0, value: 'a' },
      { topic: 't', partition: 0, value: 5 as never },
      { topic: 't', partition: 1, value: 'b' },
      { topic: 't', partition: 0, value: 'c' },
      null as never,
    ]
    const error = await failureOf(producer.sendMany(records))
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      persisted: 'no',
      delivered: [
        { topic: 't', partition: 0, baseOffset: 0, count: 2 },
        { topic: 't', partition: 1, baseOffset: 0, count: 1 },
      ],
    })
    expect((error as Error).message).toMatch(/^2 of 5 records are not confirmed/)
    await expect(producer.sendMany([])).resolves.toEqual([])
    await expect(producer.sendMany('abc' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('what a partitioner throws, or gives beyond the partitions, fails its record alone', async () => {
    const { producer } = await startProducer({
      partitioner: ({ value }) => {
        if (value === 'throw') throw new Error('no idea')
        return value === 'far' ? 7 : 0
      },
    })
    const [thrown, far, good] = ['throw', 'far', 'good'].map((value) => producer.send({ topic: 't', value }))
    expect(await failureOf(thrown!)).toMatchObject({ message: 'no idea' })
    expect(await failureOf(far!)).toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(good).resolves.toMatchObject({ partition: 0 })
  })

  test.each<[string, object, RegExp]>([
    ['no topic', { topic: '' }, /a topic must be a name, not ""/],
    ['a negative partition', { topic: 't', partition: -1 }, /an integer from 0 on, not -1/],
    ['a timestamp with a fraction', { topic: 't', timestamp: 1.5 }, /integer of milliseconds, not 1.5/],
    [
      'a header that is a number',
      { topic: 't', headers: { h: 5 } },
      /must be a string, a Uint8Array or null/,
    ],
  ])('a record with %s is refused with what is allowed', async (_, record, message) => {
    const { producer } = await startProducer()
    expect(((await failureOf(producer.send(record as never))) as Error).message).toMatch(message)
    await producer.partitionsFor('t')
    expect(() => producer.produce(record as never)).toThrow(message)
  })
})

describe('a peer that answers garbage', () => {
  test.each([
    [
      'bytes that are no answer',
      (id: number) => sized(Buffer.from([0, 0, 0, id, 0, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    ],
    ['another correlation id', () => sized(Buffer.from([0, 0, 77, 77, 0]))],
    ['a frame of two gigabytes', () => Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ])('fails records as possibly persisted for %s, and goes on over a new connection', async (_, garbage) => {
    const { cluster, producer } = await startProducer()
    await producer.send({ topic: 't', value: 'first' })
    let isBroken = true
    cluster.onBatch = () => (isBroken ? 'silence' : 'append')
    const sent = failureOf(producer.send({ topic: 't', value: 'a' }))
    await cluster.received(2)
    const request = cluster.brokers[0]!.seen(produce).at(-1)!
    isBroken = false
    request.socket.write(garbage(request.correlationId))
    expect(await sent).toMatchObject({ persisted: 'possibly' })
    await producer.send({ topic: 't', value: 'b' })
    expect(cluster.log('t').values).toEqual(['first', 'b'])
  })
})

describe('close', () => {
  test('sends what waits, then leaves no socket and no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const { cluster, producer } = await startProducer({ lingerMs: 10_000, deliveryTimeoutMs: 60_000 })
    await producer.send({ topic: 't', value: 'first' })
    const sent = ['a', 'b'].map((value) => producer.send({ topic: 't', value }))
    await Promise.all([producer.close(), producer.close()])
    await Promise.all(sent)
    expect(cluster.log('t').values).toEqual(['first', 'a', 'b'])
    await cluster.brokers[0]!.until(() => cluster.brokers[0]!.openConnections === 0)
    expect(timers()).toBeLessThanOrEqual(before)
    expect(await failureOf(producer.send({ topic: 't', value: 'c' }))).toMatchObject({
      code: 'ILLEGAL_STATE',
    })
    expect(() => producer.produce({ topic: 't', value: 'c' })).toThrow(/closed/)
    await expect(producer.flush()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await producer.drained()
  })

  test('with a timeout fails what is in flight, in the buffer, outside of it and without a topic', async () => {
    const { cluster, producer } = await startProducer({ bufferMemory: 1_000 })
    await producer.send({ topic: 't', value: 'first' })
    cluster.onBatch = () => 'silence'
    const value = 'x'.repeat(200)
    const inFlight = failureOf(producer.send({ topic: 't', value }))
    await cluster.received(2)
    const topicless = failureOf(producer.send({ topic: 'missing', value: 'y' }))
    const waiting = Array.from({ length: 4 }, () => failureOf(producer.send({ topic: 't', value })))
    const drained = producer.drained()
    await producer.close({ timeoutMs: 30 })
    expect(await inFlight).toMatchObject({ code: 'PRODUCER_CLOSED', persisted: 'possibly' })
    expect(await topicless).toMatchObject({ code: 'ILLEGAL_STATE' })
    const codes = (await Promise.all(waiting)).map((error) => (error as { code: string }).code)
    expect(codes[0]).toBe('PRODUCER_CLOSED')
    expect(codes.at(-1)).toBe('ILLEGAL_STATE')
    await drained
    await vi.waitFor(() => expect(producer.bufferedBytes).toBe(0))
  })
})

import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { addAbortListener, removeAbortListener } from '../src/abort-listeners.ts'
import { Kafka } from '../src/index.ts'
import { startKafka } from '../src/testing/index.ts'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('a signal', () => {
  test('has one listener however many wait, and none when nobody does', () => {
    const { signal } = new AbortController()
    const calls = Array.from({ length: 30 }, () => vi.fn())
    for (const call of calls) addAbortListener(signal, call)
    expect(listenersOf(signal)).toBe(1)
    for (const call of calls.slice(1)) removeAbortListener(signal, call)
    expect(listenersOf(signal)).toBe(1)
    removeAbortListener(signal, calls[0]!)
    expect(listenersOf(signal)).toBe(0)
  })

  test('that is aborted calls all, once and in the order in which they were added', () => {
    const controller = new AbortController()
    const called: number[] = []
    for (let i = 0; i < 5; i++) addAbortListener(controller.signal, () => called.push(i))
    controller.abort()
    expect(called).toEqual([0, 1, 2, 3, 4])
    expect(listenersOf(controller.signal)).toBe(0)
  })

  test('calls nobody whom an earlier one has taken out, and leaves other signals alone', () => {
    const controller = new AbortController()
    const other = new AbortController()
    const late = vi.fn()
    addAbortListener(other.signal, late)
    addAbortListener(controller.signal, () => removeAbortListener(controller.signal, late))
    addAbortListener(controller.signal, late)
    controller.abort()
    expect(late).not.toHaveBeenCalled()
    other.abort()
    expect(late).toHaveBeenCalledOnce()
  })

  test('that there is not, or that was aborted before, calls nobody', () => {
    const call = vi.fn()
    addAbortListener(undefined, call)
    removeAbortListener(undefined, call)
    addAbortListener(AbortSignal.abort(), call)
    expect(call).not.toHaveBeenCalled()
  })
})

describe('one signal for many calls', () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)

  beforeEach(() => {
    warnings.length = 0
    process.on('warning', note)
  })

  afterEach(() => {
    process.off('warning', note)
  })

  /** What becomes of `work` when it has begun and the signal is aborted. Node tells of warnings in a later turn. */
  async function aborted(begin: (signal: AbortSignal) => readonly Promise<unknown>[]): Promise<unknown[]> {
    const controller = new AbortController()
    const calls = begin(controller.signal)
    const settled = Promise.allSettled(calls)
    await new Promise((resolve) => setImmediate(resolve))
    expect(listenersOf(controller.signal)).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    const outcomes = await settled
    await new Promise((resolve) => setImmediate(resolve))
    expect(listenersOf(controller.signal)).toBe(0)
    expect(warnings).toEqual([])
    return outcomes.map((outcome) =>
      outcome.status === 'rejected' && outcome.reason === reason ? 'aborted' : outcome,
    )
  }

  const all = Array.from({ length: 50 }, () => 'aborted')

  test('of send ends those that wait for their topic, without a warning of a leak', async () => {
    await using kafka = await startKafka({ autoCreateTopics: false })
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    const outcomes = await aborted((signal) =>
      all.map((_, i) => producer.send({ topic: 'nowhere', value: `${i}` }, { signal })),
    )
    expect(outcomes).toEqual(all)
  })

  test('of send ends those that wait for room in bufferMemory, without a warning of a leak', async () => {
    await using kafka = await startKafka({ topics: ['t'] })
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer({
      bufferMemory: 1000,
    })
    await producer.send({ topic: 't', value: 'first' })
    const frozen = kafka.freezeBroker(1)
    const inside = producer.send({ topic: 't', value: 'x'.repeat(900) })
    const outcomes = await aborted((signal) =>
      all.map(() => producer.send({ topic: 't', value: 'x'.repeat(900) }, { signal })),
    )
    expect(outcomes).toEqual(all)
    await frozen
    kafka.thawBroker(1)
    await inside
  })

  test('of the admin client ends them all, without a warning of a leak', async () => {
    await using kafka = await startKafka()
    await using admin = new Kafka({ bootstrapServers: kafka.bootstrapServers }).admin()
    await admin.listTopics()
    kafka.freezeBroker(1)
    expect(await aborted((signal) => all.map(() => admin.listTopics({ signal })))).toEqual(all)
    kafka.thawBroker(1)
  })

  test('of the polls of many consumers ends them all, without a warning of a leak', async () => {
    await using kafka = await startKafka({ topics: ['t'] })
    const consumers = Array.from({ length: 12 }, () => {
      const consumer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).consumer({})
      consumer.assign([{ topic: 't', partition: 0 }])
      return consumer
    })
    const outcomes = await aborted((signal) =>
      consumers.map((consumer) => consumer.poll({ timeoutMs: 60_000, signal })),
    )
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(outcomes).toEqual(consumers.map(() => 'aborted'))
  })
})

import { afterEach, describe, expect, test, vi } from 'vitest'
import { DeliveryError } from '../../src/errors.ts'
import { drawSchedule } from '../support/producer-schedule/draw-schedule.ts'
import { RecordLedger } from '../support/producer-schedule/record-ledger.ts'
import { runRealSchedule } from '../support/producer-schedule/run-real-schedule.ts'
import { producerSchedules } from '../support/producer-schedule/run-schedule.ts'
import { describeKafka, startRealKafka } from '../support/real-kafka/index.ts'
import { Dice } from '../support/schedules/dice.ts'
import { describeFailure, runSchedules } from '../support/schedules/run-schedules.ts'
import { watchTimers } from '../support/timers.ts'

const count = 150

afterEach(() => {
  vi.restoreAllMocks()
})

describe('whatever becomes of requests, connections and brokers', () => {
  test(`${count} schedules: what is confirmed is in the log once and in order, and no record is forgotten`, async () => {
    const timers = watchTimers()
    const seeds = Array.from({ length: count }, (_, i) => i + 1)
    const { failed, sums } = await runSchedules({ kind: producerSchedules, seeds })
    expect(failed.map(describeFailure)).toEqual([])
    // Without many of both the schedules would show nothing.
    expect(sums.records).toBeGreaterThan(50_000)
    expect(sums['Produce requests']).toBeGreaterThan(5000)
    expect(timers.size, 'timers that are left').toBe(0)
  }, 120_000)

  test('a seed gives the same schedule each time, and another seed another one', () => {
    expect(drawSchedule(7)).toEqual(drawSchedule(7))
    expect(drawSchedule(7)).not.toEqual(drawSchedule(8))
    const dice = new Dice(1)
    expect(Array.from({ length: 20 }, () => dice.between(2, 3)).sort()).toContain(2)
  })
})

describeKafka(
  'a real Kafka of three nodes, whatever becomes of requests, connections and brokers',
  () => {
    test('three schedules: what is confirmed is in the log once and in order, and no record is forgotten', async () => {
      await using kafka = await startRealKafka({ nodes: 3 })
      const { failed, sums } = await runSchedules({
        kind: producerSchedules,
        // Between them kills, freezes, moves of leaders, new partitions and all kinds of faults of the network.
        seeds: [7, 31, 237],
        concurrency: 1,
        run: (schedule) => runRealSchedule(schedule, kafka),
      })
      expect(failed.map(describeFailure)).toEqual([])
      expect(sums.records).toBeGreaterThan(500)
    }, 300_000)
  },
  { needs: 'own' },
)

describe('the ledger finds', () => {
  const promised = { isIdempotent: true, isOneByOne: false, acks: 'all', allowedCodes: null } as const
  const at = (number: number, offset = number, partition = 0) => ({ partition, offset, number })
  const metadata = (offset: number) => ({ topic: 't', partition: 0, offset, timestamp: 0 })
  const failure = (persisted: 'no' | 'possibly') => new DeliveryError('X', 'x', persisted)

  /** A ledger with so many records, of which nothing is told. */
  function ledgerOf(records: number): RecordLedger {
    const ledger = new RecordLedger()
    for (let i = 0; i < records; i++) ledger.next()
    return ledger
  }

  test('a record that was confirmed and is missing, or is elsewhere', () => {
    const ledger = ledgerOf(2)
    ledger.confirmed(0, metadata(0))
    ledger.confirmed(1, metadata(5))
    expect(ledger.problems([at(1)], promised)).toEqual([
      '0 was confirmed at 0@0, where undefined is',
      '1 was confirmed at 0@5, where undefined is',
    ])
  })

  test('a record that is there twice, or out of order', () => {
    const ledger = ledgerOf(2)
    ledger.confirmed(0, metadata(1))
    ledger.confirmed(1, metadata(0))
    expect(ledger.problems([at(1, 0), at(0, 1), at(1, 2)], promised)).toEqual([
      '1 is in the log 2 times: 0@0, 0@2',
      '0 stands after 1: 0@1',
    ])
  })

  test('a record that is there though it was told not to be, but not one that may be', () => {
    const ledger = ledgerOf(2)
    ledger.failed(0, failure('no'))
    ledger.failed(1, failure('possibly'))
    expect(ledger.problems([at(0), at(1)], promised)).toEqual([
      '0 is in the log, and failed with DeliveryError: x',
    ])
  })

  test('a record whose fate was told twice, or never', () => {
    const ledger = ledgerOf(2)
    ledger.confirmed(0, metadata(0))
    ledger.failed(0, failure('possibly'))
    const problems = ledger.problems([at(0)], promised)
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/^the fate of 0 was told twice/)
    expect(problems[1]).toBe('nothing was told about 1')
  })

  test('records of sendMany and of produce() without a callback that are missing', () => {
    const ledger = ledgerOf(4)
    ledger.many([0, 1], [{ topic: 't', partition: 0, baseOffset: 0, count: 2 }])
    ledger.unobserved(2)
    ledger.unobserved(3)
    expect(ledger.problems([at(0), at(2, 1)], promised)).toEqual([
      'sendMany was told of 0@1, where 2 is',
      'of a sendMany 2 were confirmed and 0 failed, 0 of them possibly persisted; in the log are 1',
      '1 records of produce() without a callback are missing, 0 were told of',
    ])
  })

  test('a record that is in a topic which began after it was confirmed, but not one that both got before', () => {
    const ledger = ledgerOf(3)
    ledger.confirmed(0, metadata(0))
    ledger.incarnationNow = () => 1
    ledger.confirmed(1, metadata(0))
    ledger.confirmed(2, metadata(1))
    const anew = (number: number, offset: number) => ({ ...at(number, offset), incarnation: 1 })
    const log = [at(0), at(1), anew(1, 0), anew(2, 1)]
    expect(ledger.problems(log, promised)).toEqual([])
    expect(ledger.problems([...log, anew(0, 2), anew(2, 3)], promised)).toEqual([
      '2 is in the log 2 times: 0@1 of topic 1, 0@3 of topic 1',
      '0 was confirmed when topic 0 was there, and is in a later one: 0@2 of topic 1',
      '0 stands after 2: 0@2 of topic 1',
    ])
  })

  test('records that failed though nothing gave a reason for it', () => {
    const ledger = ledgerOf(1)
    ledger.failed(0, failure('no'))
    const allowedCodes = new Set(['BUFFER_FULL'])
    expect(ledger.problems([], { ...promised, allowedCodes })).toEqual([
      '1 records failed with X, for which nothing gave a reason: x',
    ])
  })
})

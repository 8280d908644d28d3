import { afterEach, describe, expect, test, vi } from 'vitest'
import { drawSchedule } from '../support/consumer-schedule/draw-schedule.ts'
import { GroupLedger } from '../support/consumer-schedule/group-ledger.ts'
import { runRealSchedule } from '../support/consumer-schedule/run-real-schedule.ts'
import { consumerSchedules } from '../support/consumer-schedule/run-schedule.ts'
import { describeKafka, startRealKafka } from '../support/real-kafka/index.ts'
import { describeFailure, runSchedules } from '../support/schedules/run-schedules.ts'
import { watchTimers } from '../support/timers.ts'

const count = 80

afterEach(() => {
  vi.restoreAllMocks()
})

describe('whoever joins, leaves, crashes, is cut off or thrown out, and whatever becomes of brokers', () => {
  test(`${count} schedules: each record is handled, by one owner at a time, and no commit goes back`, async () => {
    const timers = watchTimers()
    const seeds = Array.from({ length: count }, (_, i) => i + 1)
    const { failed, sums } = await runSchedules({ kind: consumerSchedules('classic'), seeds })
    expect(failed.map(describeFailure)).toEqual([])
    // Without many of each the schedules would show nothing.
    expect(sums.records).toBeGreaterThan(15_000)
    expect(sums.joins).toBeGreaterThan(200)
    expect(sums.commits).toBeGreaterThan(5000)
    expect(sums['with nothing handled twice']).toBeGreaterThan(count / 3)
    expect(timers.size, 'timers that are left').toBe(0)
  }, 240_000)

  test('a seed gives the same schedule each time, and another seed another one', () => {
    expect(drawSchedule(7)).toEqual(drawSchedule(7))
    expect(drawSchedule(7)).not.toEqual(drawSchedule(8))
  })
})

describeKafka(
  'a real Kafka of three nodes, whoever joins, leaves or crashes',
  () => {
    test('three schedules: each record is handled, by one owner at a time, and no commit goes back', async () => {
      await using kafka = await startRealKafka({ nodes: 3 })
      const { failed, sums } = await runSchedules({
        kind: consumerSchedules('classic'),
        // Between them crashes, cuts, late handlers, stops, freezes and moves of brokers, and new partitions.
        seeds: [5, 22, 61],
        concurrency: 1,
        run: (schedule) => runRealSchedule(schedule, kafka),
      })
      expect(failed.map(describeFailure)).toEqual([])
      expect(sums.records).toBeGreaterThan(300)
    }, 300_000)
  },
  { needs: 'own' },
)

describe('the ledger of a group finds', () => {
  /** A ledger with so many records in `orders-0`, of which nothing is handled. */
  function ledgerOf(records: number): GroupLedger {
    const ledger = new GroupLedger()
    for (let offset = 0; offset < records; offset++) ledger.wrote('orders-0', offset)
    return ledger
  }

  function handle(ledger: GroupLedger, offset: number, owner = 'a', generation = 1): void {
    ledger.handledOne(ledger.received(owner, 'orders-0', offset, generation))
  }

  test('a record that nobody has handled', () => {
    const ledger = ledgerOf(2)
    handle(ledger, 1)
    expect(ledger.isComplete).toBe(false)
    expect(ledger.unhandled()).toBe('orders-0 from 0 of 2')
    expect(ledger.problems(1000, false)).toEqual(['orders-0@0 was not handled'])
  })

  test('a record that was handled twice, where nothing was a reason for it', () => {
    const ledger = ledgerOf(1)
    handle(ledger, 0)
    handle(ledger, 0)
    expect(ledger.problems(1000, false)).toEqual(['orders-0@0 was handled 2 times'])
    ledger.excuse('a member crashed')
    expect(ledger.problems(1000, false)).toEqual([])
  })

  test('two owners in one generation, and two at a time', () => {
    const ledger = ledgerOf(2)
    const hand = ledger.received('a', 'orders-0', 0, 1)
    handle(ledger, 1, 'b')
    ledger.handledOne(hand)
    expect(ledger.problems(1000, false)).toEqual([
      'orders-0 had two owners in generation 1: a and b',
      'orders-0@1 came to b while a had 0',
    ])
  })

  test('a commit ahead of the work, and one that goes back further than a seek', () => {
    const ledger = ledgerOf(3)
    for (const offset of [0, 1, 2]) handle(ledger, offset)
    ledger.committed('orders-0', 3)
    ledger.committed('orders-0', 2)
    ledger.sought('orders-0', 1)
    ledger.committed('orders-0', 1)
    ledger.committed('orders-0', 0)
    ledger.wrote('orders-0', 3)
    ledger.committed('orders-0', 4)
    handle(ledger, 3)
    expect(ledger.problems(1000, false)).toEqual([
      'the commit of orders-0 went back from 3 to 2',
      'the commit of orders-0 went back from 1 to 0',
      'orders-0 was committed up to 4, and 3 is not handled',
    ])
  })

  test('what was given up with work in hand or uncommitted, and an end that is not committed', () => {
    const ledger = ledgerOf(2)
    const hand = ledger.received('a', 'orders-0', 0, 1)
    expect(ledger.notHandedOver('a', 'orders-0', 0)).toBe('a gave up orders-0 with 0 in hand')
    ledger.handledOne(hand)
    expect(ledger.notHandedOver('a', 'orders-0', 1)).toBe('a gave up orders-0 at 1, and committed is 0')
    ledger.committed('orders-0', 1)
    expect(ledger.notHandedOver('a', 'orders-0', 1)).toBe(null)
    handle(ledger, 1)
    expect(ledger.problems(1000, true)).toEqual(['orders-0 ends at 2, and committed at the end is 1'])
  })

  test('a partition that stood still', async () => {
    const ledger = ledgerOf(1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    handle(ledger, 0)
    expect(ledger.problems(1000, false)).toEqual([])
    expect(ledger.problems(10, false)).toEqual([expect.stringMatching(/^orders-0 stood still for \d+ ms$/)])
  })
})

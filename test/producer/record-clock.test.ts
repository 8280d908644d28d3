import { afterEach, expect, test, vi } from 'vitest'
import { RecordClock } from '../../src/producer/record-clock.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function clockAt(times: { now: number }): { readonly clock: RecordClock; readonly looks: () => number } {
  const look = vi.spyOn(Date, 'now').mockImplementation(() => times.now)
  return { clock: new RecordClock(), looks: () => look.mock.calls.length }
}

test('looks at the clock for some of the records of one millisecond', () => {
  const { clock, looks } = clockAt({ now: 5_000 })
  for (let i = 0; i < 100; i++) expect(clock.now()).toBe(5_000)
  expect(looks()).toBeLessThan(35)
})

test('looks for each when they come slowly', () => {
  const times = { now: 5_000 }
  const { clock } = clockAt(times)
  for (let i = 0; i < 20; i++) {
    times.now += 1
    expect(clock.now()).toBe(times.now)
  }
})

test('in a new turn looks anew', async () => {
  const times = { now: 5_000 }
  const { clock } = clockAt(times)
  clock.now()
  clock.now()
  await Promise.resolve()
  times.now += 1_000
  expect(clock.now()).toBe(6_000)
})

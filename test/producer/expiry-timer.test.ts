import { afterEach, expect, test, vi } from 'vitest'
import { ExpiryTimer } from '../../src/producer/expiry-timer.ts'
import { watchTimers } from '../support/timers.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('rings when the oldest is due, then for what is left, and is silent when nothing is', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const now = performance.now()
  const created = [now, now + 30]
  const rung: number[] = []
  const timer = new ExpiryTimer(100, (latest) => {
    rung.push(performance.now() - now)
    while (created[0]! <= latest) created.shift()
    return created[0] ?? Number.POSITIVE_INFINITY
  })
  for (const at of created) timer.watch(at)
  vi.advanceTimersByTime(1_000)
  expect(rung).toEqual([100, 130])
})

test('what comes while it rings is watched as well', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const now = performance.now()
  const rung: number[] = []
  const timer = new ExpiryTimer(100, () => {
    rung.push(performance.now() - now)
    if (rung.length === 1) timer.watch(performance.now())
    return Number.POSITIVE_INFINITY
  })
  timer.watch(now)
  vi.advanceTimersByTime(1_000)
  expect(rung).toEqual([100, 200])
})

test('rings once more when the clock is not that far yet', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const now = performance.now()
  const expired: number[] = []
  const timer = new ExpiryTimer(100.5, (latest) => {
    if (now > latest) return now
    expired.push(performance.now() - now)
    return Number.POSITIVE_INFINITY
  })
  timer.watch(now)
  vi.advanceTimersByTime(1_000)
  expect(expired).toEqual([101])
})

test('leaves no timer once it is stopped', () => {
  const timers = watchTimers()
  const timer = new ExpiryTimer(10_000, () => Number.POSITIVE_INFINITY)
  timer.watch(performance.now())
  expect(timers.size).toBe(1)
  timer.stop()
  expect(timers.size).toBe(0)
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Backoff } from '../src/backoff.ts'
import { Deadline, sleep } from '../src/deadline.ts'
import { failureOf } from './support/promises.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const never = new Promise<never>(() => {})

describe('a deadline', () => {
  it('counts down to 0 and not beyond', () => {
    const deadline = new Deadline(100)
    expect([deadline.remainingMs, deadline.expired]).toEqual([100, false])
    vi.advanceTimersByTime(60)
    expect([deadline.remainingMs, deadline.expired]).toEqual([40, false])
    vi.advanceTimersByTime(60)
    expect([deadline.remainingMs, deadline.expired]).toEqual([0, true])
    expect(deadline.timeoutMs).toBe(100)
  })

  it('throws the reason of its signal', () => {
    const reason = new Error('enough')
    expect(() => new Deadline(100).throwIfAborted()).not.toThrow()
    expect(() => new Deadline(100, AbortSignal.abort(reason)).throwIfAborted()).toThrow(reason)
  })
})

describe('a race', () => {
  it('is won by work that is done in time', async () => {
    const deadline = new Deadline(100)
    expect(await deadline.race(Promise.resolve(7), 'it')).toBe(7)
    const error = new Error('broken')
    expect(await failureOf(deadline.race(Promise.reject(error), 'it'))).toBe(error)
  })

  it('is lost at the deadline, with what and how long', async () => {
    const waiting = failureOf(new Deadline(100).race(never, 'finding it'))
    vi.advanceTimersByTime(100)
    expect(await waiting).toMatchObject({
      name: 'TimeoutError',
      code: 'API_TIMEOUT',
      message: 'finding it did not end within 100 ms',
      retriable: true,
    })
    const blocked = failureOf(new Deadline(5).race(never, 'send', 'MAX_BLOCK_TIMEOUT'))
    vi.advanceTimersByTime(5)
    expect(await blocked).toMatchObject({ code: 'MAX_BLOCK_TIMEOUT' })
  })

  it('is lost to the signal, and then keeps no listener', async () => {
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const deadline = new Deadline(100, controller.signal)
    await deadline.race(Promise.resolve(), 'it')
    const waiting = failureOf(deadline.race(never, 'it'))
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length)
  })

  it('that is lost before it begins leaves no failure with nobody listening', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const reason = new Error('enough')
    const deadline = new Deadline(100, AbortSignal.abort(reason))
    expect(await failureOf(deadline.race(Promise.reject(new Error('late')), 'it'))).toBe(reason)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('can be longer than a timer', async () => {
    const { promise, resolve } = resolvable()
    const waiting = new Deadline(2 ** 40).race(promise, 'it')
    await vi.advanceTimersByTimeAsync(1_000)
    resolve(3)
    expect(await waiting).toBe(3)
  })
})

function resolvable(): { promise: Promise<number>; resolve: (value: number) => void } {
  let resolve = (_: number) => {}
  const promise = new Promise<number>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('sleeping', () => {
  /** Whether `promise` has settled, after the microtasks of now. */
  async function isDone(promise: Promise<unknown>): Promise<boolean> {
    let done = false
    promise.then(
      () => {
        done = true
      },
      () => {
        done = true
      },
    )
    await vi.advanceTimersByTimeAsync(0)
    return done
  }

  it('takes its time', async () => {
    const asleep = sleep(50)
    await vi.advanceTimersByTimeAsync(49)
    expect(await isDone(asleep)).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await isDone(asleep)).toBe(true)
  })

  it('does not go beyond the deadline', async () => {
    const asleep = new Deadline(30).sleep(1_000)
    await vi.advanceTimersByTimeAsync(30)
    expect(await isDone(asleep)).toBe(true)
  })

  it('ends early with its signal, or with what it was told', async () => {
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    await new Deadline(100, controller.signal).sleep(1_000, Promise.resolve())
    await sleep(1_000, controller.signal, Promise.reject(new Error('also an end')))
    expect(remove).toHaveBeenCalledTimes(2)
    const reason = new Error('enough')
    const waiting = failureOf(sleep(1_000, controller.signal))
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await failureOf(sleep(1_000, controller.signal))).toBe(reason)
  })

  it('is not cut short for being too long for a timer', async () => {
    const { promise, resolve } = resolvable()
    const asleep = sleep(
      2 ** 40,
      undefined,
      promise.then(() => {}),
    )
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await isDone(asleep)).toBe(false)
    resolve(0)
    await asleep
  })
})

describe('a backoff', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('doubles up to its bound, and starts anew', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const backoff = new Backoff(100, 1_000)
    const next = (count: number) => Array.from({ length: count }, () => backoff.next())
    expect(next(6)).toEqual([100, 200, 400, 800, 1_000, 1_000])
    backoff.reset()
    expect(next(2)).toEqual([100, 200])
  })

  it('is jittered by 20 % either way, and never beyond its bound', () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    expect(new Backoff(100, 1_000).next()).toBe(80)
    random.mockReturnValue(0.999999)
    expect(new Backoff(100, 1_000).next()).toBeCloseTo(120, 2)
    expect(new Backoff(1_000, 1_000).next()).toBe(1_000)
  })

  it('stays a number however often it is asked', () => {
    const none = new Backoff(0, 1_000)
    const some = new Backoff(1, 1_000)
    for (let i = 0; i < 3_000; i++) {
      expect(none.next()).toBe(0)
      expect(some.next()).toBeLessThanOrEqual(1_000)
    }
  })

  it('whose bound is less than its beginning is the bound', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    expect(new Backoff(500, 100).next()).toBe(100)
  })
})

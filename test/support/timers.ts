import { vi } from 'vitest'

/**
 * Timers that are set from now on, repeated ones among them, and are neither cleared nor over. Ends with `vi.restoreAllMocks()`.
 *
 * The process' own list would not do: the test runner has timers that come and go.
 */
export function watchTimers(): ReadonlySet<unknown> {
  const active = new Set<unknown>()
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
  const set = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = setTimeout(() => {
      active.delete(timer)
      callback(...args)
    }, ms)
    active.add(timer)
    return timer
  }
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(set as typeof setTimeout)
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    active.delete(timer)
    clearTimeout(timer)
  })
  const repeat = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = setInterval(callback, ms, ...args)
    active.add(timer)
    return timer
  }
  vi.spyOn(globalThis, 'setInterval').mockImplementation(repeat as typeof setInterval)
  vi.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
    active.delete(timer)
    clearInterval(timer)
  })
  return active
}

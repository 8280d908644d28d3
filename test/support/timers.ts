import { vi } from 'vitest'

/**
 * Timers that are set from now on and are neither cleared nor over. Ends with `vi.restoreAllMocks()`.
 *
 * The process' own list would not do: the test runner has timers that come and go.
 */
export function watchTimers(): ReadonlySet<unknown> {
  const active = new Set<unknown>()
  const { setTimeout, clearTimeout } = globalThis
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
  return active
}

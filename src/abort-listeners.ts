/**
 * Who waits for a signal, by signal; one is in here only while somebody does. Node warns of a leak when a signal has more
 * than ten listeners, and one that ends a whole application may well be given to a thousand calls: so it gets one of ours.
 */
const waiting = new Map<AbortSignal, { readonly calls: Set<() => void>; onAbort(): void }>()

/**
 * Calls `call`, which must not throw, when the signal is aborted; in the order in which they were added. Like an event
 * listener it is not called for a signal that is aborted already, and a second time adding it changes nothing.
 */
export function addAbortListener(signal: AbortSignal | undefined, call: () => void): void {
  if (signal === undefined) return
  const known = waiting.get(signal)
  if (known !== undefined) {
    known.calls.add(call)
    return
  }
  const calls = new Set([call])
  const onAbort = () => {
    // What one of them does can be the end of another's wait: those that are taken out meanwhile are not called.
    for (const one of calls) {
      calls.delete(one)
      one()
    }
    forget(signal)
  }
  waiting.set(signal, { calls, onAbort })
  signal.addEventListener('abort', onAbort, { once: true })
}

/** Takes back what `addAbortListener` was given. */
export function removeAbortListener(signal: AbortSignal | undefined, call: () => void): void {
  if (signal === undefined) return
  const known = waiting.get(signal)
  if (known === undefined) return
  known.calls.delete(call)
  if (known.calls.size === 0) forget(signal)
}

function forget(signal: AbortSignal): void {
  const known = waiting.get(signal)
  if (known === undefined) return
  waiting.delete(signal)
  signal.removeEventListener('abort', known.onAbort)
}

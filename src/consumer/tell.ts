/** Calls what the application gave to be told by. What it throws is not lost, and does not end what was going on. */
export function tell<A>(listener: ((about: A) => void) | undefined, about: A): void {
  try {
    listener?.(about)
  } catch (thrown) {
    // As an event handler's it ends up as an uncaught exception.
    queueMicrotask(() => {
      throw thrown
    })
  }
}

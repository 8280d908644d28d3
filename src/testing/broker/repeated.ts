/** What comes more than once. */
export function repeated<T>(all: Iterable<T>): Set<T> {
  const seen = new Set<T>()
  const twice = new Set<T>()
  for (const one of all) {
    if (seen.has(one)) twice.add(one)
    seen.add(one)
  }
  return twice
}

import { InvalidOptionError } from '../../errors.ts'

/** For a name that Kafka does not have; it names the one that was probably meant. */
export function unknownConfig(what: string, name: string, known: Iterable<string>): InvalidOptionError {
  const nearest = nearestName(name, known)
  const hint = nearest === null ? '' : `; did you mean '${nearest}'?`
  return new InvalidOptionError(`unknown ${what} config '${name}'${hint}`)
}

/** Null where none is near: more than a quarter of its letters would have to change. */
function nearestName(name: string, known: Iterable<string>): string | null {
  let nearest: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = distanceOf(name.toLowerCase(), candidate)
    if (distance < least && distance <= Math.max(1, candidate.length / 4)) {
      nearest = candidate
      least = distance
    }
  }
  return nearest
}

/** Letters to change, add or take away (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

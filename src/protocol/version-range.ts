/** An inclusive range of message versions. Empty when `min > max`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** Kafka's int16 bound: what `3+` means by "and all later ones". */
const latest = 32767

export const noVersions: VersionRange = { min: 0, max: -1 }

/**
 * Reads a range in the notation of Kafka's message definitions: `0-6`, `3+`, `5`, `none`.
 * A range that cannot be read is a mistake in a declaration, so it throws a plain Error.
 */
export function versionRange(text: string): VersionRange {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null)
    throw new Error(`version range ${JSON.stringify(text)}: allowed are "3", "3+", "0-6" and "none"`)
  const min = Number(match[1])
  return { min, max: match[2] === '+' ? latest : match[3] === undefined ? min : Number(match[3]) }
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max
}

/** Highest version in both ranges, or null when they do not meet. */
export function highestCommonVersion(a: VersionRange, b: VersionRange): number | null {
  const max = Math.min(a.max, b.max)
  return max >= Math.max(a.min, b.min) ? max : null
}

export function formatVersions(range: VersionRange): string {
  if (range.min > range.max) return 'none'
  if (range.max === latest) return `${range.min}+`
  return range.min === range.max ? `${range.min}` : `${range.min}-${range.max}`
}

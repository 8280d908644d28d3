/**
 * Where to begin without a committed offset. `by_duration:PT1H`: at the first record that is not older than that, counted
 * back from now; `latest` when there is none (KIP-1106).
 */
export type AutoOffsetReset = 'latest' | 'earliest' | 'none' | `by_duration:${string}`

const prefix = 'by_duration:'

/** As Java's `Duration.parse`: days to seconds, each with a sign of its own, a fraction in the seconds alone. */
const pattern =
  /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i

/** Whole milliseconds of `by_duration:P...`; null for what is no such thing, or less than nothing. */
export function resetDurationMs(text: string): number | null {
  if (!text.startsWith(prefix)) return null
  const found = pattern.exec(text.slice(prefix.length))
  if (found === null) return null
  const [, sign, days, time, hours, minutes, seconds, fraction = ''] = found
  if (time?.toUpperCase() === 'T' || (days ?? hours ?? minutes ?? seconds) === undefined) return null
  const fractionMs = Number(`0.${fraction || '0'}`) * 1000 * (seconds?.startsWith('-') ? -1 : 1)
  const ms =
    Number(days ?? 0) * 86_400_000 +
    Number(hours ?? 0) * 3_600_000 +
    Number(minutes ?? 0) * 60_000 +
    Number(seconds ?? 0) * 1000 +
    fractionMs
  const signed = Math.floor(sign === '-' ? -ms : ms)
  return Number.isSafeInteger(signed) && signed >= 0 ? Math.abs(signed) : null
}

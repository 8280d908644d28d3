/** Over which time averages, maxima and rates are taken (`metrics.sample.window.ms`, `metrics.num.samples`). */
export interface SampleWindows {
  /** Milliseconds of one window. */
  readonly windowMs: number
  /** Windows that are kept, the present one included. */
  readonly count: number
}

interface Sample {
  startedAt: number
  sum: number
  weight: number
  max: number
}

/**
 * Figures of one kind of event (Java's Sensor with SampledStat, Rate and CumulativeSum): since the beginning in `total`
 * and `count`, and over the last windows in the rest. There is no timer: windows that are over are found when something
 * is recorded or asked. All times are monotonic milliseconds.
 */
export class Sensor {
  /** Sum of all values. */
  total = 0
  /** Sum of all weights: how many events. */
  count = 0
  readonly #windows: SampleWindows
  readonly #samples: Sample[] = []
  #current = 0

  constructor(windows: SampleWindows) {
    this.#windows = windows
  }

  /**
   * @param weight how many events are in `value`, which is their sum.
   * @param largest the largest of these; by default the value itself.
   */
  record(value: number, now: number, weight = 1, largest = value): void {
    this.total += value
    this.count += weight
    const sample = this.#sampleAt(now)
    sample.sum += value
    sample.weight += weight
    if (largest > sample.max) sample.max = largest
  }

  /** NaN without an event. */
  avg(now: number): number {
    this.#forget(now)
    return this.#sum('sum') / this.#sum('weight')
  }

  /** NaN without an event. */
  max(now: number): number {
    this.#forget(now)
    const max = this.#samples.reduce((most, sample) => Math.max(most, sample.max), Number.NEGATIVE_INFINITY)
    return max === Number.NEGATIVE_INFINITY ? Number.NaN : max
  }

  /** Sum of the values, a second. */
  rate(now: number): number {
    this.#forget(now)
    return (this.#sum('sum') / this.#elapsedMs(now)) * 1000
  }

  /** Events a second. */
  frequency(now: number): number {
    this.#forget(now)
    return (this.#sum('weight') / this.#elapsedMs(now)) * 1000
  }

  #sum(field: 'sum' | 'weight'): number {
    return this.#samples.reduce((sum, sample) => sum + sample[field], 0)
  }

  /**
   * As Java's Rate has it: while there are fewer full windows than are kept, those that are missing count as empty, or the
   * first second of a client would show rates of which nothing is true.
   */
  #elapsedMs(now: number): number {
    const { windowMs, count } = this.#windows
    const oldest = this.#samples.reduce((least, sample) => Math.min(least, sample.startedAt), now)
    const elapsed = now - oldest
    const missing = Math.max(0, count - 1 - Math.floor(elapsed / windowMs))
    return Math.max(elapsed + missing * windowMs, windowMs)
  }

  #sampleAt(now: number): Sample {
    const current = this.#samples[this.#current]
    if (current !== undefined && now - current.startedAt < this.#windows.windowMs) return current
    if (current !== undefined) this.#current = (this.#current + 1) % this.#windows.count
    const next = this.#samples[this.#current]
    if (next !== undefined) return restart(next, now)
    const fresh = restart({ startedAt: 0, sum: 0, weight: 0, max: 0 }, now)
    this.#samples.push(fresh)
    return fresh
  }

  #forget(now: number): void {
    const { windowMs, count } = this.#windows
    for (const sample of this.#samples) {
      if (now - sample.startedAt >= windowMs * count) restart(sample, now)
    }
  }
}

function restart(sample: Sample, now: number): Sample {
  sample.startedAt = now
  sample.sum = 0
  sample.weight = 0
  sample.max = Number.NEGATIVE_INFINITY
  return sample
}

import { type SampleWindows, Sensor } from '../metrics/sensor.ts'

/** How the application asks for records. */
export class PollMetrics {
  /** Milliseconds from one ask to the next. */
  readonly betweenPolls: Sensor
  /** Part of the time that the application waits for records: 1 does nothing else. */
  readonly pollIdle: Sensor
  /** Monotonic milliseconds; NaN before the first. */
  lastPollAt = Number.NaN
  #lastPollEndedAt = Number.NaN

  constructor(windows: SampleWindows) {
    this.betweenPolls = new Sensor(windows)
    this.pollIdle = new Sensor(windows)
  }

  polled(): void {
    const now = performance.now()
    if (!Number.isNaN(this.lastPollAt)) this.betweenPolls.record(now - this.lastPollAt, now)
    this.lastPollAt = now
  }

  /** An ask that was told by `polled` is over. */
  pollEnded(now: number): void {
    const waited = now - this.lastPollAt
    const whole = now - this.#lastPollEndedAt
    if (whole > 0) this.pollIdle.record(waited / whole, now)
    this.#lastPollEndedAt = now
  }
}

import { type SampleWindows, Sensor } from '../metrics/sensor.ts'

/** What was read of one topic. */
export interface TopicConsumption {
  /** A chunk each, its value the records. */
  readonly records: Sensor
  /** An answer each, its value the bytes of record batches. */
  readonly bytes: Sensor
}

/**
 * What a consumer measures of itself (Java's FetchMetricsRegistry, KafkaConsumerMetrics, ConsumerCoordinatorMetrics).
 * Counted by answer and by chunk: a record pays for none of it. `consumer-metric-list.ts` has the names.
 */
export class ConsumerMetrics {
  readonly topics = new Map<string, TopicConsumption>()
  /** Milliseconds of a fetch, what it waited for records at the broker included. */
  readonly fetchLatency: Sensor
  /** Bytes of record batches in an answer. */
  readonly fetchSize: Sensor
  /** Milliseconds. */
  readonly fetchThrottle: Sensor
  /** Records that were decoded for the application. */
  readonly records: Sensor
  /** Milliseconds from one ask to the next. */
  readonly betweenPolls: Sensor
  /** Milliseconds. */
  readonly commits: Sensor
  /** Milliseconds that it took to take partitions on, position and hook included. */
  readonly rebalances: Sensor
  /** Monotonic milliseconds; NaN before the first. */
  lastPollAt = Number.NaN
  lastRebalanceAt = Number.NaN
  readonly #windows: SampleWindows

  constructor(windows: SampleWindows) {
    this.#windows = windows
    this.fetchLatency = new Sensor(windows)
    this.fetchSize = new Sensor(windows)
    this.fetchThrottle = new Sensor(windows)
    this.records = new Sensor(windows)
    this.betweenPolls = new Sensor(windows)
    this.commits = new Sensor(windows)
    this.rebalances = new Sensor(windows)
  }

  /** @param parts topic and bytes of each partition that has any. */
  fetched(latencyMs: number, throttleMs: number, parts: readonly { topic: string; bytes: number }[]): void {
    const now = performance.now()
    let size = 0
    for (const { topic, bytes } of parts) {
      size += bytes
      this.#topic(topic).bytes.record(bytes, now)
    }
    this.fetchLatency.record(latencyMs, now)
    this.fetchThrottle.record(throttleMs, now)
    this.fetchSize.record(size, now)
  }

  decoded(topic: string, count: number): void {
    const now = performance.now()
    this.records.record(count, now)
    this.#topic(topic).records.record(count, now)
  }

  polled(): void {
    const now = performance.now()
    if (!Number.isNaN(this.lastPollAt)) this.betweenPolls.record(now - this.lastPollAt, now)
    this.lastPollAt = now
  }

  committed(latencyMs: number): void {
    this.commits.record(latencyMs, performance.now())
  }

  rebalanced(tookMs: number): void {
    this.lastRebalanceAt = performance.now()
    this.rebalances.record(tookMs, this.lastRebalanceAt)
  }

  #topic(name: string): TopicConsumption {
    let topic = this.topics.get(name)
    if (topic === undefined) {
      topic = { records: new Sensor(this.#windows), bytes: new Sensor(this.#windows) }
      this.topics.set(name, topic)
    }
    return topic
  }
}

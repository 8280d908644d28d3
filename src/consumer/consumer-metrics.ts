import { type SampleWindows, Sensor } from '../metrics/sensor.ts'
import type { ReportedState } from './group/group-member.ts'
import { PollMetrics } from './poll-metrics.ts'

export type HookName = 'onPartitionsAssigned' | 'onPartitionsRevoked' | 'onPartitionsLost'

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
export class ConsumerMetrics extends PollMetrics {
  readonly topics = new Map<string, TopicConsumption>()
  /** Milliseconds of a fetch, what it waited for records at the broker included. */
  readonly fetchLatency: Sensor
  /** Bytes of record batches in an answer. */
  readonly fetchSize: Sensor
  /** Milliseconds. */
  readonly fetchThrottle: Sensor
  /** Records that were decoded for the application. */
  readonly records: Sensor
  /** Records that a partition was behind when some of it were decoded. */
  readonly lags: Sensor
  /** Milliseconds. */
  readonly commits: Sensor
  /** Milliseconds of asking what the group has committed. */
  readonly committedCalls: Sensor
  /** Milliseconds from the first JoinGroup to the assignment; of other protocols, what it took to take partitions on. */
  readonly rebalances: Sensor
  /** A rebalance each that had to be begun anew before it came to an assignment. */
  readonly failedRebalances: Sensor
  /** Milliseconds until the group had its members, and until it had its assignment. */
  readonly joins: Sensor
  readonly syncs: Sensor
  /** Milliseconds that the hooks took. */
  readonly hooks: Readonly<Record<HookName, Sensor>>
  /** Monotonic milliseconds; NaN before the first. */
  lastRebalanceAt = Number.NaN
  #rebalanceBegunAt = Number.NaN
  #stateSince = Number.NaN
  #state: ReportedState = 'unjoined'
  readonly #windows: SampleWindows

  constructor(windows: SampleWindows) {
    super(windows)
    this.#windows = windows
    this.fetchLatency = new Sensor(windows)
    this.fetchSize = new Sensor(windows)
    this.fetchThrottle = new Sensor(windows)
    this.records = new Sensor(windows)
    this.lags = new Sensor(windows)
    this.commits = new Sensor(windows)
    this.committedCalls = new Sensor(windows)
    this.rebalances = new Sensor(windows)
    this.failedRebalances = new Sensor(windows)
    this.joins = new Sensor(windows)
    this.syncs = new Sensor(windows)
    this.hooks = {
      onPartitionsAssigned: new Sensor(windows),
      onPartitionsRevoked: new Sensor(windows),
      onPartitionsLost: new Sensor(windows),
    }
  }

  /** @param parts topic and bytes of each partition that has any. */
  fetched(latencyMs: number, throttleMs: number, parts: readonly { topic: string; bytes: number }[]): void {
    const now = performance.now()
    let size = 0
    const ofTopics = new Map<string, number>()
    for (const { topic, bytes } of parts) {
      size += bytes
      ofTopics.set(topic, (ofTopics.get(topic) ?? 0) + bytes)
    }
    for (const [topic, bytes] of ofTopics) this.#topic(topic).bytes.record(bytes, now)
    this.fetchLatency.record(latencyMs, now)
    this.fetchThrottle.record(throttleMs, now)
    this.fetchSize.record(size, now)
  }

  /** @param end where the partition stands after these records. */
  decoded({ topic, endOffset }: { topic: string; endOffset: number }, count: number, end: number): void {
    const now = performance.now()
    this.records.record(count, now)
    this.#topic(topic).records.record(count, now)
    if (endOffset >= 0) this.lags.record(Math.max(0, endOffset - end), now)
  }

  committed(latencyMs: number): void {
    this.commits.record(latencyMs, performance.now())
  }

  /** Where the member of the group stands. A rebalance is over when it is `stable`, and has failed when it falls out before. */
  memberState(state: ReportedState): void {
    const now = performance.now()
    const took = now - this.#stateSince
    const before = this.#state
    const isRebalancing = !Number.isNaN(this.#rebalanceBegunAt)
    this.#state = state
    this.#stateSince = now
    switch (state) {
      case 'joining':
        if (isRebalancing) this.failedRebalances.record(1, now)
        else this.#rebalanceBegunAt = now
        return
      case 'reconciling':
        if (!isRebalancing) this.#rebalanceBegunAt = now
        return
      case 'syncing':
        this.joins.record(took, now)
        return
      case 'stable':
        if (before === 'syncing') this.syncs.record(took, now)
        this.lastRebalanceAt = now
        this.rebalances.record(now - this.#rebalanceBegunAt, now)
        break
      case 'unjoined':
        if (isRebalancing) this.failedRebalances.record(1, now)
        break
    }
    this.#rebalanceBegunAt = Number.NaN
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

import { type SampleWindows, Sensor } from '../../metrics/sensor.ts'
import type { ShareFetchResponse } from '../../protocol/apis/share-fetch.ts'
import { PollMetrics } from '../poll-metrics.ts'

/**
 * What a share consumer measures of itself (Java's ShareFetchMetricsRegistry, KafkaShareConsumerMetrics). Counted by
 * answer. `share-metric-list.ts` has the names.
 */
export class ShareConsumerMetrics extends PollMetrics {
  /** Milliseconds of a fetch, what it waited for records at the broker included. */
  readonly fetchLatency: Sensor
  /** Bytes of record batches in an answer. */
  readonly fetchSize: Sensor
  /** Milliseconds. */
  readonly fetchThrottle: Sensor
  /** Offsets that were acquired with an answer; a gap among them cannot be told from a record yet. */
  readonly records: Sensor
  /** Records whose acknowledgements were settled. */
  readonly acknowledgements: Sensor
  /** Those among them that came to nothing. */
  readonly failedAcknowledgements: Sensor
  /** Assignments that the coordinator gave. */
  readonly rebalances: Sensor

  constructor(windows: SampleWindows) {
    super(windows)
    this.fetchLatency = new Sensor(windows)
    this.fetchSize = new Sensor(windows)
    this.fetchThrottle = new Sensor(windows)
    this.records = new Sensor(windows)
    this.acknowledgements = new Sensor(windows)
    this.failedAcknowledgements = new Sensor(windows)
    this.rebalances = new Sensor(windows)
  }

  /** @param askedAt monotonic milliseconds. */
  fetched({ responses, throttleTimeMs }: ShareFetchResponse, askedAt: number): void {
    const now = performance.now()
    let bytes = 0
    let acquired = 0
    for (const { partitions } of responses) {
      for (const { acquiredRecords, records } of partitions) {
        bytes += records?.length ?? 0
        for (const { firstOffset, lastOffset } of acquiredRecords) {
          acquired += Number(lastOffset - firstOffset) + 1
        }
      }
    }
    this.fetchLatency.record(now - askedAt, now)
    this.fetchThrottle.record(throttleTimeMs, now)
    this.fetchSize.record(bytes, now)
    this.records.record(acquired, now)
  }

  acknowledged(count: number, isError: boolean): void {
    const now = performance.now()
    this.acknowledgements.record(count, now)
    if (isError) this.failedAcknowledgements.record(count, now)
  }

  rebalanced(): void {
    this.rebalances.record(1, performance.now())
  }
}

import { type SampleWindows, Sensor } from '../metrics/sensor.ts'
import { batchHeaderBytes } from '../protocol/records/batch-header.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** What was sent to one topic. */
export class TopicMetrics {
  /** A batch each, its value the records. */
  readonly records: Sensor
  readonly bytes: Sensor
  readonly compression: Sensor
  readonly retries: Sensor
  readonly errors: Sensor

  constructor(windows: SampleWindows) {
    this.records = new Sensor(windows)
    this.bytes = new Sensor(windows)
    this.compression = new Sensor(windows)
    this.retries = new Sensor(windows)
    this.errors = new Sensor(windows)
  }
}

/**
 * What a producer measures of itself (Java's SenderMetricsRegistry and BufferPool). Counted by batch and by request: a
 * record pays for none of it. `producer-metric-list.ts` has the names.
 */
export class ProducerMetrics {
  readonly topics = new Map<string, TopicMetrics>()
  /** A batch each, its value the bytes as sent. */
  readonly batches: Sensor
  readonly compression: Sensor
  /** Milliseconds from the first record of a batch until it left. */
  readonly queueTime: Sensor
  /** A request each, its value the records. */
  readonly records: Sensor
  /** A record each, its value the bytes before compression. */
  readonly recordSize: Sensor
  readonly retries: Sensor
  readonly errors: Sensor
  readonly splits: Sensor
  /** Milliseconds. */
  readonly latency: Sensor
  /** Milliseconds. */
  readonly throttleTime: Sensor
  /** Milliseconds that somebody waited for room in the buffer. */
  readonly bufferWait: Sensor
  /** Records that were refused because there was no room in time. */
  readonly exhausted: Sensor
  readonly #windows: SampleWindows

  constructor(windows: SampleWindows) {
    this.#windows = windows
    this.batches = new Sensor(windows)
    this.compression = new Sensor(windows)
    this.queueTime = new Sensor(windows)
    this.records = new Sensor(windows)
    this.recordSize = new Sensor(windows)
    this.retries = new Sensor(windows)
    this.errors = new Sensor(windows)
    this.splits = new Sensor(windows)
    this.latency = new Sensor(windows)
    this.throttleTime = new Sensor(windows)
    this.bufferWait = new Sensor(windows)
    this.exhausted = new Sensor(windows)
  }

  /** A request with these batches leaves. As in Java those that are sent again count again. */
  requested(batches: readonly { readonly batch: ProducerBatch }[], now: number): void {
    let records = 0
    for (const { batch } of batches) {
      const { count, size, sentSize } = batch
      const ratio = sentSize / size
      records += count
      this.batches.record(sentSize, now)
      this.compression.record(ratio, now)
      this.queueTime.record(now - batch.createdAt, now)
      this.recordSize.record(size - batchHeaderBytes, now, count, batch.largestRecord)
      const topic = this.#topic(batch.topic)
      topic.records.record(count, now)
      topic.bytes.record(sentSize, now)
      topic.compression.record(ratio, now)
    }
    this.records.record(records, now)
  }

  answered(latencyMs: number, throttleTimeMs: number, now: number): void {
    this.latency.record(latencyMs, now)
    this.throttleTime.record(throttleTimeMs, now)
  }

  retried({ topic, count }: ProducerBatch): void {
    const now = performance.now()
    this.retries.record(count, now)
    this.#topic(topic).retries.record(count, now)
  }

  failed({ topic, count }: ProducerBatch): void {
    const now = performance.now()
    this.errors.record(count, now)
    this.#topic(topic).errors.record(count, now)
  }

  #topic(name: string): TopicMetrics {
    let topic = this.topics.get(name)
    if (topic === undefined) {
      topic = new TopicMetrics(this.#windows)
      this.topics.set(name, topic)
    }
    return topic
  }
}

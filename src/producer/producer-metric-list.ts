import type { Metric } from '../metrics/metric.ts'
import {
  type MetricRow,
  measuredRows,
  metricsOf,
  networkRows,
  nodeMetrics,
  ratedRows,
} from '../metrics/metric-rows.ts'
import type { NetworkMetrics } from '../metrics/network-metrics.ts'
import type { ProducerMetrics } from './producer-metrics.ts'

/** What the figures are made of. */
export interface MetricSources {
  readonly clientId: string
  readonly producer: ProducerMetrics
  readonly network: NetworkMetrics
  /** Bytes of `bufferMemory`, in all and in use; who waits for some. */
  readonly buffer: { readonly total: number; readonly used: number; readonly waiting: number }
  readonly requestsInFlight: number
  /** Monotonic milliseconds of the last answer about metadata; NaN before the first. */
  readonly metadataUpdatedAt: number
  /** The node at `host:port`; null when that is not known. */
  nodeAt(address: string): number | null
}

/**
 * The figures under Java's names. A module of its own, loaded when first asked for: an
 * application that never asks does not load it.
 */
export function listProducerMetrics(sources: MetricSources, now: number): Metric[] {
  const tags = { 'client-id': sources.clientId }
  const ofClient = [
    ...senderRows(sources, now),
    ...bufferRows(sources, now),
    ...networkRows(sources.network, now),
  ]
  const metrics = metricsOf('producer-metrics', tags, ofClient)
  metrics.push(...nodeMetrics('producer-node-metrics', tags, sources.network, sources.nodeAt, now))
  for (const [topic, { records, bytes, compression, retries, errors }] of sources.producer.topics) {
    const rows: MetricRow[] = [
      ...ratedRows('record-send', records, now, 'of records sent for this topic'),
      ...ratedRows('byte', bytes, now, 'of bytes sent for this topic'),
      ['compression-rate', compression.avg(now), 'Average size of a batch after compression by that before'],
      ...ratedRows('record-retry', retries, now, 'of records sent again for this topic'),
      ...ratedRows('record-error', errors, now, 'of records of this topic that were not delivered'),
    ]
    metrics.push(...metricsOf('producer-topic-metrics', { ...tags, topic }, rows))
  }
  return metrics
}

function senderRows(
  { producer, requestsInFlight, metadataUpdatedAt }: MetricSources,
  now: number,
): MetricRow[] {
  return [
    ...measuredRows('batch-size', producer.batches, now, 'bytes of a batch as sent'),
    [
      'compression-rate-avg',
      producer.compression.avg(now),
      'Average size of a batch after compression by that before',
    ],
    ...measuredRows(
      'record-queue-time',
      producer.queueTime,
      now,
      'milliseconds of a batch until it was sent',
    ),
    ...measuredRows('request-latency', producer.latency, now, 'milliseconds from a request to its answer'),
    ...measuredRows(
      'produce-throttle-time',
      producer.throttleTime,
      now,
      'milliseconds that a broker throttled',
    ),
    ...measuredRows('record-size', producer.recordSize, now, 'bytes of a record before compression'),
    ['records-per-request-avg', producer.records.avg(now), 'Average records in a request'],
    ...ratedRows('record-send', producer.records, now, 'of records sent'),
    ...ratedRows('record-retry', producer.retries, now, 'of records sent again'),
    ...ratedRows('record-error', producer.errors, now, 'of records that were not delivered'),
    ...ratedRows('batch-split', producer.splits, now, 'of batches that were split as too large'),
    ['requests-in-flight', requestsInFlight, 'Requests that are not answered yet'],
    ['metadata-age', (now - metadataUpdatedAt) / 1000, 'Age of the metadata, in seconds'],
  ]
}

function bufferRows({ producer, buffer }: MetricSources, now: number): MetricRow[] {
  return [
    ['buffer-total-bytes', buffer.total, 'Bytes of bufferMemory'],
    ['buffer-available-bytes', Math.max(0, buffer.total - buffer.used), 'Bytes of bufferMemory not in use'],
    ['waiting-threads', buffer.waiting, 'Records that wait for room in the buffer'],
    [
      'bufferpool-wait-ratio',
      producer.bufferWait.rate(now) / 1000,
      'Part of the time that records wait for room',
    ],
    [
      'bufferpool-wait-time-ns-total',
      producer.bufferWait.total * 1e6,
      'Nanoseconds that records waited for room',
    ],
    ...ratedRows('buffer-exhausted', producer.exhausted, now, 'of records refused as there was no room'),
  ]
}

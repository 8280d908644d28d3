import type { Metric } from '../metrics/metric.ts'
import { type MetricRow, measuredRows, metricsOf, networkRows, ratedRows } from '../metrics/metric-rows.ts'
import type { NetworkMetrics } from '../metrics/network-metrics.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { PartitionLag } from './consumer-types.ts'

/** What the figures are made of. */
export interface MetricSources {
  readonly clientId: string
  readonly consumer: ConsumerMetrics
  readonly network: NetworkMetrics
  readonly lags: readonly PartitionLag[]
  /** Monotonic milliseconds; now, while the application waits for records. */
  readonly lastPollAt: number
}

/** The figures under Java's names. A module of its own, loaded when first asked for. */
export function listConsumerMetrics(sources: MetricSources, now = performance.now()): Metric[] {
  const { consumer, lags } = sources
  const tags = { 'client-id': sources.clientId }
  const metrics = [
    ...metricsOf('consumer-metrics', tags, [...pollRows(sources, now), ...networkRows(sources.network, now)]),
    ...metricsOf('consumer-coordinator-metrics', tags, coordinatorRows(sources, now)),
    ...metricsOf('consumer-fetch-manager-metrics', tags, fetchRows(sources, now)),
  ]
  for (const [topic, { records, bytes }] of consumer.topics) {
    const rows = [
      ...ratedRows('bytes-consumed', bytes, now, 'of bytes fetched of this topic'),
      ...ratedRows('records-consumed', records, now, 'of records read of this topic'),
    ]
    metrics.push(...metricsOf('consumer-fetch-manager-metrics', { ...tags, topic }, rows))
  }
  for (const { topic, partition, lag } of lags) {
    const row: MetricRow = ['records-lag', lag ?? Number.NaN, 'Records between the position and the end']
    metrics.push(
      ...metricsOf('consumer-fetch-manager-metrics', { ...tags, topic, partition: String(partition) }, [row]),
    )
  }
  return metrics
}

function pollRows({ consumer, lastPollAt }: MetricSources, now: number): MetricRow[] {
  return [
    ...measuredRows('time-between-poll', consumer.betweenPolls, now, 'milliseconds from one ask to the next'),
    ['last-poll-seconds-ago', (now - lastPollAt) / 1000, 'Seconds since records were asked for'],
  ]
}

function coordinatorRows({ consumer, lags }: MetricSources, now: number): MetricRow[] {
  const { commits, rebalances, lastRebalanceAt } = consumer
  return [
    ...measuredRows('commit-latency', commits, now, 'milliseconds of a commit'),
    ['commit-rate', commits.frequency(now), 'Commits a second'],
    ['commit-total', commits.count, 'Commits in all'],
    ['assigned-partitions', lags.length, 'Partitions that are assigned'],
    ...measuredRows('rebalance-latency', rebalances, now, 'milliseconds to take partitions on'),
    ['rebalance-latency-total', rebalances.total, 'Milliseconds to take partitions on, in all'],
    ['rebalance-rate-per-hour', rebalances.frequency(now) * 3600, 'Rebalances an hour'],
    ['rebalance-total', rebalances.count, 'Rebalances in all'],
    ['last-rebalance-seconds-ago', (now - lastRebalanceAt) / 1000, 'Seconds since the last rebalance'],
  ]
}

function fetchRows({ consumer, lags }: MetricSources, now: number): MetricRow[] {
  const { fetchLatency, fetchSize, fetchThrottle, records } = consumer
  const known = lags.flatMap(({ lag }) => lag ?? [])
  return [
    ...measuredRows('fetch-size', fetchSize, now, 'bytes of record batches in an answer'),
    ...measuredRows('fetch-latency', fetchLatency, now, 'milliseconds of a fetch'),
    ...measuredRows('fetch-throttle-time', fetchThrottle, now, 'milliseconds that a broker throttled'),
    ['fetch-rate', fetchLatency.frequency(now), 'Fetches a second'],
    ['fetch-total', fetchLatency.count, 'Fetches in all'],
    ...ratedRows('bytes-consumed', fetchSize, now, 'of bytes fetched'),
    ...ratedRows('records-consumed', records, now, 'of records read'),
    [
      'records-lag-max',
      known.length === 0 ? Number.NaN : Math.max(...known),
      'Most records that a partition is behind',
    ],
  ]
}

import type { Metric } from '../../metrics/metric.ts'
import {
  countedRows,
  type MetricRow,
  measuredRows,
  metricsOf,
  networkRows,
  nodeMetrics,
  ratedRows,
} from '../../metrics/metric-rows.ts'
import type { NetworkMetrics } from '../../metrics/network-metrics.ts'
import { heartbeatRows } from '../heartbeat-rows.ts'
import type { ShareConsumerMetrics } from './share-metrics.ts'

/** What the figures are made of. */
export interface ShareMetricSources {
  readonly clientId: string
  readonly share: ShareConsumerMetrics
  readonly network: NetworkMetrics
  /** Monotonic milliseconds; now, while the application waits for records; NaN before the first ask. */
  readonly lastPollAt: number
  /** The node at `host:port`; null when that is not known. */
  nodeAt(address: string): number | null
}

/** The figures under Java's names (ShareFetchMetricsRegistry and its like). A module of its own, loaded when asked for. */
export function listShareMetrics(sources: ShareMetricSources, now = performance.now()): Metric[] {
  const { share, network, lastPollAt } = sources
  const tags = { 'client-id': sources.clientId }
  const { betweenPolls, pollIdle, rebalances } = share
  return [
    ...metricsOf('consumer-share-metrics', tags, [
      ...measuredRows('time-between-poll', betweenPolls, now, 'milliseconds from one ask to the next'),
      ['last-poll-seconds-ago', (now - lastPollAt) / 1000, 'Seconds since records were asked for'],
      ['poll-idle-ratio-avg', pollIdle.avg(now), 'Part of the time that the application waits for records'],
    ]),
    ...metricsOf('consumer-share-coordinator-metrics', tags, [
      ...heartbeatRows(network.apis.get('ShareGroupHeartbeat'), now),
      ['rebalance-total', rebalances.count, 'Assignments in all'],
      ['rebalance-rate-per-hour', rebalances.frequency(now) * 3600, 'Assignments an hour'],
    ]),
    ...metricsOf('consumer-share-fetch-manager-metrics', tags, fetchRows(share, now)),
    // As in Java, which does not tell these apart from a consumer's.
    ...metricsOf('consumer-metrics', tags, networkRows(network, now)),
    ...nodeMetrics('consumer-node-metrics', tags, network, sources.nodeAt, now),
  ]
}

function fetchRows(share: ShareConsumerMetrics, now: number): MetricRow[] {
  const { fetchLatency, fetchSize, fetchThrottle, records, acknowledgements, failedAcknowledgements } = share
  return [
    ...measuredRows('fetch-size', fetchSize, now, 'bytes of record batches in an answer'),
    ...ratedRows('bytes-consumed', fetchSize, now, 'of bytes fetched'),
    ...measuredRows('records-per-request', records, now, 'records acquired with an answer'),
    ...ratedRows('records-consumed', records, now, 'of records acquired'),
    ...ratedRows(
      'acknowledgements-send',
      acknowledgements,
      now,
      'of records whose acknowledgements were answered',
    ),
    ...ratedRows('acknowledgements-error', failedAcknowledgements, now, 'of those that came to nothing'),
    ...measuredRows('fetch-latency', fetchLatency, now, 'milliseconds of a fetch'),
    ...countedRows('fetch', fetchLatency, now, 'Fetches'),
    ...measuredRows('fetch-throttle-time', fetchThrottle, now, 'milliseconds that a broker throttled'),
  ]
}

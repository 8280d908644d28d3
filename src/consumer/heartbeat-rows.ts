import type { MetricRow } from '../metrics/metric-rows.ts'
import type { ApiMetrics } from '../metrics/network-metrics.ts'

/** Of the heartbeats of any group protocol (Java's HeartbeatMetricsManager). */
export function heartbeatRows(heartbeats: ApiMetrics | undefined, now: number): MetricRow[] {
  const beats = heartbeats?.latency
  return [
    ['heartbeat-rate', beats?.frequency(now) ?? 0, 'Heartbeats a second'],
    ['heartbeat-total', beats?.count ?? 0, 'Heartbeats in all'],
    ['heartbeat-response-time-max', beats?.max(now) ?? Number.NaN, 'Most milliseconds of a heartbeat'],
    [
      'last-heartbeat-seconds-ago',
      (now - (heartbeats?.lastSentAt ?? Number.NaN)) / 1000,
      'Seconds since the last heartbeat that was answered',
    ],
  ]
}

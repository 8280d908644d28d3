import type { Metric } from '../metrics/metric.ts'
import {
  countedRows,
  type MetricRow,
  measuredRows,
  metricsOf,
  networkRows,
  nodeMetrics,
  ratedRows,
} from '../metrics/metric-rows.ts'
import type { NetworkMetrics } from '../metrics/network-metrics.ts'
import type { Sensor } from '../metrics/sensor.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import { heartbeatRows } from './heartbeat-rows.ts'
import { lagOf } from './partition-lag.ts'

/** What the figures are made of. */
export interface MetricSources {
  readonly clientId: string
  readonly consumer: ConsumerMetrics
  readonly network: NetworkMetrics
  readonly partitions: readonly AssignedPartition[]
  /** Monotonic milliseconds; now, while the application waits for records. */
  readonly lastPollAt: number
  /** The node at `host:port`; null when that is not known. */
  nodeAt(address: string): number | null
}

/** The figures under Java's names. A module of its own, loaded when first asked for. */
export function listConsumerMetrics(sources: MetricSources, now = performance.now()): Metric[] {
  const { consumer, network, partitions } = sources
  const tags = { 'client-id': sources.clientId }
  const fetchGroup = 'consumer-fetch-manager-metrics'
  const metrics = [
    ...metricsOf('consumer-metrics', tags, [...clientRows(sources, now), ...networkRows(network, now)]),
    ...nodeMetrics('consumer-node-metrics', tags, network, sources.nodeAt, now),
    ...metricsOf('consumer-coordinator-metrics', tags, coordinatorRows(sources, now)),
    ...metricsOf(fetchGroup, tags, fetchRows(sources, now)),
  ]
  for (const [topic, { records, bytes }] of consumer.topics) {
    const rows: MetricRow[] = [
      ...measuredRows('fetch-size', bytes, now, 'bytes of record batches of this topic in an answer'),
      ...ratedRows('bytes-consumed', bytes, now, 'of bytes fetched of this topic'),
      ...ratedRows('records-consumed', records, now, 'of records read of this topic'),
      [
        'records-per-request-avg',
        perRequest(records, bytes, now),
        'Average records of this topic in an answer',
      ],
    ]
    metrics.push(...metricsOf(fetchGroup, { ...tags, topic }, rows))
  }
  for (const partition of partitions) {
    const { topic } = partition
    const ofPartition = { ...tags, topic, partition: String(partition.partition) }
    metrics.push(...metricsOf(fetchGroup, ofPartition, partitionRows(partition)))
  }
  return metrics
}

function clientRows({ consumer, lastPollAt }: MetricSources, now: number): MetricRow[] {
  const { betweenPolls, pollIdle, commits, committedCalls } = consumer
  return [
    ...measuredRows('time-between-poll', betweenPolls, now, 'milliseconds from one ask to the next'),
    ['last-poll-seconds-ago', (now - lastPollAt) / 1000, 'Seconds since records were asked for'],
    ['poll-idle-ratio-avg', pollIdle.avg(now), 'Part of the time that the application waits for records'],
    ['commit-sync-time-ns-total', commits.total * 1e6, 'Nanoseconds of all commits'],
    ['committed-time-ns-total', committedCalls.total * 1e6, 'Nanoseconds of all calls of committed()'],
  ]
}

function coordinatorRows({ consumer, network, partitions }: MetricSources, now: number): MetricRow[] {
  const { commits, rebalances, failedRebalances, joins, syncs, hooks, lastRebalanceAt } = consumer
  const heartbeats = network.apis.get('Heartbeat') ?? network.apis.get('ConsumerGroupHeartbeat')
  return [
    ...measuredRows('commit-latency', commits, now, 'milliseconds of a commit'),
    ...countedRows('commit', commits, now, 'Commits'),
    ['assigned-partitions', partitions.length, 'Partitions that are assigned'],
    ...heartbeatRows(heartbeats, now),
    ...measuredRows('join-time', joins, now, 'milliseconds until the group had its members'),
    ...countedRows('join', joins, now, 'Joins'),
    ...measuredRows('sync-time', syncs, now, 'milliseconds until the group had its assignment'),
    ...countedRows('sync', syncs, now, 'Assignments'),
    ...measuredRows('rebalance-latency', rebalances, now, 'milliseconds of a rebalance'),
    ['rebalance-latency-total', rebalances.total, 'Milliseconds of all rebalances'],
    ['rebalance-rate-per-hour', rebalances.frequency(now) * 3600, 'Rebalances an hour'],
    ['rebalance-total', rebalances.count, 'Rebalances in all'],
    [
      'failed-rebalance-rate-per-hour',
      failedRebalances.frequency(now) * 3600,
      'Rebalances an hour that were begun anew, or broken off',
    ],
    ['failed-rebalance-total', failedRebalances.count, 'Rebalances that were begun anew, or broken off'],
    ['last-rebalance-seconds-ago', (now - lastRebalanceAt) / 1000, 'Seconds since the last rebalance'],
    ...measuredRows(
      'partition-assigned-latency',
      hooks.onPartitionsAssigned,
      now,
      'milliseconds of onPartitionsAssigned',
    ),
    ...measuredRows(
      'partition-revoked-latency',
      hooks.onPartitionsRevoked,
      now,
      'milliseconds of onPartitionsRevoked',
    ),
    ...measuredRows(
      'partition-lost-latency',
      hooks.onPartitionsLost,
      now,
      'milliseconds of onPartitionsLost',
    ),
  ]
}

function fetchRows({ consumer, partitions }: MetricSources, now: number): MetricRow[] {
  const { fetchLatency, fetchSize, fetchThrottle, records } = consumer
  const lags = [...partitions.flatMap((one) => lagOf(one).lag ?? []), consumer.lags.max(now)]
  const leads = partitions.flatMap((one) => leadOf(one) ?? [])
  return [
    ...measuredRows('fetch-size', fetchSize, now, 'bytes of record batches in an answer'),
    ...measuredRows('fetch-latency', fetchLatency, now, 'milliseconds of a fetch'),
    ...measuredRows('fetch-throttle-time', fetchThrottle, now, 'milliseconds that a broker throttled'),
    ...countedRows('fetch', fetchLatency, now, 'Fetches'),
    ...ratedRows('bytes-consumed', fetchSize, now, 'of bytes fetched'),
    ...ratedRows('records-consumed', records, now, 'of records read'),
    ['records-per-request-avg', perRequest(records, fetchLatency, now), 'Average records in an answer'],
    ['records-lag-max', largest(lags), 'Most records that a partition is or was behind'],
    [
      'records-lead-min',
      -largest(leads.map((lead) => -lead)),
      'Least records between a first one and a position',
    ],
  ]
}

function partitionRows(partition: AssignedPartition): MetricRow[] {
  return [
    ['records-lag', lagOf(partition).lag ?? Number.NaN, 'Records between the position and the end'],
    ['records-lead', leadOf(partition) ?? Number.NaN, 'Records between the first one and the position'],
    [
      'preferred-read-replica',
      partition.preferredReplica < 0 ? Number.NaN : partition.preferredReplica,
      'Node that the leader told to read from',
    ],
  ]
}

/** How far the position is from what retention takes away next. */
function leadOf({ position, logStartOffset }: AssignedPartition): number | null {
  return position < 0 || logStartOffset < 0 ? null : Math.max(0, position - logStartOffset)
}

function perRequest(records: Sensor, requests: Sensor, now: number): number {
  return records.rate(now) / requests.frequency(now)
}

/** NaN for none. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most), Number.NaN)
}

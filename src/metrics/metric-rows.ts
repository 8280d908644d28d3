import type { Metric } from './metric.ts'
import type { NetworkMetrics } from './network-metrics.ts'
import type { Sensor } from './sensor.ts'

/** A figure before it has group and tags. */
export type MetricRow = readonly [name: string, value: number, description: string]

/** What the connections of a client have carried, the same for all clients. */
export function networkRows(network: NetworkMetrics, now: number): MetricRow[] {
  const { requests, responses, connectionsOpened, connectionsClosed, connectionCount } = network
  return [
    ['connection-count', connectionCount, 'Connections that are open'],
    ...ratedRows('connection-creation', connectionsOpened, now, 'of connections opened'),
    ...ratedRows('connection-close', connectionsClosed, now, 'of connections closed'),
    ...ratedRows('outgoing-byte', requests, now, 'of bytes sent to all brokers'),
    ...ratedRows('incoming-byte', responses, now, 'of bytes read from all brokers'),
    ['request-rate', requests.frequency(now), 'Requests a second'],
    ['request-total', requests.count, 'Requests in all'],
    ...measuredRows('request-size', requests, now, 'bytes of a request'),
    ['response-rate', responses.frequency(now), 'Answers a second'],
    ['response-total', responses.count, 'Answers in all'],
  ]
}

/**
 * The same by broker (Java's consumer-node-metrics and its like).
 *
 * @param idOf the node at an address; null when the cluster does not tell of any: one of `bootstrapServers`.
 */
export function nodeMetrics(
  group: string,
  tags: Metric['tags'],
  network: NetworkMetrics,
  idOf: (address: string) => number | null,
  now: number,
): Metric[] {
  return [...network.nodes].flatMap(([address, { requests, responses, latency }]) => {
    const id = idOf(address)
    return metricsOf(group, { ...tags, 'node-id': id === null ? `bootstrap-${address}` : `node-${id}` }, [
      ...ratedRows('outgoing-byte', requests, now, 'of bytes sent to this broker'),
      ...ratedRows('incoming-byte', responses, now, 'of bytes read from this broker'),
      ['request-rate', requests.frequency(now), 'Requests a second'],
      ['request-total', requests.count, 'Requests in all'],
      ...measuredRows('request-size', requests, now, 'bytes of a request'),
      ['response-rate', responses.frequency(now), 'Answers a second'],
      ['response-total', responses.count, 'Answers in all'],
      ...measuredRows('request-latency', latency, now, 'milliseconds from a request to its answer'),
    ])
  })
}

export function measuredRows(name: string, sensor: Sensor, now: number, what: string): MetricRow[] {
  return [
    [`${name}-avg`, sensor.avg(now), `Average ${what}`],
    [`${name}-max`, sensor.max(now), `Most ${what}`],
  ]
}

/** @param what begins with `of`. */
export function ratedRows(name: string, sensor: Sensor, now: number, what: string): MetricRow[] {
  return [
    [`${name}-rate`, sensor.rate(now), `Number a second ${what}`],
    [`${name}-total`, sensor.total, `Number ${what}`],
  ]
}

/** How often, in a second and in all. */
export function countedRows(name: string, sensor: Sensor, now: number, what: string): MetricRow[] {
  return [
    [`${name}-rate`, sensor.frequency(now), `${what} a second`],
    [`${name}-total`, sensor.count, `${what} in all`],
  ]
}

export function metricsOf(group: string, tags: Metric['tags'], rows: readonly MetricRow[]): Metric[] {
  return rows.map(([name, value, description]) => ({ name, group, tags, value, description }))
}

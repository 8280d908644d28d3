import { typeFault } from '../../configs/config-value.ts'
import { clientMetricsConfigDefinitions } from '../../configs/known-configs.ts'
import type { KafkaCluster } from '../kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import type { ConfigStore } from './config-store.ts'

/** What clients can be chosen by (KIP-714). */
const matchKeys = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

const shortestIntervalMs = 100
const longestIntervalMs = 3_600_000

/** A subscription to client metrics comes to be with its first config, and goes with its last. */
export function clientMetricsStore({ configs }: KafkaCluster, name: string): ConfigStore {
  const subscriptions = configs.clientMetrics
  return {
    current: subscriptions.get(name) ?? new Map(),
    // None of them is a list as far as the controller knows.
    isList: () => false,
    defaultOf: (config) => clientMetricsConfigDefinitions().get(config)?.defaultValue ?? null,
    check: (values) => {
      if (name === '') throw new Refusal('INVALID_REQUEST', "Subscription name can't be empty")
      for (const [config, value] of values) check(config, value)
    },
    mustExist: () => {},
    replace: (values) => {
      if (values.size === 0) subscriptions.delete(name)
      else subscriptions.set(name, new Map(values))
    },
  }
}

/** Java's `ClientMetricsConfigs.validate`. */
function check(name: string, value: string): void {
  const definition = clientMetricsConfigDefinitions().get(name)
  if (definition === undefined) {
    throw new Refusal('INVALID_REQUEST', `Unknown client metrics configuration: ${name}`)
  }
  const fault = typeFault(definition, value)
  if (fault !== null) throw new Refusal('INVALID_CONFIG', fault)
  const interval = Number(value)
  if (name === 'interval.ms' && (interval < shortestIntervalMs || interval > longestIntervalMs)) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Invalid value ${value} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
    )
  }
  if (name !== 'match') return
  for (const pattern of value.split(',').map((one) => one.trim())) {
    if (pattern === '' || isMatchPattern(pattern)) continue
    throw new Refusal('INVALID_CONFIG', `Illegal client matching pattern: ${pattern}`)
  }
}

/** As `client_id=app-.*`. */
function isMatchPattern(pattern: string): boolean {
  const [key = '', expression, ...more] = pattern.split('=')
  if (expression === undefined || more.length > 0 || !matchKeys.has(key.trim())) return false
  try {
    return new RegExp(expression.trim(), 'u') !== null
  } catch {
    return false
  }
}

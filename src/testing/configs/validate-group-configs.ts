import type { BrokerConfig } from './broker-config.ts'
import { invalidValue, parseNumber, showNumber, typeFault } from './config-value.ts'
import { brokerConfigDefinitions, groupConfigDefinitions } from './known-configs.ts'

/** Lower limits that are not the broker's to set. */
const atLeast: Readonly<Record<string, number>> = {
  'share.record.lock.duration.ms': 1000,
  'share.delivery.count.limit': 2,
  'share.partition.max.record.locks': 100,
  'streams.num.standby.replicas': 0,
  'streams.initial.rebalance.delay.ms': 0,
}

const isolationLevels = ['read_committed', 'read_uncommitted']

/** Configs whose limits go by another name than they. */
const limitNames: Readonly<Record<string, string>> = { 'num.standby.replicas': 'standby.replicas' }

/** What is wrong with what a group sets, in Kafka's words (Java's `GroupConfig.validate`, 4.3); null: nothing. */
export function groupConfigFault(values: ReadonlyMap<string, string>, broker: BrokerConfig): string | null {
  const definitions = groupConfigDefinitions()
  for (const name of values.keys()) if (!definitions.has(name)) return `Unknown group config name: ${name}`
  for (const [name, value] of values) {
    const fault = typeFault(definitions.get(name)!, value) ?? valueFault(name, value)
    if (fault !== null) return fault
  }
  for (const [name, value] of values) {
    const fault = limitFault(name, value, broker)
    if (fault !== null) return fault
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
    if (!values.has(session) && !values.has(heartbeat)) continue
    const of = (name: string) => Number(values.get(name) ?? broker.value(`group.${name}`))
    if (of(session) <= of(heartbeat)) return `${session} must be greater than ${heartbeat}`
  }
  return null
}

function valueFault(name: string, value: string): string | null {
  if (name === 'share.isolation.level') {
    if (isolationLevels.includes(value)) return null
    return invalidValue(name, value, `String must be one of: ${isolationLevels.join(', ')}`)
  }
  if (name === 'share.auto.offset.reset') {
    if (/^(earliest|latest|by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/i.test(value))
      return null
    return invalidValue(
      name,
      value,
      `Invalid value \`${value}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
    )
  }
  const { type } = groupConfigDefinitions().get(name)!
  if (type !== 'INT') return null
  const least = atLeast[name] ?? (name.endsWith('.assignment.interval.ms') ? 0 : 1)
  if (parseNumber(value) >= least) return null
  return invalidValue(name, showNumber(type, value), `Value must be at least ${least}`)
}

/** `consumer.session.timeout.ms` has `group.consumer.min.session.timeout.ms` and `...max...` about it. */
function limitFault(name: string, value: string, broker: BrokerConfig): string | null {
  const kind = name.slice(0, name.indexOf('.'))
  const rest = name.slice(kind.length + 1)
  const limit = (which: 'min' | 'max') => {
    const found = `group.${kind}.${which}.${limitNames[rest] ?? rest}`
    return brokerConfigDefinitions().has(found) ? found : null
  }
  const [min, max] = [limit('min'), limit('max')]
  if (min !== null && parseNumber(value) < broker.getNumber(min)) {
    return `${name} must be greater than or equal to ${min}`
  }
  if (max !== null && parseNumber(value) > broker.getNumber(max)) {
    return `${name} must be less than or equal to ${max}`
  }
  return null
}

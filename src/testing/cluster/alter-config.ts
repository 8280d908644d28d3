import { resourceTypes } from './config-resources.ts'
import { brokerStore } from './config-stores/broker-store.ts'
import { clientMetricsStore } from './config-stores/client-metrics-store.ts'
import type { ConfigChange, ConfigStore } from './config-stores/config-store.ts'
import { groupStore } from './config-stores/group-store.ts'
import { topicStore } from './config-stores/topic-store.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { Refusal } from './refusal.ts'

/** What is done with a config, by the codes of IncrementalAlterConfigs (Java's `AlterConfigOp.OpType`). */
export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

const operationNames = ['SET', 'DELETE', 'APPEND', 'SUBTRACT']

export interface ConfigAlteration {
  /** By `resourceTypes`. */
  readonly type: number
  readonly name: string
  readonly changes: readonly ConfigChange[]
  /** What is not named goes back to its default (AlterConfigs). */
  readonly replacesAll: boolean
  readonly validateOnly: boolean
}

/** What a resource's configs are kept in; null where there are none of that type. */
export function configStore(cluster: KafkaCluster, type: number, name: string): ConfigStore | null {
  switch (type) {
    case resourceTypes.topic:
      return topicStore(cluster, name)
    case resourceTypes.broker:
      return brokerStore(cluster, name === '' ? null : Number(name))
    case resourceTypes.clientMetrics:
      return clientMetricsStore(cluster, name)
    case resourceTypes.group:
      return groupStore(cluster, name)
    default:
      return null
  }
}

/** Changes the configs of one resource, or tries to (Java's `ConfigurationControlManager`). @throws Refusal */
export function alterConfig(
  store: ConfigStore,
  { changes, replacesAll, validateOnly }: ConfigAlteration,
): void {
  const values = new Map(replacesAll ? [] : store.current)
  for (const change of changes) {
    const value = valueAfter(change, values, store)
    if (value === null) values.delete(change.name)
    else values.set(change.name, value)
  }
  store.check(values, changes)
  store.mustExist()
  if (!validateOnly) store.replace(values)
}

function valueAfter(
  { name, operation, value }: ConfigChange,
  values: ReadonlyMap<string, string>,
  store: ConfigStore,
): string | null {
  if (operation === configOperations.set) return value
  if (operation === configOperations.delete) return null
  // Kafka trips over it, and says no more.
  if (operationNames[operation] === undefined) throw new Refusal('UNKNOWN_SERVER_ERROR', null)
  if (!store.isList(name)) {
    const told = `Can't ${operationNames[operation]} to key ${name} because its type is not LIST.`
    throw new Refusal('INVALID_CONFIG', told)
  }
  const items = (values.get(name) ?? store.defaultOf(name) ?? '').split(',').filter((item) => item !== '')
  const given = (value ?? '').split(',')
  if (operation === configOperations.subtract) return items.filter((item) => !given.includes(item)).join(',')
  return [...items, ...given.filter((item, i) => !items.includes(item) && given.indexOf(item) === i)].join(
    ',',
  )
}

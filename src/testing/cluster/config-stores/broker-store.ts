import { typeFault } from '../../configs/config-value.ts'
import { brokerConfigDefinitions } from '../../configs/known-configs.ts'
import type { KafkaCluster } from '../kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import type { ConfigChange, ConfigStore } from './config-store.ts'

/** Configs that belong to a listener: alone, without its prefix, none of them can be changed. */
const ofListeners = /^ssl\.(key\.password|keystore\.|truststore\.)/

const minInSync = 'min.insync.replicas'

/** @param id null: for all brokers. */
export function brokerStore(cluster: KafkaCluster, id: number | null): ConfigStore {
  const { configs } = cluster
  const current = configs.dynamicOfBroker(id)
  return {
    current,
    isList: (name) => brokerConfigDefinitions().get(name)?.type === 'LIST',
    defaultOf: (name) => brokerConfigDefinitions().get(name)?.defaultValue ?? null,
    check: (values, changes) => {
      checkDynamic(values, id !== null)
      if (cluster.features.level('eligible.leader.replicas.version') > 0)
        checkMinInSync(values, current, changes, id)
    },
    mustExist: () => {
      if (id === null || cluster.brokers.has(id)) return
      throw new Refusal('BROKER_ID_NOT_REGISTERED', `No broker with id ${id} found.`)
    },
    replace: (values) => {
      for (const name of current.keys()) if (!values.has(name)) configs.setOfBroker(id, name, null)
      for (const [name, value] of values) configs.setOfBroker(id, name, value)
    },
  }
}

/** Java's `DynamicBrokerConfig.validate`, whose refusals are all INVALID_REQUEST (KAFKA-13609). */
function checkDynamic(values: ReadonlyMap<string, string>, perBroker: boolean): void {
  const known = [...values.keys()].filter((name) => brokerConfigDefinitions().has(name))
  const refuse = (names: readonly string[], why: string) => {
    if (names.length > 0) throw new Refusal('INVALID_REQUEST', `${why}: [${names.join(', ')}]`)
  }
  refuse(
    known.filter((name) => brokerConfigDefinitions().get(name)!.readOnly),
    'Cannot update these configs dynamically',
  )
  refuse(
    known.filter((name) => ofListeners.test(name)),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  )
  for (const name of known) {
    const fault = typeFault(brokerConfigDefinitions().get(name)!, values.get(name)!)
    if (fault !== null) throw new Refusal('INVALID_REQUEST', fault)
  }
  if (perBroker) return
  refuse(
    known.filter((name) => brokerConfigDefinitions().get(name)!.updateMode === 'per-broker'),
    'Cannot update these configs at default cluster level, broker id must be specified',
  )
}

/** With KIP-966 the controller has to know how many replicas in sync there must be, and it goes by one value for all. */
function checkMinInSync(
  values: ReadonlyMap<string, string>,
  current: ReadonlyMap<string, string>,
  changes: readonly ConfigChange[],
  id: number | null,
): void {
  const removed =
    changes.some(({ name, value }) => name === minInSync && value === null) ||
    (current.has(minInSync) && !values.has(minInSync))
  if (id !== null && (removed || changes.some(({ name }) => name === minInSync))) {
    throw new Refusal('INVALID_CONFIG', `Broker-level ${minInSync} cannot be altered while ELR is enabled.`)
  }
  if (id === null && removed) {
    throw new Refusal('INVALID_CONFIG', `Cluster-level ${minInSync} cannot be removed while ELR is enabled.`)
  }
}

import { groupConfigDefinitions } from '../../configs/known-configs.ts'
import { groupConfigFault } from '../../configs/validate-group-configs.ts'
import type { KafkaCluster } from '../kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import type { ConfigStore } from './config-store.ts'

/** Groups need not exist to have configs (KIP-848). */
export function groupStore(cluster: KafkaCluster, groupId: string): ConfigStore {
  const config = cluster.groupConfigs.get(groupId)
  return {
    current: config.overrides(),
    // None of them is a list as far as the controller knows.
    isList: () => false,
    defaultOf: (name) => groupConfigDefinitions().get(name)?.defaultValue ?? null,
    check: (values) => {
      if (groupId === '') throw new Refusal('INVALID_REQUEST', 'Default group resources are not allowed.')
      const fault = groupConfigFault(values, cluster.config)
      if (fault !== null) throw new Refusal('INVALID_CONFIG', fault)
    },
    mustExist: () => {},
    replace: (values) => {
      for (const old of [...config.overrides().keys()]) if (!values.has(old)) config.delete(old)
      for (const [name, value] of values) config.set(name, value)
    },
  }
}

import { topicConfigDefinitions } from '../../configs/known-configs.ts'
import { TopicConfig } from '../../configs/topic-config.ts'
import { validateTopicConfigs } from '../../configs/validate-topic-config.ts'
import type { KafkaCluster } from '../kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import { topicNameProblem } from '../topic-name.ts'
import type { ConfigStore } from './config-store.ts'

export function topicStore(cluster: KafkaCluster, name: string): ConfigStore {
  const topic = cluster.topics.get(name)
  const defaultOf = (config: string) =>
    topicConfigDefinitions().has(config) ? new TopicConfig(cluster.config).value(config) : null
  return {
    current: topic?.config.overrides() ?? new Map(),
    isList: (config) => topicConfigDefinitions().get(config)?.type === 'LIST',
    defaultOf,
    check: (values) => {
      if (name === '') throw new Refusal('INVALID_REQUEST', 'Default topic resources are not allowed.')
      const problem = topicNameProblem(name)
      if (problem !== null) throw new Refusal('INVALID_TOPIC_EXCEPTION', problem)
      const fault = validateTopicConfigs(values, defaultOf)
      if (fault !== null) throw new Refusal('INVALID_CONFIG', fault)
    },
    mustExist: () => {
      if (topic !== undefined) return
      throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
    },
    replace: (values) => {
      if (topic === undefined) return
      const { config } = topic
      const wasUnclean = config.getBoolean('unclean.leader.election.enable')
      for (const old of [...config.overrides().keys()]) if (!values.has(old)) config.delete(old)
      for (const [key, value] of values) config.set(key, value)
      cluster.topics.changed(topic)
      // A partition that waits for a replica in sync need wait no longer.
      if (!wasUnclean && config.getBoolean('unclean.leader.election.enable')) cluster.electLeaders()
    },
  }
}

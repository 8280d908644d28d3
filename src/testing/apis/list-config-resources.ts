import { listConfigResources } from '../../protocol/apis/list-config-resources.ts'
import { handler } from '../broker/api-handler.ts'
import { resourceTypes } from '../cluster/config-resources.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import { errors } from '../error-codes.ts'

export const listConfigResourcesHandler = handler(listConfigResources, (request, context) => {
  const { cluster, version } = context
  if (!context.allows('DESCRIBE_CONFIGS', 'CLUSTER')) {
    return { errorCode: errors.CLUSTER_AUTHORIZATION_FAILED }
  }
  // Version 0, ListClientMetricsResources, knows of no other type (KIP-1142).
  const all = version === 0 ? [resourceTypes.clientMetrics] : Object.values(resourceTypes)
  const asked = request.resourceTypes.length === 0 ? all : [...new Set(request.resourceTypes)]
  const isKnown = (type: number): type is ResourceType => (all as readonly number[]).includes(type)
  if (!asked.every(isKnown)) return { errorCode: errors.UNSUPPORTED_VERSION }
  return {
    configResources: asked.flatMap((resourceType) =>
      namesOf(resourceType, cluster).map((resourceName) => ({ resourceName, resourceType })),
    ),
  }
})

type ResourceType = (typeof resourceTypes)[keyof typeof resourceTypes]

function namesOf(type: ResourceType, cluster: KafkaCluster): string[] {
  switch (type) {
    case resourceTypes.topic:
      return [...cluster.topics].map(({ name }) => name)
    case resourceTypes.broker:
    case resourceTypes.brokerLogger:
      return cluster.liveBrokerIds().map(String)
    case resourceTypes.clientMetrics:
      return [...cluster.configs.clientMetrics.keys()]
    case resourceTypes.group:
      return [...cluster.groupConfigs]
        .filter(([, config]) => config.overrides().size > 0)
        .map(([groupId]) => groupId)
  }
}

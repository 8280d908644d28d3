import { describeCluster } from '../../protocol/apis/describe-cluster.ts'
import { handler } from '../broker/api-handler.ts'
import { refused } from '../cluster/refusal.ts'
import { authorizedOperations } from '../security/authorized-operations.ts'

/** Who is asked for (KIP-919). */
const endpointTypes = { brokers: 1, controllers: 2 } as const

export const describeClusterHandler = handler(describeCluster, (request, context) => {
  const { cluster, connection } = context
  const { endpointType } = request
  if (endpointType === endpointTypes.controllers) {
    return refused(
      'MISMATCHED_ENDPOINT_TYPE',
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    )
  }
  if (endpointType !== endpointTypes.brokers) {
    return refused('UNSUPPORTED_ENDPOINT_TYPE', `Unsupported endpoint type ${endpointType}`)
  }
  const brokers = [...cluster.brokers.values()]
    .filter(({ id }) => request.includeFencedBrokers || cluster.isAlive(id))
    .map((broker) => ({
      brokerId: broker.id,
      ...broker.addressFor(connection.listener.option.name),
      rack: broker.rack,
      // Kafka calls fenced who does not answer the controller.
      isFenced: !cluster.isAlive(broker.id),
    }))
  return {
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    brokers,
    ...(request.includeClusterAuthorizedOperations
      ? {
          clusterAuthorizedOperations: context.allows('DESCRIBE', 'CLUSTER')
            ? authorizedOperations(context, 'CLUSTER', 'kafka-cluster')
            : 0,
        }
      : {}),
  }
})

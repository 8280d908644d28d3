import { unregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { handler } from '../broker/api-handler.ts'
import { attempt, Refusal, refused } from '../cluster/refusal.ts'

export const unregisterBrokerHandler = handler(unregisterBroker, ({ brokerId }, context) => {
  const { cluster } = context
  if (!context.allows('ALTER', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  return attempt(() => {
    if (!cluster.brokers.has(brokerId)) {
      throw new Refusal('BROKER_ID_NOT_REGISTERED', `Broker ID ${brokerId} is not currently registered`)
    }
    // One that runs registers itself again at once.
    if (!cluster.isAlive(brokerId)) cluster.brokers.delete(brokerId)
  })
})

import type { RequestContext } from '../broker/request-context.ts'

/** Addresses of brokers that an answer names as leaders (KIP-951), by the listener that the client came by. */
export function brokerEndpoints(ids: ReadonlySet<number>, { cluster, connection }: RequestContext) {
  return [...ids]
    .filter((id) => cluster.isAlive(id))
    .map((nodeId) => {
      const broker = cluster.brokers.get(nodeId)!
      return { nodeId, ...broker.addressFor(connection.listener.option.name), rack: broker.rack }
    })
}

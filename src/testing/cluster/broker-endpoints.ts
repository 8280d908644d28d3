import type { RequestContext } from '../broker/request-context.ts'

/** Addresses of those brokers that run, by the listener that the client came by. */
export function brokerEndpoints(ids: Iterable<number>, { cluster, connection }: RequestContext) {
  return [...ids]
    .filter((id) => cluster.isAlive(id))
    .map((nodeId) => {
      const broker = cluster.brokers.get(nodeId)!
      return { nodeId, ...broker.addressFor(connection.listener.option.name), rack: broker.rack }
    })
}

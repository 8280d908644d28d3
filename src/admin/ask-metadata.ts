import { Backoff } from '../backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Node } from '../cluster/metadata.ts'
import type { Deadline } from '../deadline.ts'
import { type MetadataResponse, metadata } from '../protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'

/**
 * Asks a broker about these topics now, or about all for null. The answer is not kept: an admin client that looks at a
 * whole cluster once must not go on refreshing it.
 */
export async function askMetadata(
  cluster: Cluster,
  topics: readonly string[] | null,
  deadline: Deadline,
  { includeClusterAuthorizedOperations = false } = {},
): Promise<MetadataResponse> {
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  for (;;) {
    try {
      return await cluster.request(
        metadata,
        (version) => ({
          // Version 0 knows no null: an empty list means all.
          topics: topics === null ? (version === 0 ? [] : null) : topics.map((name) => ({ name })),
          ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
          ...(version >= 8 && version <= 10 ? { includeClusterAuthorizedOperations } : {}),
        }),
        { to: 'any', deadline, errorOf: (answer) => answer.errorCode },
      )
    } catch (error) {
      const rebootstrap = error instanceof BrokerError && error.errorCode === errorCodes.rebootstrapRequired
      if (!rebootstrap || deadline.expired) throw error
      // KIP-1102: this broker belongs to another cluster by now, and so may all that we know.
      cluster.metadata.forgetNodes()
      await cluster.pause(backoff.next(), deadline)
    }
  }
}

/** The brokers of an answer, by their id, in the order of ids. */
export function nodesOf(response: MetadataResponse): Map<number, Node> {
  const nodes = response.brokers
    .map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
    .sort((a, b) => a.id - b.id)
  return new Map(nodes.map((node) => [node.id, node]))
}

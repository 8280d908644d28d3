import type { Cluster } from '../cluster/cluster.ts'
import type { Node } from '../cluster/metadata.ts'
import type { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { describeCluster as describeClusterApi } from '../protocol/apis/describe-cluster.ts'
import { type AclOperation, authorizedOperations } from './acl-operation.ts'
import type { CallOptions } from './admin-options.ts'
import { askMetadata, nodesOf } from './ask-metadata.ts'

export interface DescribeClusterOptions extends CallOptions {
  /** Whether to ask what this client may do with the cluster (KIP-430). Default false. */
  includeAuthorizedOperations?: boolean | undefined
}

export interface ClusterDescription {
  /** Null before Kafka 0.10.1. */
  readonly clusterId: string | null
  /** Under KRaft a broker that passes requests on, as the controllers themselves are not told. Null: not known. */
  readonly controller: Node | null
  /** By id. */
  readonly nodes: readonly Node[]
  /** What this client may do with the cluster; null unless asked for, and where the broker does not tell. */
  readonly authorizedOperations: readonly AclOperation[] | null
}

/** By DescribeCluster (KIP-700), and by Metadata where the broker does not have it (before Kafka 2.8). */
export async function describeCluster(
  cluster: Cluster,
  { includeAuthorizedOperations = false }: DescribeClusterOptions,
  deadline: Deadline,
): Promise<ClusterDescription> {
  try {
    const response = await cluster.request(
      describeClusterApi,
      { includeClusterAuthorizedOperations: includeAuthorizedOperations },
      { to: 'any', deadline, errorOf: (answer) => answer.errorCode },
    )
    const nodes = response.brokers
      .map(({ brokerId, host, port, rack }) => ({ id: brokerId, host, port, rack }))
      .sort((a, b) => a.id - b.id)
    return {
      clusterId: response.clusterId,
      controller: nodes.find(({ id }) => id === response.controllerId) ?? null,
      nodes,
      authorizedOperations: authorizedOperations(response.clusterAuthorizedOperations),
    }
  } catch (error) {
    if (!(error instanceof UnsupportedVersionError)) throw error
  }
  const response = await askMetadata(cluster, [], deadline, {
    includeClusterAuthorizedOperations: includeAuthorizedOperations,
  })
  const nodes = nodesOf(response)
  return {
    clusterId: response.clusterId,
    controller: nodes.get(response.controllerId) ?? null,
    nodes: [...nodes.values()],
    authorizedOperations: authorizedOperations(response.clusterAuthorizedOperations),
  }
}

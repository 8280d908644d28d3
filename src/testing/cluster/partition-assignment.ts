import type { KafkaCluster } from './kafka-cluster.ts'
import { Refusal } from './refusal.ts'

/**
 * Checks replicas that a client has chosen for a partition (Java's
 * `ReplicationControlManager.validateManualPartitionAssignment`).
 *
 * @param replicationFactor that of the partitions before it; null: any.
 * @throws Refusal INVALID_REPLICA_ASSIGNMENT
 */
export function checkReplicas(
  cluster: KafkaCluster,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  const wrong = (told: string) => new Refusal('INVALID_REPLICA_ASSIGNMENT', told)
  if (replicas.length === 0) throw wrong('The manual partition assignment includes an empty replica list.')
  const sorted = replicas.toSorted((a, b) => a - b)
  for (const [i, id] of sorted.entries()) {
    if (!cluster.brokers.has(id)) {
      throw wrong(`The manual partition assignment includes broker ${id}, but no such broker is registered.`)
    }
    if (i > 0 && sorted[i - 1] === id) {
      throw wrong(`The manual partition assignment includes the broker ${id} more than once.`)
    }
  }
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    throw wrong(
      `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    )
  }
}

/**
 * The same for partitions to come, one of whose replicas has to be there to lead.
 *
 * @param index of the partition.
 * @throws Refusal INVALID_REPLICA_ASSIGNMENT
 */
export function checkNewReplicas(
  cluster: KafkaCluster,
  index: number,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  checkReplicas(cluster, replicas, replicationFactor)
  if (replicas.some((id) => cluster.isAlive(id))) return
  throw new Refusal(
    'INVALID_REPLICA_ASSIGNMENT',
    `All brokers specified in the manual partition assignment for partition ${index} are fenced or in controlled shutdown.`,
  )
}

/**
 * Chooses replicas for new partitions (Java's `StripedReplicaPlacer`): brokers that do not run come last.
 *
 * @param first partition index of the first.
 * @throws Refusal INVALID_REPLICATION_FACTOR
 */
export function placeReplicas(
  cluster: KafkaCluster,
  count: number,
  replicationFactor: number,
  first = 0,
): number[][] {
  const fault = placementFault(cluster, replicationFactor)
  if (fault !== null) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): ${fault}`,
    )
  }
  const alive = cluster.liveBrokerIds()
  const away = [...cluster.brokers.keys()].filter((id) => !alive.includes(id))
  return cluster.topics
    .assign(count, Math.min(replicationFactor, alive.length), first)
    .map((replicas) => [...replicas, ...away.slice(0, replicationFactor - replicas.length)])
}

function placementFault(cluster: KafkaCluster, replicationFactor: number): string | null {
  const { size } = cluster.brokers
  // KIP-1066
  const cordoned =
    cluster.profile.version === '4.3' ? ' or some brokers have all their log directories cordoned' : ''
  if (replicationFactor > size) {
    return `The target replication factor of ${replicationFactor} cannot be reached because only ${size} broker(s) are registered${cordoned}.`
  }
  return cluster.liveBrokerIds().length === 0 ? 'All brokers are currently fenced.' : null
}

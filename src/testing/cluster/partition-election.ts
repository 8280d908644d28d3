import type { KafkaCluster } from './kafka-cluster.ts'
import { Refusal } from './refusal.ts'

/** Java's `ElectionType`. */
export const electionTypes = { preferred: 0, unclean: 1 } as const

/**
 * Elects the leader of a partition anew (Java's `ReplicationControlManager.electLeader`).
 *
 * @throws Refusal where there is none such, it need not be, or nobody can lead.
 */
export function electLeaderOf(cluster: KafkaCluster, topicName: string, index: number, type: number): void {
  const topic = cluster.topics.get(topicName)
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topicName}`)
  const partition = topic.partitions[index]
  if (partition === undefined) {
    throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${topicName}-${index}`)
  }
  if (type === electionTypes.preferred) {
    const preferred = partition.replicas[0]!
    if (partition.leader === preferred) throw new Refusal('ELECTION_NOT_NEEDED')
    if (!cluster.isAlive(preferred) || !partition.isr.includes(preferred)) {
      throw new Refusal('PREFERRED_LEADER_NOT_AVAILABLE')
    }
    partition.lead(preferred)
  } else {
    if (partition.leader !== -1) throw new Refusal('ELECTION_NOT_NEEDED')
    if (!partition.replicas.some((id) => cluster.isAlive(id))) {
      throw new Refusal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
    }
    partition.electLeader((id) => cluster.isAlive(id), true)
  }
  cluster.coordinatorsMoved()
}

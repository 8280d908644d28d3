import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { GroupError, messageOf } from '../../errors.ts'
import type { JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import type { SyncGroupRequest } from '../../protocol/apis/sync-group.ts'
import { BrokerError, errorCodes } from '../../protocol/broker-errors.ts'
import { KafkaError, ProtocolError } from '../../protocol/errors.ts'
import { consumerProtocolSubscription, decodeVersioned } from '../../protocol/groups/consumer-protocol.ts'
import type {
  ClusterView,
  MemberSubscription,
  PartitionAssignor,
  TopicPartition,
} from './assignors/assignor.ts'
import { withoutTransfers } from './assignors/transfers.ts'
import { encodeAssignment } from './group-requests.ts'

/** How long a topic that does not exist is believed not to, in milliseconds: somebody waits for it to be made. */
const missingTopicMaxAgeMs = 5_000

/** Partitions by topic, as the assignor saw them. */
export type PartitionCounts = ReadonlyMap<string, number>

/** The members as the leader was told of them. What cannot be read is a member without topics: others go on. */
export function readMembers(members: JoinGroupResponse['members']): MemberSubscription[] {
  return members.map(({ memberId, groupInstanceId, metadata }) => {
    const subscription = readSubscription(metadata)
    return {
      memberId,
      groupInstanceId,
      rackId: subscription?.rackId ?? null,
      topics: subscription?.topics ?? [],
      ownedPartitions: (subscription?.ownedPartitions ?? []).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
      generationId: subscription?.generationId ?? -1,
      userData: subscription?.userData ?? null,
    }
  })
}

function readSubscription(metadata: Uint8Array) {
  try {
    return decodeVersioned(consumerProtocolSubscription, metadata)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/**
 * Asks the cluster for all topics of all members, and gives their numbers of partitions; 0 for one that does not exist.
 * One answer is enough, so a topic that nobody has made holds nobody up. Without any answer it waits: to take all topics
 * for missing would take the work away from the whole group.
 *
 * @throws BrokerError when this member may not see one of the topics, TimeoutError when the deadline comes first.
 */
export async function countPartitions(
  cluster: Cluster,
  members: readonly MemberSubscription[],
  groupId: string,
  deadline: Deadline,
): Promise<PartitionCounts> {
  const topics = [...new Set(members.flatMap((member) => member.topics))]
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  for (;;) {
    try {
      await deadline.race(cluster.metadata.refresh(topics), `metadata for the leader of group ${groupId}`)
      break
    } catch (error) {
      deadline.throwIfAborted()
      if (!(error instanceof KafkaError && error.retriable) || deadline.expired) throw error
    }
    await deadline.sleep(backoff.next())
  }
  return new Map(
    topics.map((topic) => {
      const errorCode = cluster.metadata.errorCode(topic)
      if (errorCode === errorCodes.topicAuthorizationFailed) {
        throw new BrokerError(errorCode, { topic, groupId, api: 'Metadata' })
      }
      return [topic, partitionCount(cluster, topic)]
    }),
  )
}

function partitionCount(cluster: Cluster, topic: string): number {
  const { metadata } = cluster
  // Metadata keeps a topic that the last answer did not know. As a number of partitions that would be one too many.
  if (metadata.errorCode(topic) === errorCodes.unknownTopicOrPartition) return 0
  return metadata.get(topic)?.partitions.length ?? 0
}

/**
 * Runs the assignor. Of a cooperative one nothing is taken that would go from one member to another in one step: that is
 * for the rebalance after, once the first has given it up.
 *
 * @throws GroupError with code `ASSIGNMENT_FAILED` when it throws.
 */
export function assignPartitions(
  cluster: Cluster,
  assignor: PartitionAssignor,
  members: readonly MemberSubscription[],
  counts: PartitionCounts,
  groupId: string,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const view: ClusterView = {
    partitionCount: (topic) => counts.get(topic) ?? 0,
    replicaRacks: (topic, partition) => {
      const replicas = cluster.metadata.partition(topic, partition)?.replicas ?? []
      return replicas.map((node) => cluster.metadata.nodes.get(node)?.rack ?? null)
    },
  }
  try {
    const assigned = assignor.assign(members, view)
    return assignor.rebalanceProtocol === 'cooperative' ? withoutTransfers(assigned, members) : assigned
  } catch (error) {
    throw new GroupError(
      'ASSIGNMENT_FAILED',
      `group ${groupId}: the assignor ${assignor.name} failed: ${messageOf(error)}`,
      { groupId, fatal: true, cause: error },
    )
  }
}

/**
 * What the leader does between JoinGroup and SyncGroup. The counts are from now; `assignments` runs the assignor.
 *
 * @throws as `countPartitions` and `assignPartitions` do.
 */
export async function leadGroup(
  cluster: Cluster,
  assignor: PartitionAssignor,
  response: JoinGroupResponse,
  groupId: string,
  deadline: Deadline,
): Promise<{ counts: PartitionCounts; assignments(): SyncGroupRequest['assignments'] }> {
  const members = readMembers(response.members)
  const counts = await countPartitions(cluster, members, groupId, deadline)
  const assignments = () => {
    // A static leader that is back: the group has its assignment, and waits for none (KIP-814).
    if (response.skipAssignment) return []
    const assigned = assignPartitions(cluster, assignor, members, counts, groupId)
    return members.map(({ memberId }) => ({
      memberId,
      assignment: encodeAssignment(assigned.get(memberId) ?? []),
    }))
  }
  return { counts, assignments }
}

/**
 * The leader alone knows all topics of the group, so it is the one to see that their partitions have become more or
 * fewer, and to make everybody join again.
 */
export class PartitionWatch {
  readonly #cluster: Cluster
  readonly #counts: PartitionCounts
  readonly #stopListening: () => void
  #missingAskedAt = performance.now()

  /** @param onChange told at most once, with what has changed. */
  constructor(cluster: Cluster, counts: PartitionCounts, onChange: (what: string) => void) {
    this.#cluster = cluster
    this.#counts = counts
    this.#stopListening = cluster.metadata.onUpdate(() => {
      for (const [topic, before] of counts) {
        const now = partitionCount(cluster, topic)
        if (now === before) continue
        this.stop()
        return onChange(`topic ${topic} has ${now} partitions now, and had ${before}`)
      }
    })
  }

  /** To be called now and then: has metadata asked for again that is too old. */
  poke(): void {
    const { metadata } = this.#cluster
    const missing: string[] = []
    for (const [topic, count] of this.#counts) {
      // The question is asked by the look-up itself.
      metadata.get(topic)
      if (count === 0) missing.push(topic)
    }
    const now = performance.now()
    if (missing.length === 0 || now - this.#missingAskedAt < missingTopicMaxAgeMs) return
    this.#missingAskedAt = now
    // A failure is made good by the next time.
    metadata.refresh(missing).catch(() => {})
  }

  stop(): void {
    this.#stopListening()
  }
}

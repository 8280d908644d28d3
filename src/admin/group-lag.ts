import type { Cluster } from '../cluster/cluster.ts'
import { committedOffsets } from '../cluster/committed-offsets.ts'
import { listOffsets, offsetSpec } from '../cluster/list-offsets.ts'
import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import type { Deadline } from '../deadline.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import type { KafkaError } from '../protocol/errors.ts'
import { checkName } from './arguments.ts'
import { askMetadata } from './ask-metadata.ts'
import { describeGroups, type GroupMember, inOrder } from './groups.ts'

/** A line of `kafka-consumer-groups --describe`. */
export interface GroupLagRow extends TopicPartition {
  /** What the group has committed: the offset of the next record to read. Null: nothing. */
  readonly currentOffset: number | null
  /** Offset that the next record will get. Null: the topic is deleted, or the partition has no leader now. */
  readonly logEndOffset: number | null
  /**
   * Records to go; null when one of the two is not known. Negative when the commit lies beyond the end: the topic was
   * created anew, or lost records.
   */
  readonly lag: number | null
  /** Id of the member that the partition is assigned to. Null: none, as with the next two. */
  readonly consumerId: string | null
  /** As the broker tells: `/` and the address. */
  readonly host: string | null
  readonly clientId: string | null
}

/**
 * How far a group is behind, for each partition that it has committed or that a member is assigned to; by topic and
 * partition. However many partitions there are: one OffsetFetch, one DescribeGroups, one Metadata, and one ListOffsets
 * a leader.
 *
 * @throws BrokerError GROUP_ID_NOT_FOUND when there is no such group.
 */
export async function groupLag(
  cluster: Cluster,
  groupId: string,
  deadline: Deadline,
): Promise<GroupLagRow[]> {
  checkName('groupId', groupId)
  const [committed, members] = await Promise.all([
    committedOffsets(cluster, groupId, null, { requireStable: false, deadline }),
    membersOf(cluster, groupId, deadline),
  ])
  if (members === null && committed.size === 0) {
    throw new BrokerError(errorCodes.groupIdNotFound, { groupId, api: 'DescribeGroups' })
  }
  const partitions = new Map<string, TopicPartition>(committed)
  const owners = new Map<string, GroupMember>()
  for (const member of members ?? []) {
    for (const partition of member.assignment) {
      partitions.set(partitionKey(partition), partition)
      owners.set(partitionKey(partition), member)
    }
  }
  const ends = await endOffsets(cluster, [...partitions.values()], deadline)
  return [...partitions]
    .sort(([, a], [, b]) => inOrder(a, b))
    .map(([key, { topic, partition }]) => {
      const currentOffset = committed.get(key)?.offset ?? null
      const logEndOffset = ends.get(key) ?? null
      const owner = owners.get(key)
      return {
        topic,
        partition,
        currentOffset,
        logEndOffset,
        lag: currentOffset === null || logEndOffset === null ? null : logEndOffset - currentOffset,
        consumerId: owner?.memberId ?? null,
        host: owner?.host ?? null,
        clientId: owner?.clientId ?? null,
      }
    })
}

/**
 * Null when DescribeGroups knows no such group. It may have offsets all the same: groups of the new protocol (KIP-848)
 * have, and that request is not for them.
 */
async function membersOf(
  cluster: Cluster,
  groupId: string,
  deadline: Deadline,
): Promise<readonly GroupMember[] | null> {
  const [group] = await describeGroups(cluster, [groupId], deadline)
  if (group!.error === null) return group!.state === 'Dead' ? null : group!.members
  if (group!.error.code === 'GROUP_ID_NOT_FOUND') return null
  throw group!.error
}

/** Log end offsets by `partitionKey`, without the partitions that are gone or have no leader. */
async function endOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  deadline: Deadline,
): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  if (partitions.length === 0) return ends
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  // What the cluster layer remembers will not do: it keeps a topic that is deleted, and would ask for its partitions
  // until the deadline.
  const response = await askMetadata(cluster, topics, deadline)
  const withLeader = new Set<string>()
  for (const { name, errorCode, partitions: known } of response.topics) {
    if (name === null || isGone(errorCode)) continue
    if (errorCode !== errorCodes.none && errorCode !== errorCodes.leaderNotAvailable) {
      throw new BrokerError(errorCode, { topic: name, api: 'Metadata' })
    }
    for (const { partitionIndex: partition, leaderId } of known) {
      if (leaderId >= 0) withLeader.add(partitionKey({ topic: name, partition }))
    }
  }
  cluster.metadata.update(response)
  const queries = partitions
    .filter((partition) => withLeader.has(partitionKey(partition)))
    .map((partition) => ({ ...partition, timestamp: offsetSpec.latest }))
  const outcomes = await listOffsets(cluster, queries, 'read_uncommitted', deadline)
  for (const [key, outcome] of outcomes) {
    if ('value' in outcome) ends.set(key, outcome.value.offset)
    else if (!isOffline(outcome.error)) throw outcome.error
  }
  return ends
}

function isGone(errorCode: number): boolean {
  return errorCode === errorCodes.unknownTopicOrPartition || errorCode === errorCodes.invalidTopic
}

/** Deleted, or left without a leader, between the two questions; any other error is the call's. */
function isOffline(error: KafkaError): boolean {
  return (
    error instanceof BrokerError &&
    (isGone(error.errorCode) || error.errorCode === errorCodes.leaderNotAvailable)
  )
}

import { Backoff } from '../backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Node } from '../cluster/metadata.ts'
import type { TopicPartition } from '../cluster/partition-leaders.ts'
import type { Deadline } from '../deadline.ts'
import {
  type DescribeGroupsResponse,
  describeGroups as describeGroupsApi,
} from '../protocol/apis/describe-groups.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { consumerProtocolAssignment, decodeVersioned } from '../protocol/groups/consumer-protocol.ts'
import { checkNames } from './arguments.ts'
import type { ItemResult } from './results.ts'

export interface GroupMember {
  readonly memberId: string
  /** `group.instance.id` of a static member (KIP-345); null for the others. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As the broker tells: `/` and the address from which the member is connected. */
  readonly host: string
  /** By topic and partition. Empty while the group rebalances, and in groups that are not of consumers. */
  readonly assignment: readonly TopicPartition[]
}

export interface GroupDescription {
  /** Empty, PreparingRebalance, CompletingRebalance, Stable; Dead before Kafka 4.0 for a group that does not exist. */
  readonly state: string
  /** `consumer` for consumers, `connect` for workers of Connect; empty for a group that only commits offsets. */
  readonly protocolType: string
  /** Name of the assignor that the members agreed on, for instance `range`; empty while there is none. */
  readonly protocol: string
  /** Null: not among the brokers that are known. */
  readonly coordinator: Node | null
  readonly members: readonly GroupMember[]
}

export type DescribeGroupResult = ItemResult<{ readonly groupId: string }, GroupDescription>

type GroupAnswer = DescribeGroupsResponse['groups'][number]

/**
 * Asks the coordinator of each group, one request a coordinator, and again for those whose coordinator has moved, until
 * each has an answer or the deadline is there. In the order of `groupIds`.
 */
export async function describeGroups(
  cluster: Cluster,
  groupIds: readonly string[],
  deadline: Deadline,
): Promise<DescribeGroupResult[]> {
  checkNames('groupIds', groupIds)
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  const results = new Map<string, DescribeGroupResult>()
  const fail = (groupId: string, error: KafkaError) => {
    // What went wrong before says more than that the time is over.
    if (error.code !== 'API_TIMEOUT' || !results.has(groupId)) results.set(groupId, { groupId, error })
  }
  let open = [...new Set(groupIds)]
  while (open.length > 0) {
    const byCoordinator = new Map<number, string[]>()
    await Promise.all(
      open.map(async (groupId) => {
        try {
          const node = await findCoordinator(cluster, groupId, deadline)
          byCoordinator.set(node, [...(byCoordinator.get(node) ?? []), groupId])
        } catch (error) {
          fail(groupId, groupError(error, deadline))
        }
      }),
    )
    await Promise.all(
      [...byCoordinator].map(async ([node, mine]) => {
        try {
          for (const result of await askCoordinator(cluster, node, mine, deadline)) {
            if (result.error?.retriable) cluster.forgetCoordinator('group', result.groupId, node)
            results.set(result.groupId, result)
          }
        } catch (error) {
          const failure = groupError(error, deadline)
          for (const groupId of mine) {
            cluster.forgetCoordinator('group', groupId, node)
            fail(groupId, failure)
          }
        }
      }),
    )
    if (deadline.expired) break
    open = open.filter((groupId) => results.get(groupId)?.error?.retriable)
    if (open.length > 0) await cluster.pause(backoff.next(), deadline)
  }
  return groupIds.map((groupId) => results.get(groupId)!)
}

async function findCoordinator(cluster: Cluster, groupId: string, deadline: Deadline): Promise<number> {
  deadline.throwIfAborted()
  return await deadline.race(
    cluster.coordinator('group', groupId),
    `finding the coordinator of group ${groupId}`,
  )
}

/** What concerns these groups alone; anything else is thrown, as it concerns the call. */
function groupError(error: unknown, deadline: Deadline): KafkaError {
  deadline.throwIfAborted()
  if (!(error instanceof KafkaError) || error.fatal || error.code.startsWith('TLS_')) throw error
  return error
}

async function askCoordinator(
  cluster: Cluster,
  node: number,
  groupIds: readonly string[],
  deadline: Deadline,
): Promise<DescribeGroupResult[]> {
  const response = await cluster.request(
    describeGroupsApi,
    { groups: groupIds },
    { to: { node }, deadline, once: true },
  )
  const answers = new Map(response.groups.map((group) => [group.groupId, group]))
  const coordinator = cluster.metadata.nodes.get(node) ?? null
  return groupIds.map((groupId) => {
    const about = { groupId, api: 'DescribeGroups' }
    const group = answers.get(groupId)
    if (group === undefined) {
      const message = `DescribeGroups: the broker's answer leaves out group ${groupId}`
      return { groupId, error: new KafkaError('INVALID_RESPONSE', message, about) }
    }
    if (group.errorCode !== errorCodes.none) {
      return { groupId, error: new BrokerError(group.errorCode, about, group.errorMessage) }
    }
    try {
      return { ...description(group, coordinator), groupId, error: null }
    } catch (error) {
      const message = `DescribeGroups of group ${groupId}: an assignment that cannot be read`
      return { groupId, error: new KafkaError('INVALID_RESPONSE', message, { ...about, cause: error }) }
    }
  })
}

function description(group: GroupAnswer, coordinator: Node | null): GroupDescription {
  const isOfConsumers = group.protocolType === 'consumer'
  return {
    state: group.groupState,
    protocolType: group.protocolType,
    protocol: group.protocolData,
    coordinator,
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      host: clientHost,
      assignment: isOfConsumers ? assignmentOf(memberAssignment) : [],
    })),
  }
}

function assignmentOf(bytes: Uint8Array): TopicPartition[] {
  // Before the leader has sent it, there is none.
  if (bytes.length === 0) return []
  return decodeVersioned(consumerProtocolAssignment, bytes)
    .assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    .sort(inOrder)
}

/** Order of partitions: by topic, then by number. */
export function inOrder(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

import type { Cluster } from '../../cluster/cluster.ts'
import { byTopic, type TopicPartition } from '../../cluster/partition-leaders.ts'
import { Deadline } from '../../deadline.ts'
import { GroupError, messageOf, UnsupportedVersionError } from '../../errors.ts'
import type { JoinGroupRequest } from '../../protocol/apis/join-group.ts'
import { joinGroup } from '../../protocol/apis/join-group.ts'
import { type LeaveGroupRequest, leaveGroup } from '../../protocol/apis/leave-group.ts'
import { syncGroup } from '../../protocol/apis/sync-group.ts'
import { BrokerError, brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
} from '../../protocol/groups/consumer-protocol.ts'
import type { PartitionAssignor } from './assignors/assignor.ts'
import { groupErrorOf } from './verdict.ts'

/** Kafka's name for groups of consumers, beside `connect` and others. */
export const consumerProtocolType = 'consumer'

/** Brokers log a reason, and take this many characters of it (Java's JoinGroupRequest.maybeTruncateReason). */
const maxReasonLength = 255

/** A group finds out about a member that is gone by its session too: closing does not wait longer for a courtesy. */
const leaveTimeoutMs = 5_000

/** The code where the coordinator is worth asking again, 0 where the member itself has to decide. */
export function retriableOnly(errorCode: number): number {
  return errorCode !== errorCodes.none && brokerErrorInfo(errorCode).retriable ? errorCode : errorCodes.none
}

/** What a member says about itself when it joins. */
export interface JoinParameters {
  readonly groupId: string
  readonly groupInstanceId: string | null
  readonly clientRack: string | null
  readonly sessionTimeoutMs: number
  readonly maxPollIntervalMs: number
  readonly assignors: readonly PartitionAssignor[]
  /** Empty at first. */
  readonly memberId: string
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  /** Generation in which `ownedPartitions` were assigned; -1: none. */
  readonly generationId: number
  readonly reason: string
}

/** JoinGroup's body, by version. Throws UnsupportedVersionError for a static member below version 5 (KIP-345). */
export function joinGroupBody(parameters: JoinParameters): (version: number) => JoinGroupRequest {
  const { groupId, groupInstanceId, memberId, topics } = parameters
  const ownedPartitions = byTopicForWire(parameters.ownedPartitions)
  const protocols = parameters.assignors.map((assignor) => ({
    name: assignor.name,
    metadata: encodeVersioned(consumerProtocolSubscription, consumerProtocolSubscription.versions.max, {
      topics: [...topics],
      userData: assignor.subscriptionUserData?.(topics) ?? null,
      ownedPartitions,
      generationId: parameters.generationId,
      rackId: parameters.clientRack,
    }),
  }))
  return (version) => {
    if (groupInstanceId !== null && version < 5) {
      throw new UnsupportedVersionError(
        `group ${groupId}: groupInstanceId needs JoinGroup version 5 (Kafka 2.3), the broker has ${version}`,
        { groupId, api: joinGroup.name },
      )
    }
    return {
      groupId,
      sessionTimeoutMs: parameters.sessionTimeoutMs,
      rebalanceTimeoutMs: parameters.maxPollIntervalMs,
      memberId,
      groupInstanceId,
      protocolType: consumerProtocolType,
      protocols,
      reason: parameters.reason.slice(0, maxReasonLength),
    }
  }
}

/** LeaveGroup of one member. Never rejects: the session timeout does the same, only later. */
export async function sendLeave(
  cluster: Cluster,
  {
    groupId,
    memberId,
    groupInstanceId,
  }: { groupId: string; memberId: string; groupInstanceId: string | null },
  reason: string,
  { remainingMs, signal }: Deadline,
): Promise<void> {
  const member = { memberId, groupInstanceId, reason: reason.slice(0, maxReasonLength) }
  const body = (version: number): LeaveGroupRequest =>
    version >= 3 ? { groupId, members: [member] } : { groupId, memberId }
  const deadline = new Deadline(Math.min(remainingMs, leaveTimeoutMs), signal)
  try {
    const errorOf = (answer: { errorCode: number }) => retriableOnly(answer.errorCode)
    await cluster.request(leaveGroup, body, { to: { group: groupId }, deadline, groupId, errorOf })
  } catch {
    // As said above.
  }
}

/** The leader's word to one member. All versions have the same layout, so the lowest is what everybody can read. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Uint8Array {
  return encodeVersioned(consumerProtocolAssignment, consumerProtocolAssignment.versions.min, {
    assignedPartitions: byTopicForWire(partitions),
  })
}

/**
 * What the leader gave to this member, each partition once. Empty bytes are no partitions: the leader did not know of us.
 * Topics that were not asked for are left out, for nobody here would read them.
 *
 * @throws ProtocolError for bytes that are no assignment.
 */
export function decodeAssignment(data: Uint8Array, topics: ReadonlySet<string>): TopicPartition[] {
  if (data.length === 0) return []
  const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, data)
  const partitionsByTopic = new Map<string, Set<number>>()
  for (const { topic, partitions } of assignedPartitions) {
    if (!topics.has(topic)) continue
    const mine = partitionsByTopic.get(topic) ?? new Set()
    for (const partition of partitions) if (partition >= 0) mine.add(partition)
    partitionsByTopic.set(topic, mine)
  }
  return [...partitionsByTopic].flatMap(([topic, partitions]) =>
    [...partitions].map((partition) => ({ topic, partition })),
  )
}

/** The same for an answer to SyncGroup. Throws GroupError with code `INVALID_ASSIGNMENT` for bytes that are none. */
export function readAssignment(
  data: Uint8Array,
  topics: ReadonlySet<string>,
  groupId: string,
): TopicPartition[] {
  try {
    return decodeAssignment(data, topics)
  } catch (error) {
    throw new GroupError(
      'INVALID_ASSIGNMENT',
      `group ${groupId}: the leader's assignment cannot be read: ${messageOf(error)}`,
      { groupId, api: syncGroup.name, fatal: true, cause: error },
    )
  }
}

/** The error for a code in an answer to JoinGroup that no retry mends. */
export function joinError(
  errorCode: number,
  asker: Pick<JoinParameters, 'groupId' | 'groupInstanceId' | 'assignors'>,
): KafkaError {
  const { groupId, assignors } = asker
  if (errorCode !== errorCodes.inconsistentGroupProtocol) {
    return groupErrorOf(errorCode, { ...asker, api: joinGroup.name })
  }
  const names = assignors.map(({ name }) => name).join(', ')
  const detail = `no assignor that all members of the group have is among ${names}, or its members are no consumers`
  return new BrokerError(errorCode, { api: joinGroup.name, groupId }, detail)
}

function byTopicForWire(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return [...byTopic(partitions)].map(([topic, mine]) => ({
    topic,
    partitions: mine.map(({ partition }) => partition),
  }))
}

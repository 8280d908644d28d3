import type { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import { GroupError, UnsupportedVersionError } from '../../errors.ts'
import {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../../protocol/apis/consumer-group-heartbeat.ts'
import { BrokerError, errorCodes } from '../../protocol/broker-errors.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { ConsumerMemberOptions } from './consumer-member-options.ts'
import { retriableOnly } from './group-requests.ts'
import { type Asker, groupErrorOf, type Verdict } from './verdict.ts'

/** Epochs that are none (KIP-848). */
export const joinEpoch = 0
export const leaveEpoch = -1
export const staticLeaveEpoch = -2

/** A group finds out about a member that is gone by its session too: closing does not wait longer for a courtesy. */
const leaveTimeoutMs = 5_000

/** Partitions of one topic, as heartbeats have them. */
export interface TopicIdPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** All that a member may tell; null where there is nothing to tell. */
export interface MemberStatement {
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly topics: readonly string[]
  /** For the broker to evaluate; empty: not any more; null: there never was one. */
  readonly pattern: string | null
  readonly serverAssignor: string | null
}

/**
 * A heartbeat's body.
 *
 * @param told what the coordinator is known to have heard, of which nothing is repeated; null: everything is told.
 * @param owned what the member holds; null: not to be told this time.
 * @throws UnsupportedVersionError for a pattern in version 0, before Kafka 4.0.
 */
export function heartbeatBody(
  version: number,
  member: { groupId: string; memberId: string; memberEpoch: number; instanceId: string | null },
  now: MemberStatement,
  told: MemberStatement | null,
  owned: readonly TopicIdPartitions[] | null,
): ConsumerGroupHeartbeatRequest {
  const { pattern } = now
  if (pattern && version < 1) {
    throw new UnsupportedVersionError(
      `group ${member.groupId}: a SubscriptionPattern needs ConsumerGroupHeartbeat version 1 (Kafka 4.0), the broker has 0`,
      { groupId: member.groupId, api: consumerGroupHeartbeat.name },
    )
  }
  const isSame = (name: keyof MemberStatement) =>
    told !== null && JSON.stringify(told[name]) === JSON.stringify(now[name])
  return {
    ...member,
    rackId: isSame('rackId') ? null : now.rackId,
    rebalanceTimeoutMs: isSame('rebalanceTimeoutMs') ? -1 : now.rebalanceTimeoutMs,
    subscribedTopicNames: isSame('topics') ? null : [...now.topics],
    ...(version >= 1 ? { subscribedTopicRegex: isSame('pattern') ? null : pattern } : {}),
    serverAssignor: isSame('serverAssignor') ? null : now.serverAssignor,
    topicPartitions:
      owned?.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] })) ?? null,
  }
}

/** What an answer means for the membership; null when it goes on. */
export function heartbeatVerdict(
  { errorCode, errorMessage }: Pick<ConsumerGroupHeartbeatResponse, 'errorCode' | 'errorMessage'>,
  memberEpoch: number,
  options: Pick<ConsumerMemberOptions, 'groupId' | 'groupInstanceId'>,
): Verdict | null {
  switch (errorCode) {
    case errorCodes.none:
      return null
    case errorCodes.unknownMemberId:
      return { kind: 'lost', reason: 'the coordinator no longer knew the member', forgetMemberId: false }
    case errorCodes.fencedMemberEpoch:
      return { kind: 'lost', reason: 'the member was fenced', forgetMemberId: false }
    case errorCodes.groupIdNotFound:
      // All members were gone, and the group with them. To a join it is the word for a group of another protocol.
      if (memberEpoch === joinEpoch) break
      return { kind: 'lost', reason: 'the coordinator no longer knew the group', forgetMemberId: false }
  }
  return { kind: 'fatal', error: heartbeatError(errorCode, errorMessage, options) }
}

/** The error for a code that no retry mends. */
export function heartbeatError(
  errorCode: number,
  errorMessage: string | null,
  options: Pick<ConsumerMemberOptions, 'groupId' | 'groupInstanceId'>,
): KafkaError {
  const { groupId, groupInstanceId } = options
  const asker: Asker = { groupId, groupInstanceId, api: consumerGroupHeartbeat.name }
  if (errorCode === errorCodes.unsupportedVersion) return noConsumerGroups(groupId, errorMessage)
  if (errorCode === errorCodes.fencedInstanceId) return groupErrorOf(errorCode, asker)
  const cause = new BrokerError(errorCode, { api: asker.api, groupId }, errorMessage)
  if (errorCode !== errorCodes.unreleasedInstanceId) return cause
  return new GroupError(
    cause.code,
    `group ${groupId}: a member with the group instance id ${groupInstanceId} is there already; it has to be closed ` +
      'first, or its session to be over, when it has not been closed',
    { groupId, api: asker.api, fatal: true, cause },
  )
}

/** @param cause what the broker said, or why nothing could be sent to it. */
export function noConsumerGroups(groupId: string, cause: unknown): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `group ${groupId}: groupProtocol 'consumer' needs Kafka 4.0 or newer with the feature group.version at 1 (KIP-848); ` +
      "this cluster does not have it. With groupProtocol 'classic' members join in the older way",
    { groupId, api: consumerGroupHeartbeat.name, ...(cause ? { cause } : {}) },
  )
}

/** Says goodbye. Never rejects: the session timeout does the same, only later. */
export async function sendConsumerLeave(
  cluster: Cluster,
  member: { groupId: string; memberId: string; memberEpoch: number; instanceId: string | null },
  { remainingMs, signal }: Deadline,
): Promise<void> {
  const { groupId } = member
  const deadline = new Deadline(Math.min(remainingMs, leaveTimeoutMs), signal)
  try {
    await cluster.request(consumerGroupHeartbeat, member, {
      to: { group: groupId },
      deadline,
      groupId,
      errorOf: (answer) => retriableOnly(answer.errorCode),
    })
  } catch {
    // As said above.
  }
}

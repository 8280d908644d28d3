import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, struct, uuid } from '../schema.ts'

/**
 * All that a member of a consumer group says and is told: joining, subscribing, being assigned, leaving
 * (KIP-848).
 */
export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    /**
     * A uuid made by the member itself (KIP-1082); in version 0 empty at first, and then as the coordinator
     * says.
     */
    memberId: string(),
    /**
     * 0: joins; -1: leaves; -2: leaves for a short while (static members). Else the epoch of the last
     * answer.
     */
    memberEpoch: int32(),
    /** Id of a static member (KIP-345); null: a dynamic one, or unchanged. */
    instanceId: string('0+', { nullable: true, default: null }),
    /** Null: none, or unchanged. */
    rackId: string('0+', { nullable: true, default: null }),
    /** How long the member may take to give partitions back, in milliseconds; -1: unchanged. */
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    /** Null: unchanged. */
    subscribedTopicNames: array(string(), '0+', { nullable: true, default: null }),
    /** For the broker to evaluate, in the syntax of RE2; null: unchanged; empty: none any more. */
    subscribedTopicRegex: string('1+', { nullable: true, default: null }),
    /** Assignor of the broker to use; null: the group's own, or unchanged. */
    serverAssignor: string('0+', { nullable: true, default: null }),
    /** What the member holds; null: unchanged. */
    topicPartitions: array(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    memberId: string('0+', { nullable: true, default: null }),
    /** To be given in the next heartbeat. */
    memberEpoch: int32(),
    /** Milliseconds until the next heartbeat. */
    heartbeatIntervalMs: int32(),
    /** All that the member is to hold; null: unchanged. */
    assignment: struct(
      {
        topicPartitions: array({
          topicId: uuid(),
          partitions: array(int32()),
        }),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
})

export type ConsumerGroupHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof consumerGroupHeartbeat>

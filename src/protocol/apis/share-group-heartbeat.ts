import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, struct, uuid } from '../schema.ts'

/** All that a member of a share group says and is told (KIP-932). */
export const shareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    /** A uuid made by the member itself. */
    memberId: string(),
    /** 0: joins; -1: leaves. Else the epoch of the last answer. */
    memberEpoch: int32(),
    rackId: string('0+', { nullable: true, default: null }),
    /** Null: unchanged. */
    subscribedTopicNames: array(string(), '0+', { nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    memberId: string('0+', { nullable: true, default: null }),
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

export type ShareGroupHeartbeatRequest = RequestOf<typeof shareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = ResponseOf<typeof shareGroupHeartbeat>

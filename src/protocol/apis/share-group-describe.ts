import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string, struct, uuid } from '../schema.ts'

/** State, members and assignments of share groups (KIP-932). */
export const shareGroupDescribe = api({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true, default: null }),
      groupId: string(),
      /** Empty, Stable or Dead. */
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        rackId: string('0+', { nullable: true, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
      }),
      /** Bit field of ACL operations; -2147483648: not asked for. */
      authorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
  },
})

export type ShareGroupDescribeRequest = RequestOf<typeof shareGroupDescribe>
export type ShareGroupDescribeResponse = ResponseOf<typeof shareGroupDescribe>

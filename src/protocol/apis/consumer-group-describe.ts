import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string, struct, uuid } from '../schema.ts'

/** State, members and assignments of consumer groups of the new protocol (KIP-848). */
export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
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
      /** Empty, Assigning, Reconciling, Stable or Dead. */
      groupState: string(),
      /** Grows when members or subscriptions change. */
      groupEpoch: int32(),
      /** Group epoch that the target assignment was made for. */
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string('0+', { nullable: true, default: null }),
        rackId: string('0+', { nullable: true, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string('0+', { nullable: true, default: null }),
        /** What the member holds now. */
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        /** What the member is to hold in the end. */
        targetAssignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        /** -1: unknown; 0: classic protocol; 1: consumer protocol (KIP-1099). */
        memberType: int8('1+', { default: -1, ignorable: true }),
      }),
      /** Bit field of ACL operations; -2147483648: not asked for. */
      authorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
  },
})

export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>
export type ConsumerGroupDescribeResponse = ResponseOf<typeof consumerGroupDescribe>

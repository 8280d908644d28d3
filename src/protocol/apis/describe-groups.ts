import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, bytes, int16, int32, string } from '../schema.ts'

/** State, members and assignments of classic groups. */
export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  route: 'groupCoordinator',
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool('3+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string('6+', { nullable: true, default: null }),
      groupId: string(),
      /** Empty, PreparingRebalance, CompletingRebalance, Stable or Dead. */
      groupState: string(),
      protocolType: string(),
      /** Name of the assignor that the group agreed on. */
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string('4+', { nullable: true, default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        /** A ConsumerProtocolSubscription behind its int16 version, for consumers. */
        memberMetadata: bytes(),
        /** A ConsumerProtocolAssignment behind its int16 version, for consumers. */
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32('3+', { default: -0x80000000 }),
    }),
  },
})

export type DescribeGroupsRequest = RequestOf<typeof describeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof describeGroups>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string } from '../schema.ts'

/** Takes members out of a classic group, so that their partitions move at once. */
export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: true, default: null }),
        /** Why it leaves, for the broker's log (KIP-800). */
        reason: string('5+', { nullable: true, default: null, ignorable: true }),
      },
      '3+',
    ),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: true }),
        errorCode: int16('3+'),
      },
      '3+',
    ),
  },
})

export type LeaveGroupRequest = RequestOf<typeof leaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof leaveGroup>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bytes, int16, int32, string } from '../schema.ts'

/** Hands in the assignment (the leader) and gets back one's own (everybody). */
export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: true, default: null }),
    protocolType: string('5+', { nullable: true, default: null, ignorable: true }),
    protocolName: string('5+', { nullable: true, default: null, ignorable: true }),
    /** Empty from everybody but the leader. */
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    protocolType: string('5+', { nullable: true, default: null, ignorable: true }),
    protocolName: string('5+', { nullable: true, default: null, ignorable: true }),
    assignment: bytes(),
  },
})

export type SyncGroupRequest = RequestOf<typeof syncGroup>
export type SyncGroupResponse = ResponseOf<typeof syncGroup>

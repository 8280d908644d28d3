import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, bytes, int16, int32, string } from '../schema.ts'

/** Enters a classic group and waits for the other members; the answer names the leader. */
export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    /** How long the coordinator waits for each member to come back, in milliseconds. */
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    /** Empty at first; the broker gives one by MEMBER_ID_REQUIRED (KIP-394). */
    memberId: string(),
    /** Id of a static member (KIP-345); null for a dynamic one. */
    groupInstanceId: string('5+', { nullable: true, default: null }),
    protocolType: string(),
    /** Assignors in order of preference, each with this member's subscription. */
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    /** Why it joins, for the broker's log (KIP-800). */
    reason: string('8+', { nullable: true, default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16(),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', { nullable: true, default: null, ignorable: true }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string(),
    /** A static leader that returned: nothing has changed, do not assign (KIP-814). */
    skipAssignment: bool('9+'),
    memberId: string(),
    /** Only the leader gets them. */
    members: array({
      memberId: string(),
      groupInstanceId: string('5+', { nullable: true, default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
})

export type JoinGroupRequest = RequestOf<typeof joinGroup>
export type JoinGroupResponse = ResponseOf<typeof joinGroup>

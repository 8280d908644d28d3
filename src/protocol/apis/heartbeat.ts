import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, string } from '../schema.ts'

/** "I am alive", from a member of a classic group to its coordinator. */
export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    /** Generation the member joined with. An older one is answered by ILLEGAL_GENERATION. */
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
  },
})

export type HeartbeatRequest = RequestOf<typeof heartbeat>
export type HeartbeatResponse = ResponseOf<typeof heartbeat>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, string, uuid } from '../schema.ts'

/** Takes a voter out of the KRaft quorum (KIP-853). */
export const removeRaftVoter = api({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    /** Null: not checked. */
    clusterId: string('0+', { nullable: true }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, ignorable: true }),
  },
})

export type RemoveRaftVoterRequest = RequestOf<typeof removeRaftVoter>
export type RemoveRaftVoterResponse = ResponseOf<typeof removeRaftVoter>

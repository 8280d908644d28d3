import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Adds a voter to the KRaft quorum (KIP-853). */
export const addRaftVoter = api({
  key: 80,
  name: 'AddRaftVoter',
  versions: '0-1',
  flexible: '0+',
  route: 'any',
  request: {
    /** Null: not checked. */
    clusterId: string('0+', { nullable: true }),
    /** How long to wait for the new voter to catch up, in milliseconds. */
    timeoutMs: int32(),
    voterId: int32(),
    /** Id of the voter's metadata log directory. */
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    /** False: answer before the change is committed (KIP-1186). */
    ackWhenCommitted: bool('1+', { default: true }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, ignorable: true }),
  },
})

export type AddRaftVoterRequest = RequestOf<typeof addRaftVoter>
export type AddRaftVoterResponse = ResponseOf<typeof addRaftVoter>

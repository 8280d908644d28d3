import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, struct, uint16, uuid } from '../schema.ts'

/** A KRaft voter makes known its addresses and versions (KIP-853). */
export const updateRaftVoter = api({
  key: 82,
  name: 'UpdateRaftVoter',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    clusterId: string('0+', { nullable: true }),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    kRaftVersionFeature: struct({
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    currentLeader: struct(
      {
        leaderId: int32('0+', { default: -1 }),
        leaderEpoch: int32('0+', { default: -1 }),
        host: string(),
        port: int32(),
      },
      '0+',
      { tag: 0 },
    ),
  },
})

export type UpdateRaftVoterRequest = RequestOf<typeof updateRaftVoter>
export type UpdateRaftVoterResponse = ResponseOf<typeof updateRaftVoter>

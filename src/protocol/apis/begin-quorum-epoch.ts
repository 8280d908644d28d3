import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, uint16, uuid } from '../schema.ts'

/** A new KRaft leader makes itself known to a voter (KIP-595). */
export const beginQuorumEpoch = api({
  key: 53,
  name: 'BeginQuorumEpoch',
  versions: '0-1',
  flexible: '1+',
  route: 'broker',
  request: {
    clusterId: string('0+', { nullable: true, default: null }),
    /** The voter that is meant; -1: not told (KIP-853). */
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    leaderEndpoints: array(
      {
        name: string('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      '1+',
      { ignorable: true },
    ),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      '1+',
      { tag: 0 },
    ),
  },
})

export type BeginQuorumEpochRequest = RequestOf<typeof beginQuorumEpoch>
export type BeginQuorumEpochResponse = ResponseOf<typeof beginQuorumEpoch>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, uint16, uuid } from '../schema.ts'

/** A KRaft leader that steps down tells a voter, so that it elects at once (KIP-595). */
export const endQuorumEpoch = api({
  key: 54,
  name: 'EndQuorumEpoch',
  versions: '0-1',
  flexible: '1+',
  route: 'broker',
  request: {
    clusterId: string('0+', { nullable: true, default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        /** Who should be elected, in this order. */
        preferredSuccessors: array(int32(), '0', { ignorable: true }),
        /** Who should be elected, in this order (KIP-853). */
        preferredCandidates: array(
          {
            candidateId: int32('1+'),
            candidateDirectoryId: uuid('1+'),
          },
          '1+',
          { ignorable: true },
        ),
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

export type EndQuorumEpochRequest = RequestOf<typeof endQuorumEpoch>
export type EndQuorumEpochResponse = ResponseOf<typeof endQuorumEpoch>

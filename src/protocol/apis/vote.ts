import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

/** A KRaft candidate asks a voter for its vote (KIP-595). */
export const vote = api({
  key: 52,
  name: 'Vote',
  versions: '0-2',
  flexible: '0+',
  route: 'broker',
  request: {
    clusterId: string('0+', { nullable: true, default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid('1+', { ignorable: true }),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        /** Epoch of the last record in the candidate's log. */
        lastOffsetEpoch: int32(),
        /** End of the candidate's log. */
        lastOffset: int64(),
        /** Only asks whether the vote would be given, and changes no epoch (KIP-996). */
        preVote: bool('2+'),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        /** -1: unknown. */
        leaderId: int32(),
        leaderEpoch: int32(),
        voteGranted: bool(),
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

export type VoteRequest = RequestOf<typeof vote>
export type VoteResponse = ResponseOf<typeof vote>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

/** State of the KRaft quorum: leader, voters, observers and how far each has come (KIP-595). */
export const describeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2',
  flexible: '0+',
  route: 'any',
  request: {
    /** Partition 0 of `__cluster_metadata`. */
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string('2+', { nullable: true, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('2+', { nullable: true, ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array({
          replicaId: int32(),
          /** KIP-853. */
          replicaDirectoryId: uuid('2+'),
          logEndOffset: int64(),
          /** When it last fetched, in milliseconds since 1970; -1: unknown (KIP-836). */
          lastFetchTimestamp: int64('1+', { default: -1n, ignorable: true }),
          /** When it last had all that the leader has, in milliseconds since 1970; -1: unknown (KIP-836). */
          lastCaughtUpTimestamp: int64('1+', { default: -1n, ignorable: true }),
        }),
        observers: array({
          replicaId: int32(),
          replicaDirectoryId: uuid('2+'),
          logEndOffset: int64(),
          lastFetchTimestamp: int64('1+', { default: -1n, ignorable: true }),
          lastCaughtUpTimestamp: int64('1+', { default: -1n, ignorable: true }),
        }),
      }),
    }),
    nodes: array(
      {
        nodeId: int32('2+'),
        listeners: array(
          {
            name: string('2+'),
            host: string('2+'),
            port: uint16('2+'),
          },
          '2+',
        ),
      },
      '2+',
    ),
  },
})

export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof describeQuorum>

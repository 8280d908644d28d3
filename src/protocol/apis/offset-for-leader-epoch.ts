import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/** Where the log of an older leader epoch ends: finds out whether a log was truncated (KIP-101, KIP-320). */
export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '0-4',
  flexible: '4+',
  route: 'partitionLeader',
  request: {
    /** -1: a consumer; else the follower that asks. */
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        /** What the client believes, to be fenced when that is old; -1: not checked. */
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        /** The epoch whose end is asked for. */
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        /** The epoch asked for, or the largest one below it; -1: unknown. */
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        /** One behind the last record of that epoch; -1: unknown. */
        endOffset: int64('0+', { default: -1n }),
      }),
    }),
  },
})

export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof offsetForLeaderEpoch>

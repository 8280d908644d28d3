import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, int64, string } from '../schema.ts'

/** Offsets by timestamp, and the first and last of a partition (KIP-79). */
export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-11',
  flexible: '6+',
  route: 'partitionLeader',
  request: {
    /** -1: a consumer. */
    replicaId: int32(),
    isolationLevel: int8('2+'),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        /**
         * Milliseconds, or -1 latest, -2 earliest, -3 of the greatest timestamp (KIP-734), -4 earliest
         * local (KIP-405), -5 latest tiered (KIP-1005), -6 earliest pending upload (KIP-1023).
         */
        timestamp: int64(),
        /** Version 0 answers with a list of segment starts. */
        maxNumOffsets: int32('0', { default: 1 }),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        oldStyleOffsets: array(int64(), '0'),
        timestamp: int64('1+', { default: -1n }),
        /** -1: no record at or after the timestamp. */
        offset: int64('1+', { default: -1n }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
})

export type ListOffsetsRequest = RequestOf<typeof listOffsets>
export type ListOffsetsResponse = ResponseOf<typeof listOffsets>

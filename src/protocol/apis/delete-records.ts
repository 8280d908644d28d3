import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/** Moves the start of partitions, so that all before it is deleted (KIP-107). */
export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  route: 'partitionLeader',
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** Records before it are deleted; -1: all, up to the high watermark. */
        offset: int64(),
      }),
    }),
    /** How long to wait for the replicas, in milliseconds. */
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** First offset that all replicas still have; -1 when it failed. */
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
})

export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof deleteRecords>

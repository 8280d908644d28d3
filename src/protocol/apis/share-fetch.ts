import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, records, string, struct, uuid } from '../schema.ts'

/** Acquires records for a member of a share group, and acknowledges earlier ones (KIP-932). */
export const shareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: '0-2',
  flexible: '0+',
  route: 'partitionLeader',
  request: {
    groupId: string('0+', { nullable: true, default: null }),
    memberId: string('0+', { nullable: true }),
    /** 0: opens a session; then counts up; -1: closes it. */
    shareSessionEpoch: int32(),
    /** How long to wait for `minBytes`, in milliseconds. */
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32('0+', { default: 0x7fffffff }),
    /** Not a strict limit: batches are not cut for it, except in mode 1. */
    maxRecords: int32('1+'),
    /** Best number of records in one batch of `acquiredRecords`. */
    batchSize: int32('1+'),
    /** 0: whole batches; 1: never more than `maxRecords` (KIP-1206). */
    shareAcquireMode: int8('2+', { ignorable: true }),
    /** Some of the types are 4, renew (KIP-1222). */
    isRenewAck: bool('2+'),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        partitionMaxBytes: int32('0'),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          /**
           * One for each offset, or one for all: 0: gap, 1: accept, 2: release, 3: reject, 4: renew
           * (KIP-1222).
           */
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
    /** What the session no longer asks for. */
    forgottenTopicsData: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    /** How long acquired records stay locked, in milliseconds. */
    acquisitionLockTimeoutMs: int32('1+'),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true, default: null }),
        /** Of the acknowledgements that the request carried; `errorCode` is of the fetch. */
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string('0+', { nullable: true, default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
        records: records('0+', { nullable: '0' }),
        /** Only these may be delivered; `records` may hold more. */
        acquiredRecords: array({
          firstOffset: int64(),
          lastOffset: int64(),
          /** 1 the first time. */
          deliveryCount: int16(),
        }),
      }),
    }),
    /** Addresses of the leaders named in `currentLeader`. */
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('0+', { nullable: true, default: null }),
    }),
  },
})

export type ShareFetchRequest = RequestOf<typeof shareFetch>
export type ShareFetchResponse = ResponseOf<typeof shareFetch>

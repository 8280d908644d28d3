import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, int64, records, string, struct, uuid } from '../schema.ts'

/** Reads record batches from partitions; waits until there are enough (long poll). */
export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '0-18',
  flexible: '12+',
  route: 'partitionLeader',
  request: {
    clusterId: string('12+', { nullable: true, default: null, ignorable: true, tag: 0 }),
    /** -1: a consumer. */
    replicaId: int32('0-14', { default: -1 }),
    replicaState: struct(
      {
        replicaId: int32('15+', { default: -1 }),
        replicaEpoch: int64('15+', { default: -1n }),
      },
      '15+',
      { tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    /** Of the whole answer. The first batch is returned even when it is larger. */
    maxBytes: int32('3+', { default: 0x7fffffff, ignorable: true }),
    /** 0: read uncommitted; 1: read committed. */
    isolationLevel: int8('4+', { ignorable: true }),
    /** 0: no session, or a new one (KIP-227). */
    sessionId: int32('7+', { ignorable: true }),
    /** -1: no session; 0: begin one; then counting up. */
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    /** In the order in which the broker should fill the answer. */
    topics: array({
      topic: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
        fetchOffset: int64(),
        /** Only followers set it. */
        lastFetchedEpoch: int32('12+', { default: -1 }),
        logStartOffset: int64('5+', { default: -1n, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid('17+', { ignorable: true, tag: 0 }),
        highWatermark: int64('18+', { default: 9223372036854775807n, ignorable: true, tag: 1 }),
      }),
    }),
    /** What an incremental session no longer asks for. */
    forgottenTopicsData: array(
      {
        topic: string('7-12', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array(int32(), '7+'),
      },
      '7+',
    ),
    /** To be sent to the closest replica (KIP-392). */
    rackId: string('11+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+'),
    responses: array({
      topic: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        /** Everything before it is committed or aborted; -1 when not told. */
        lastStableOffset: int64('4+', { default: -1n, ignorable: true }),
        logStartOffset: int64('5+', { default: -1n, ignorable: true }),
        divergingEpoch: struct(
          {
            epoch: int32('12+', { default: -1 }),
            endOffset: int64('12+', { default: -1n }),
          },
          '12+',
          { tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32('12+', { default: -1 }),
            leaderEpoch: int32('12+', { default: -1 }),
          },
          '12+',
          { tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64('0+', { default: -1n }),
            epoch: int32('0+', { default: -1 }),
          },
          '12+',
          { tag: 2 },
        ),
        /** Not sorted by every broker: sort by `firstOffset` before use. */
        abortedTransactions: array(
          {
            producerId: int64('4+'),
            firstOffset: int64('4+'),
          },
          '4+',
          { nullable: true, ignorable: true },
        ),
        /** -1: go on reading here. */
        preferredReadReplica: int32('11+', { default: -1 }),
        /** The last batch may be cut short. */
        records: records('0+', { nullable: true }),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32('16+'),
        host: string('16+'),
        port: int32('16+'),
        rack: string('16+', { nullable: true, default: null }),
      },
      '16+',
      { tag: 0 },
    ),
  },
})

export type FetchRequest = RequestOf<typeof fetch>
export type FetchResponse = ResponseOf<typeof fetch>

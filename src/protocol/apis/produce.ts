import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, records, string, struct, uuid } from '../schema.ts'

/** Appends record batches to partitions, each at its leader. */
export const produce = api({
  key: 0,
  name: 'Produce',
  versions: '0-13',
  flexible: '9+',
  route: 'partitionLeader',
  request: {
    transactionalId: string('3+', { nullable: true, default: null }),
    /** 0: no answer at all; 1: the leader has it; -1: all replicas in sync have it. */
    acks: int16(),
    /** How long the leader waits for the replicas, in milliseconds. */
    timeoutMs: int32(),
    topicData: array({
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array({
        index: int32(),
        /** Exactly one batch from version 3 on. */
        records: records('0+', { nullable: true }),
      }),
    }),
  },
  response: {
    responses: array({
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        /** Offset of the first record; -1 when it failed. */
        baseOffset: int64(),
        /** -1 unless the topic uses LogAppendTime. */
        logAppendTimeMs: int64('2+', { default: -1n, ignorable: true }),
        logStartOffset: int64('5+', { default: -1n, ignorable: true }),
        /** Which records the broker refused, when it refused single ones (KIP-467). */
        recordErrors: array(
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: true, default: null }),
          },
          '8+',
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: true, default: null, ignorable: true }),
        /** Who leads now, when it is not the one asked (KIP-951). */
        currentLeader: struct(
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          '10+',
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    /** Addresses of the leaders named in `currentLeader` (KIP-951). */
    nodeEndpoints: array(
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: true, default: null }),
      },
      '10+',
      { tag: 0 },
    ),
  },
})

export type ProduceRequest = RequestOf<typeof produce>
export type ProduceResponse = ResponseOf<typeof produce>

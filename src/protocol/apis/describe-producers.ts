import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/** Producers that are active on partitions, with their open transactions (KIP-664). */
export const describeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  route: 'partitionLeader',
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true, default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          /** -1: none. */
          lastSequence: int32('0+', { default: -1 }),
          /** Milliseconds since 1970; -1: none. */
          lastTimestamp: int64('0+', { default: -1n }),
          coordinatorEpoch: int32(),
          /** -1: no open transaction. */
          currentTxnStartOffset: int64('0+', { default: -1n }),
        }),
      }),
    }),
  },
})

export type DescribeProducersRequest = RequestOf<typeof describeProducers>
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Where share groups stand in partitions (KIP-932). */
export const describeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groups: array({
      groupId: string(),
      /** Null: all topics. */
      topics: array(
        {
          topicName: string(),
          partitions: array(int32()),
        },
        '0+',
        { nullable: true },
      ),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          /** First offset that is not done with; -1: not there yet. */
          startOffset: int64(),
          leaderEpoch: int32(),
          /** Records that are still to be delivered or acknowledged; -1: unknown (KIP-1226). */
          lag: int64('1+', { default: -1n, ignorable: true }),
          errorCode: int16(),
          errorMessage: string('0+', { nullable: true, default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true, default: null }),
    }),
  },
})

export type DescribeShareGroupOffsetsRequest = RequestOf<typeof describeShareGroupOffsets>
export type DescribeShareGroupOffsetsResponse = ResponseOf<typeof describeShareGroupOffsets>

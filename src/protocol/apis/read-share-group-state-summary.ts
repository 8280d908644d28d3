import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string, uuid } from '../schema.ts'

/**
 * Reads where share partitions start, without the state of each record. From the group coordinator
 * (KIP-932).
 */
export const readShareGroupStateSummary = api({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  versions: '0-1',
  flexible: '0+',
  route: 'shareCoordinator',
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true, default: null }),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        /** Records behind `startOffset` that are done with already; -1: unknown (KIP-1226). */
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
})

export type ReadShareGroupStateSummaryRequest = RequestOf<typeof readShareGroupStateSummary>
export type ReadShareGroupStateSummaryResponse = ResponseOf<typeof readShareGroupStateSummary>

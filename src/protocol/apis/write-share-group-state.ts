import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/** Stores the state of share partitions. From their leaders (KIP-932). */
export const writeShareGroupState = api({
  key: 85,
  name: 'WriteShareGroupState',
  versions: '0-1',
  flexible: '0+',
  route: 'shareCoordinator',
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        /** -1: unchanged. */
        startOffset: int64(),
        /** Records behind `startOffset` that are done with already; -1: unknown (KIP-1226). */
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          /** 0: available; 2: acknowledged; 4: archived. */
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
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
      }),
    }),
  },
})

export type WriteShareGroupStateRequest = RequestOf<typeof writeShareGroupState>
export type WriteShareGroupStateResponse = ResponseOf<typeof writeShareGroupState>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/** Reads the stored state of share partitions. From their leaders (KIP-932). */
export const readShareGroupState = api({
  key: 84,
  name: 'ReadShareGroupState',
  versions: '0',
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
        /** Grows when the state is set anew. */
        stateEpoch: int32(),
        startOffset: int64(),
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
})

export type ReadShareGroupStateRequest = RequestOf<typeof readShareGroupState>
export type ReadShareGroupStateResponse = ResponseOf<typeof readShareGroupState>

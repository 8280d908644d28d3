import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Creates the stored state of share partitions. From the group coordinator (KIP-932). */
export const initializeShareGroupState = api({
  key: 83,
  name: 'InitializeShareGroupState',
  versions: '0',
  flexible: '0+',
  route: 'shareCoordinator',
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        /** -1: as the group is configured. */
        startOffset: int64(),
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

export type InitializeShareGroupStateRequest = RequestOf<typeof initializeShareGroupState>
export type InitializeShareGroupStateResponse = ResponseOf<typeof initializeShareGroupState>

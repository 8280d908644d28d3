import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, uuid } from '../schema.ts'

/** Deletes the stored state of share partitions. From the group coordinator (KIP-932). */
export const deleteShareGroupState = api({
  key: 86,
  name: 'DeleteShareGroupState',
  versions: '0',
  flexible: '0+',
  route: 'shareCoordinator',
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
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

export type DeleteShareGroupStateRequest = RequestOf<typeof deleteShareGroupState>
export type DeleteShareGroupStateResponse = ResponseOf<typeof deleteShareGroupState>

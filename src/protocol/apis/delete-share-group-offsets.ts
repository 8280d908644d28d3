import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, uuid } from '../schema.ts'

/** Makes an empty share group forget topics (KIP-932). */
export const deleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true, default: null }),
    }),
  },
})

export type DeleteShareGroupOffsetsRequest = RequestOf<typeof deleteShareGroupOffsets>
export type DeleteShareGroupOffsetsResponse = ResponseOf<typeof deleteShareGroupOffsets>

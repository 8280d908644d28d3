import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string, uuid } from '../schema.ts'

/** Deletes topics, by name or by id. */
export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '0-6',
  flexible: '4+',
  route: 'controller',
  request: {
    topics: array(
      {
        name: string('6+', { nullable: true, default: null }),
        topicId: uuid('6+'),
      },
      '6+',
    ),
    topicNames: array(string(), '0-5', { ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array({
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('5+', { nullable: true, default: null, ignorable: true }),
    }),
  },
})

export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string } from '../schema.ts'

/** Deletes groups that are empty (KIP-229). */
export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-3',
  flexible: '2+',
  route: 'groupCoordinator',
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
      errorMessage: string('3+', { nullable: true, default: null, ignorable: true }),
    }),
  },
})

export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof deleteGroups>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string } from '../schema.ts'

/** The groups that one broker coordinates: all brokers must be asked for all groups. */
export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  route: 'broker',
  request: {
    /** Empty: all states (KIP-518). */
    statesFilter: array(string(), '4+'),
    /** Empty: all types (KIP-848). */
    typesFilter: array(string(), '5+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
})

export type ListGroupsRequest = RequestOf<typeof listGroups>
export type ListGroupsResponse = ResponseOf<typeof listGroups>

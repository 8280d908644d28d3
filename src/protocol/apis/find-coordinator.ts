import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/** Which broker coordinates a group or a transactional id; several at once since version 4 (KIP-699). */
export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  route: 'any',
  request: {
    key: string('0-3'),
    /** 0: group; 1: transactional id; 2: share partition. */
    keyType: int8('1+'),
    /** Group ids, transactional ids, or `groupId:topicId:partition`. */
    coordinatorKeys: array(string(), '4+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: true, ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array(
      {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', { nullable: true, ignorable: true }),
      },
      '4+',
    ),
  },
})

export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof findCoordinator>

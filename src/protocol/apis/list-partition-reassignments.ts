import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string } from '../schema.ts'

/** Moves of replicas that are under way (KIP-455). */
export const listPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    /** Null: all that are under way. */
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** All that there are now, the ones to be added and removed among them. */
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
})

export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof listPartitionReassignments>

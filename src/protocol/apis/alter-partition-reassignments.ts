import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string } from '../schema.ts'

/** Moves replicas between brokers, or stops that (KIP-455). */
export const alterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  route: 'controller',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    /** False: refuse what would change the number of replicas (KIP-860). */
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The wanted replicas, the preferred leader first; null: stop the move that is under way. */
        replicas: array(int32(), '0+', { nullable: true, default: null }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true }),
      }),
    }),
  },
})

export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof alterPartitionReassignments>

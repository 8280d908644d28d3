import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string } from '../schema.ts'

/**
 * Ends a transaction in the logs of partitions. From the transaction coordinator, and from Admin to end one
 * that hangs (KIP-664).
 */
export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '0-2',
  flexible: '1+',
  route: 'partitionLeader',
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      /** True: commit; false: abort. */
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      /** Epoch of the transaction log partition, to fence an old coordinator. */
      coordinatorEpoch: int32(),
      /** Transaction version of the producer: 2 has a new epoch with each transaction (KIP-1228). */
      transactionVersion: int8('2+', { ignorable: true }),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
})

export type WriteTxnMarkersRequest = RequestOf<typeof writeTxnMarkers>
export type WriteTxnMarkersResponse = ResponseOf<typeof writeTxnMarkers>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/** State of transactions by transactional id (KIP-664). */
export const describeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  route: 'transactionCoordinator',
  request: {
    transactionalIds: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      /**
       * Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead or
       * PrepareEpochFence.
       */
      transactionState: string(),
      transactionTimeoutMs: int32(),
      /** Milliseconds since 1970; -1: none is open. */
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      /** Partitions that are in the open transaction. */
      topics: array({
        topic: string(),
        partitions: array(int32()),
      }),
    }),
  },
})

export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>
export type DescribeTransactionsResponse = ResponseOf<typeof describeTransactions>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/** The transactions that one broker coordinates: all brokers must be asked for all transactions (KIP-664). */
export const listTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  route: 'broker',
  request: {
    /** Empty: all states. */
    stateFilters: array(string()),
    /** Empty: all producers. */
    producerIdFilters: array(int64()),
    /** Only those that have been open for more milliseconds; -1: all (KIP-994). */
    durationFilter: int64('1+', { default: -1n }),
    /** Regular expression in the syntax of RE2; null: all (KIP-1152). */
    transactionalIdPattern: string('2+', { nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    /** Those of `stateFilters` that this broker does not know. */
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
})

export type ListTransactionsRequest = RequestOf<typeof listTransactions>
export type ListTransactionsResponse = ResponseOf<typeof listTransactions>

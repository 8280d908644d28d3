import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Commits or aborts a transaction (KIP-98). Version 5 on is for clusters whose finalized `transaction.version` is 2: it
 * raises the epoch each time (KIP-890).
 */
export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  route: 'transactionCoordinator',
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    /** True: commit; false: abort. */
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    /** For the next transaction: since version 5 each one raises the epoch (KIP-890). -1: unchanged. */
    producerId: int64('5+', { default: -1n, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
})

export type EndTxnRequest = RequestOf<typeof endTxn>
export type EndTxnResponse = ResponseOf<typeof endTxn>

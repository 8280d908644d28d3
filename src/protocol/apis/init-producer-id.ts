import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bool, int16, int32, int64, string } from '../schema.ts'

/** Gets a producer id and epoch for idempotence or transactions (KIP-98, KIP-360). */
export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-6',
  flexible: '2+',
  latestVersionUnstable: true,
  route: 'any',
  request: {
    /** Null for idempotence alone. */
    transactionalId: string('0+', { nullable: true }),
    transactionTimeoutMs: int32(),
    /** The one held now, to have its epoch raised; -1 for a new one (KIP-360). */
    producerId: int64('3+', { default: -1n }),
    producerEpoch: int16('3+', { default: -1 }),
    /** Two-phase commit (KIP-939), in the making. */
    enable2Pc: bool('6+'),
    keepPreparedTxn: bool('6+'),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16(),
    producerId: int64('0+', { default: -1n }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64('6+', { default: -1n }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
})

export type InitProducerIdRequest = RequestOf<typeof initProducerId>
export type InitProducerIdResponse = ResponseOf<typeof initProducerId>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64 } from '../schema.ts'

/** A broker gets a block of producer ids to give out (KIP-730). */
export const allocateProducerIds = api({
  key: 67,
  name: 'AllocateProducerIds',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    brokerId: int32(),
    brokerEpoch: int64('0+', { default: -1n }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    /** First of `producerIdLen` ids in a row. */
    producerIdStart: int64(),
    producerIdLen: int32(),
  },
})

export type AllocateProducerIdsRequest = RequestOf<typeof allocateProducerIds>
export type AllocateProducerIdsResponse = ResponseOf<typeof allocateProducerIds>

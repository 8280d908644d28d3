import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bytes, int16, int32, int64 } from '../schema.ts'

/** Makes a delegation token live longer (KIP-48). */
export const renewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '0-2',
  flexible: '2+',
  route: 'any',
  request: {
    hmac: bytes(),
    /** Milliseconds; -1: as the broker has it. */
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    /** Milliseconds since 1970. */
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})

export type RenewDelegationTokenRequest = RequestOf<typeof renewDelegationToken>
export type RenewDelegationTokenResponse = ResponseOf<typeof renewDelegationToken>

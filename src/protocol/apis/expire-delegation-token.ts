import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bytes, int16, int32, int64 } from '../schema.ts'

/** Ends a delegation token, or sets when it ends (KIP-48). */
export const expireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '0-2',
  flexible: '2+',
  route: 'any',
  request: {
    hmac: bytes(),
    /** Milliseconds from now on; negative: at once. */
    expiryTimePeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    /** Milliseconds since 1970. */
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})

export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationToken>
export type ExpireDelegationTokenResponse = ResponseOf<typeof expireDelegationToken>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Creates a delegation token (KIP-48). */
export const createDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '0-3',
  flexible: '2+',
  route: 'any',
  request: {
    /** Null: the one who asks owns the token (KIP-373). */
    ownerPrincipalType: string('3+', { nullable: true }),
    ownerPrincipalName: string('3+', { nullable: true }),
    /** Who may renew it besides its owner. */
    renewers: array({
      principalType: string(),
      principalName: string(),
    }),
    /** Milliseconds; -1: as the broker has it. */
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    /** Milliseconds since 1970, as the two that follow. */
    issueTimestampMs: int64(),
    /** When it ends unless it is renewed. */
    expiryTimestampMs: int64(),
    /** When it ends even if it is renewed. */
    maxTimestampMs: int64(),
    /** User name for SCRAM; the `hmac` in base64 is the password. */
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
})

export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationToken>
export type CreateDelegationTokenResponse = ResponseOf<typeof createDelegationToken>

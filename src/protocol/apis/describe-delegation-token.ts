import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Lists delegation tokens by owner (KIP-48). */
export const describeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-3',
  flexible: '2+',
  route: 'any',
  request: {
    /** Null: all owners. */
    owners: array(
      {
        principalType: string(),
        principalName: string(),
      },
      '0+',
      { nullable: true },
    ),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      /** Milliseconds since 1970, as the two that follow. */
      issueTimestamp: int64(),
      /** When it ends unless it is renewed. */
      expiryTimestamp: int64(),
      /** When it ends even if it is renewed. */
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({
        principalType: string(),
        principalName: string(),
      }),
    }),
    throttleTimeMs: int32(),
  },
})

export type DescribeDelegationTokenRequest = RequestOf<typeof describeDelegationToken>
export type DescribeDelegationTokenResponse = ResponseOf<typeof describeDelegationToken>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/** Which SCRAM credentials users have; never the secrets (KIP-554). */
export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    /** Null or empty: all users. */
    users: array(
      {
        name: string(),
      },
      '0+',
      { nullable: true },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
      credentialInfos: array({
        /** 1: SCRAM-SHA-256; 2: SCRAM-SHA-512. */
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
})

export type DescribeUserScramCredentialsRequest = RequestOf<typeof describeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof describeUserScramCredentials>

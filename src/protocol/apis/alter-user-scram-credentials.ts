import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bytes, int8, int16, int32, string } from '../schema.ts'

/** Sets and deletes SCRAM credentials of users (KIP-554). */
export const alterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    deletions: array({
      name: string(),
      /** 1: SCRAM-SHA-256; 2: SCRAM-SHA-512. */
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      /** 1: SCRAM-SHA-256; 2: SCRAM-SHA-512. */
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      /** Hi(password, salt, iterations) of RFC 5802: the password itself never leaves the client. */
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
    }),
  },
})

export type AlterUserScramCredentialsRequest = RequestOf<typeof alterUserScramCredentials>
export type AlterUserScramCredentialsResponse = ResponseOf<typeof alterUserScramCredentials>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bytes, int16, int64, string } from '../schema.ts'

/** Carries one message of a SASL exchange (KIP-152). */
export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  route: 'broker',
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    authBytes: bytes(),
    /** Milliseconds after which the broker wants a new authentication; 0: never (KIP-368). */
    sessionLifetimeMs: int64('1+', { ignorable: true }),
  },
})

export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof saslAuthenticate>

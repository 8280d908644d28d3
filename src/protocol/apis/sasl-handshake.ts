import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, string } from '../schema.ts'

/** Names the SASL mechanism to use; the answer lists those that the broker has. */
export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  route: 'broker',
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})

export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>

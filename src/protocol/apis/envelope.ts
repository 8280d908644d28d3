import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bytes, int16 } from '../schema.ts'

/** A request that a broker passes on to the controller in the name of a client (KIP-590). */
export const envelope = api({
  key: 58,
  name: 'Envelope',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    /** The request with its header, without its size. */
    requestData: bytes(),
    /** Whose request it is, as the broker's principal builder wrote it. */
    requestPrincipal: bytes('0+', { nullable: true }),
    /** Address of the client, four or sixteen bytes. */
    clientHostAddress: bytes(),
  },
  response: {
    /** The response with its header, without its size; null when the envelope was refused. */
    responseData: bytes('0+', { nullable: true, default: null }),
    errorCode: int16(),
  },
})

export type EnvelopeRequest = RequestOf<typeof envelope>
export type EnvelopeResponse = ResponseOf<typeof envelope>

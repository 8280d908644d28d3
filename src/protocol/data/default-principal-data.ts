import { message, type ValueOf } from '../message.ts'
import { bool, string } from '../schema.ts'

/** A principal as brokers pass it on to the controller: `requestPrincipal` of Envelope, behind an int16 version. */
export const defaultPrincipalData = message('DefaultPrincipalData', {
  versions: '0',
  flexible: '0+',
  fields: {
    type: string(),
    name: string(),
    /** Authenticated by a delegation token (KIP-48). */
    tokenAuthenticated: bool(),
  },
})

export type DefaultPrincipalData = ValueOf<typeof defaultPrincipalData>

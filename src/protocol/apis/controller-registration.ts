import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string, uint16, uuid } from '../schema.ts'

/** A controller makes itself known to the active one (KIP-919). */
export const controllerRegistration = api({
  key: 70,
  name: 'ControllerRegistration',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    controllerId: int32(),
    /** New with each start of the controller. */
    incarnationId: uuid(),
    /** Ready to take over from ZooKeeper (KIP-866). */
    zkMigrationReady: bool(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      /** 0: PLAINTEXT, 1: SSL, 2: SASL_PLAINTEXT, 3: SASL_SSL. */
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
  },
})

export type ControllerRegistrationRequest = RequestOf<typeof controllerRegistration>
export type ControllerRegistrationResponse = ResponseOf<typeof controllerRegistration>

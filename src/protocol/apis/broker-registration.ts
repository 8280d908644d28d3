import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

/** A broker that starts makes itself known to the controller (KIP-631). */
export const brokerRegistration = api({
  key: 62,
  name: 'BrokerRegistration',
  versions: '0-4',
  flexible: '0+',
  route: 'controller',
  request: {
    brokerId: int32(),
    clusterId: string(),
    /** New with each start of the broker. */
    incarnationId: uuid(),
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
    rack: string('0+', { nullable: true }),
    /** Under way from ZooKeeper to KRaft (KIP-866). */
    isMigratingZkBroker: bool('1+'),
    /** Ids of its log directories (KIP-858). */
    logDirs: array(uuid(), '2+', { ignorable: true }),
    /** From before a clean stop; -1: there was none (KIP-966). */
    previousBrokerEpoch: int64('3+', { default: -1n, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    brokerEpoch: int64('0+', { default: -1n }),
  },
})

export type BrokerRegistrationRequest = RequestOf<typeof brokerRegistration>
export type BrokerRegistrationResponse = ResponseOf<typeof brokerRegistration>

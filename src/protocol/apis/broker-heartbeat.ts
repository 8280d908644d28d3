import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, uuid } from '../schema.ts'

/** "I am alive", from a broker to the controller; also asks to be fenced or to stop (KIP-631). */
export const brokerHeartbeat = api({
  key: 63,
  name: 'BrokerHeartbeat',
  versions: '0-2',
  flexible: '0+',
  route: 'controller',
  request: {
    brokerId: int32(),
    /** The one that the registration brought. */
    brokerEpoch: int64('0+', { default: -1n }),
    /** How far the broker has read the metadata log. */
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    /** Log directories that have failed (KIP-858). */
    offlineLogDirs: array(uuid(), '1+', { tag: 0 }),
    /** Log directories that get no new replicas (KIP-1066); null: not told. */
    cordonedLogDirs: array(uuid(), '2+', { nullable: true, default: null, tag: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    isCaughtUp: bool(),
    isFenced: bool('0+', { default: true }),
    /** The broker may stop: it leads nothing any more. */
    shouldShutDown: bool(),
  },
})

export type BrokerHeartbeatRequest = RequestOf<typeof brokerHeartbeat>
export type BrokerHeartbeatResponse = ResponseOf<typeof brokerHeartbeat>

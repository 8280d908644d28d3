import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string, uuid } from '../schema.ts'

/** Which metrics the cluster wants of this client, and how often (KIP-714). */
export const getTelemetrySubscriptions = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    /** Zero at first: the broker then makes one. */
    clientInstanceId: uuid(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    /** To be given in each push; a stranger one is answered by UNKNOWN_SUBSCRIPTION_ID. */
    subscriptionId: int32(),
    /** In order of preference: 0: none, 1: gzip, 2: snappy, 3: lz4, 4: zstd. */
    acceptedCompressionTypes: array(int8()),
    /** Milliseconds between pushes. */
    pushIntervalMs: int32(),
    /** Of the metrics of one push, as compressed. */
    telemetryMaxBytes: int32(),
    /** True: what was added since the last push; false: sums from the start. */
    deltaTemporality: bool(),
    /** Prefixes of names. Empty: none are wanted; one empty string: all are. */
    requestedMetrics: array(string()),
  },
})

export type GetTelemetrySubscriptionsRequest = RequestOf<typeof getTelemetrySubscriptions>
export type GetTelemetrySubscriptionsResponse = ResponseOf<typeof getTelemetrySubscriptions>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { bool, bytes, int8, int16, int32, uuid } from '../schema.ts'

/** Hands in metrics of the client (KIP-714). */
export const pushTelemetry = api({
  key: 72,
  name: 'PushTelemetry',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    /** The last push of a client that closes: sent whatever the interval says. */
    terminating: bool(),
    /** 0: none, 1: gzip, 2: snappy, 3: lz4, 4: zstd. */
    compressionType: int8(),
    /** An OpenTelemetry MetricsData in protobuf, compressed. */
    metrics: bytes(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})

export type PushTelemetryRequest = RequestOf<typeof pushTelemetry>
export type PushTelemetryResponse = ResponseOf<typeof pushTelemetry>

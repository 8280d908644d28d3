import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, string } from '../schema.ts'

/**
 * The name that ListConfigResources had until Kafka 4.0, when it listed client metrics subscriptions alone
 * (KIP-714).
 */
export const listClientMetricsResources = api({
  key: 74,
  name: 'ListClientMetricsResources',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {},
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientMetricsResources: array({
      name: string(),
    }),
  },
})

export type ListClientMetricsResourcesRequest = RequestOf<typeof listClientMetricsResources>
export type ListClientMetricsResourcesResponse = ResponseOf<typeof listClientMetricsResources>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/**
 * Names of all resources of some types that have configurations (KIP-1142). Version 0,
 * ListClientMetricsResources, lists client metrics subscriptions alone (KIP-714).
 */
export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  route: 'any',
  request: {
    /**
     * Empty: all types. 2: topic, 4: broker, 8: broker logger, 16: client metrics (KIP-714), 32: group
     * (KIP-848).
     */
    resourceTypes: array(int8(), '1+'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
})

export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof listConfigResources>

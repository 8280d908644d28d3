import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string } from '../schema.ts'

/** Changes single configuration entries (KIP-339). Those of a broker are to be sent to that broker. */
export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  route: 'any',
  request: {
    resources: array({
      /** 2: topic, 4: broker, 8: broker logger, 16: client metrics (KIP-714), 32: group (KIP-848). */
      resourceType: int8(),
      /** Empty for a broker: the default of all brokers. */
      resourceName: string(),
      configs: array({
        name: string(),
        /** 0: set; 1: delete, back to the default; 2: append to a list; 3: take out of a list. */
        configOperation: int8(),
        value: string('0+', { nullable: true }),
      }),
    }),
    /** Check, and change nothing. */
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})

export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseOf<typeof incrementalAlterConfigs>

import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string } from '../schema.ts'

/**
 * Replaces configurations as a whole: what is not named goes back to its default (KIP-133). Those of a
 * broker are to be sent to that broker.
 */
export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  route: 'any',
  request: {
    resources: array({
      /** 2: topic, 4: broker, 8: broker logger, 16: client metrics (KIP-714), 32: group (KIP-848). */
      resourceType: int8(),
      /** Empty for a broker: the default of all brokers. */
      resourceName: string(),
      configs: array({
        name: string(),
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

export type AlterConfigsRequest = RequestOf<typeof alterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof alterConfigs>
